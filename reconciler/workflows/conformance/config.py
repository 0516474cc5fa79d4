"""Questions about compartments, activations and imports (contract 3.4, 4.3, 5.2), answered by making some."""

from collections.abc import Iterator

from reconciler.api import resources
from reconciler.api.answers import Verdict
from reconciler.kinds import paths
from reconciler.kinds.counts import many
from reconciler.model.conformance import Found
from reconciler.workflows.conformance.bench import (
    FAST_POLL_S,
    PREFIX,
    SLOW_POLL_S,
    Bench,
    created_id,
    describe,
    lag,
)

TWICE = 2.0  # seconds that something which may show by itself is waited for, at least


def config_answers(bench: Bench) -> Iterator[Found]:
    """Answers, in an order in which later ones can rely on what earlier ones made.

    Raises:
        ReadFailed: a list could not be read.
    """
    found = list(_listings(bench))
    yield from found
    late = next((float(f.answer) for f in found if f.switch == "lag_seconds" and f.answer), 0.0)
    token = f"{PREFIX}-{bench.stamp}"
    first = bench.compartment(token)
    if (identity := created_id(first)) is None:
        yield Found("duplicate_token", "3.4", None, f"no compartment can be created: {describe(first)}")
        return
    auto = _auto_activate(bench, identity, late)
    yield auto
    yield _duplicate_token(bench, token)
    yield _duplicate_activation(bench, identity)
    if len(bench.compartments) == 1:
        bench.compartment(f"{token}-second")
    if auto.answer == "on" and len(bench.compartments) > 1:
        _deactivate(bench, bench.compartments[-1], max(TWICE, 2 * late))


def _deactivate(bench: Bench, compartment_id: str, patience: float) -> None:
    """Have a compartment that is not active, though each becomes so by itself; it stays active where nothing can be removed."""
    bench.until(lambda: bool(_selection(bench, compartment_id)), SLOW_POLL_S / 2, patience)
    selection = _selection(bench, compartment_id)
    if selection is None:
        return
    answer = bench.writer.send("DELETE", paths.activation(bench.datamart_id, selection), None)
    if answer.verdict is not Verdict.DONE:
        bench.selections[selection] = compartment_id


def _listings(bench: Bench) -> Iterator[Found]:
    one = created_id(bench.document_import("lag-1"))
    fast = bench.until_listed("lag-1", one, FAST_POLL_S) if one else None
    other = created_id(bench.document_import("lag-2"))
    slow = bench.until_listed("lag-2", other, SLOW_POLL_S) if other else None
    reads, seconds, why = lag(fast, slow)
    yield Found("lag_reads", "12", reads, why)
    yield Found("lag_seconds", "12", seconds, why)
    again = bench.document_import("lag-1")
    if again.verdict is Verdict.DONE:
        new = created_id(again) != one
        seen = "a second import was created" if new else "the first import was returned"
        yield Found("duplicate_import", "5.2", "accepted" if new else None, seen)
    else:
        yield Found("duplicate_import", "5.2", "error" if refused(again.status) else None, describe(again))


def _auto_activate(bench: Bench, compartment_id: str, late: float) -> Found:
    datamarts = resources.datamarts(bench.writer, bench.organisation_id).require()
    live = [d.id for d in datamarts.rows if not d.archived and d.type == "DATAMART"]
    if live != [bench.datamart_id]:
        return Found(
            "auto_activate",
            "3.4",
            None,
            f"the organisation has {many(len(live), 'live datamart')}; the question is about organisations with one",
        )
    seen = bench.until(lambda: bool(_selection(bench, compartment_id)), SLOW_POLL_S / 2, max(TWICE, 2 * late))
    if seen is None:
        return Found("auto_activate", "3.4", "off", "no activation appeared without a request")
    bench.selections[_selection(bench, compartment_id) or ""] = compartment_id
    return Found(
        "auto_activate", "3.4", "on", f"an activation appeared without a request after {seen[1]:.1f} s"
    )


def _selection(bench: Bench, compartment_id: str) -> str | None:
    listing = resources.activations(bench.writer, bench.datamart_id).require()
    return next((a.id for a in listing.rows if a.compartment_id == compartment_id), None)


def _duplicate_token(bench: Bench, token: str) -> Found:
    again = bench.compartment(token)
    if again.verdict is Verdict.DONE:
        new = len(set(bench.compartments)) > 1
        seen = "a second compartment was created" if new else "the first compartment was returned"
        return Found("duplicate_token", "3.4", "accepted" if new else None, seen)
    answer = {409: "error409", 400: "error400"}.get(again.status or 0)
    return Found("duplicate_token", "3.4", answer, describe(again))


def _duplicate_activation(bench: Bench, compartment_id: str) -> Found:
    first = next((s for s, c in bench.selections.items() if c == compartment_id), None)
    first = first or created_id(bench.activate(compartment_id))
    if first is None:
        return Found("duplicate_activation", "4.3", None, "the first activation failed")
    again = bench.activate(compartment_id)
    if again.verdict is Verdict.DONE:
        same = created_id(again) == first
        seen = "the first row was returned" if same else "a second row was created"
        return Found("duplicate_activation", "4.3", "existing" if same else "second", seen)
    return Found("duplicate_activation", "4.3", "error" if refused(again.status) else None, describe(again))


def removal(bench: Bench) -> Found:
    """Deactivate what was made here; compartments follow when all is cleared."""
    identity = next(iter(bench.selections), None)
    if identity is None:
        return Found("removal", "4.2", None, "nothing was activated")
    answer = bench.writer.send("DELETE", paths.activation(bench.datamart_id, identity), None)
    if answer.verdict is Verdict.DONE:
        del bench.selections[identity]
        return Found("removal", "4.2", "works", "an activation was removed")
    return Found("removal", "4.2", "405" if answer.status == 405 else None, describe(answer))


def refused(status: int | None) -> bool:
    """True for an answer that says no."""
    return status is not None and 400 <= status < 500 and status not in (401, 408, 429)
