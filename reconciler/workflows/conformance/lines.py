"""Questions about lines and executions (contract 6, 7, 8), answered by uploading a few profiles of nobody."""

import itertools
import json
import tempfile
from collections.abc import Iterator
from typing import Any

from reconciler.api.profiles import stored_profile
from reconciler.errors import ReadFailed
from reconciler.kinds import paths
from reconciler.kinds.counts import many
from reconciler.model.conformance import Found
from reconciler.workflows.conformance.bench import FAST_POLL_S, SLOW_POLL_S, Bench, Row, lag
from reconciler.workflows.conformance.reading import executions_say

FILLERS = 4  # uploads that are only there for the order
BY_CHANCE = 0.01  # above it, an order may be chance
SLACK = 3  # milliseconds by which two clocks readings of one instant may differ
ERROR_FILE = 1_000_000  # bytes of one that are read


def line_answers(bench: Bench) -> Iterator[Found]:
    """Send what can be sent at once, then what needs the first to have ended."""
    active = next(iter(bench.selections.values()), None)
    if active is None:
        return
    sent = {what: bench.upload(what, lines) for what, lines in _uploads(bench, active).items()}
    ended = {what: bench.execution(ids) if ids else {} for what, ids in sent.items()}
    yield from executions_say([e for e in ended.values() if e])
    yield _failed("two_identifiers", "7.1", ended["two"], ("failure", "first"))
    yield _failed("update_strategy", "7.5", ended["strategy"], ("rejected", "accepted"))
    yield from _unactivated(bench, active, ended)
    yield _error_file(bench, ended["bad"])
    yield _order([e for e in ended.values() if e])
    yield from _merging(bench, active)


def _account(bench: Bench, name: str) -> str:
    return f"{bench.stamp}-{name}"


def upsert(compartment: str, account: str, profile: Row, **fields: Any) -> Row:
    """A command about an account, with the two fields that are not inherited (contract 7.2)."""
    owner = {"$compartment_id": compartment, "$user_account_id": account}
    flags = fields or {"force_replace": True}
    head = {"operation": "UPSERT", "compartment_id": compartment, "user_account_id": account}
    return {**head, **flags, "user_profile": {**owner, **profile}}


def _uploads(bench: Bench, active: str) -> dict[str, list[Row]]:
    good = upsert(active, _account(bench, "filler"), {"seen": 1})
    both = {**upsert(active, _account(bench, "two"), {"seen": 1}), "email_hash": "0" * 64}
    strategy = upsert(active, _account(bench, "strategy"), {"seen": 1}, update_strategy="PARTIAL_UPDATE")
    found = {"two": [both], "strategy": [strategy], "bad": [good, {**good, "operation": "NONSENSE"}]}
    idle = next((c for c in bench.compartments if c not in bench.selections.values()), None)
    if idle is not None:
        found["idle"] = [upsert(idle, _account(bench, "idle"), {"seen": 1})]
    return found | {f"filler-{n}": [good] for n in range(FILLERS)}


def counts_of(row: Row) -> tuple[int, int] | None:
    """Lines that succeeded and that failed, of an execution that ended well."""
    if row.get("status") not in ("SUCCEEDED", "SUCCESS") or not isinstance(result := row.get("result"), dict):
        return None
    return int(result.get("total_success") or 0), int(result.get("total_failure") or 0)


def _failed(switch: str, section: str, row: Row, options: tuple[str, str]) -> Found:
    counts = counts_of(row)
    if counts is None:
        return Found(switch, section, None, f"the execution is {row.get('status', 'not there')}")
    good, bad = counts
    answer = options[0] if bad else options[1] if good else None
    return Found(switch, section, answer, f"{good} line succeeded, {bad} failed")


def _unactivated(bench: Bench, active: str, ended: dict[str, Row]) -> Iterator[Found]:
    if "idle" in ended:
        yield _failed("unactivated_compartment", "7.6", ended["idle"], ("failure", "accepted"))
    else:
        why = "every created compartment became active without a request"
        yield Found("unactivated_compartment", "7.6", None, why)


def _error_file(bench: Bench, row: Row) -> Found:
    result = row.get("result") if isinstance(row.get("result"), dict) else {}
    uri = result.get("error_file_uri") if isinstance(result, dict) else None
    if not isinstance(uri, str):
        return Found("error_file", "6.4", None, "a line that should fail left no error file")
    with tempfile.TemporaryFile() as file:
        try:
            bench.writer.download(paths.data_file(), {"uri": uri}, file, ERROR_FILE)
        except ReadFailed as e:
            return Found("error_file", "6.4", None, str(e))
        file.seek(0)
        text = file.read().decode("utf-8", "replace")
    try:
        entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError:
        return Found(
            "error_file", "6.4", None, f"{many(len(text), 'character')} that are not one JSON value a line"
        )
    keys = {k for e in entries if isinstance(e, dict) for k in e}
    answer = "numbers" if "line" in keys else "echo" if "NONSENSE" in text else "opaque"
    return Found(
        "error_file",
        "6.4",
        answer,
        f"{many(len(entries), 'entry')} with {', '.join(sorted(keys)) or 'no fields'}",
    )


def _order(rows: list[Row]) -> Found:
    """From when executions were made, started and ended: in milliseconds, as the platform says (contract 1.8)."""
    keys = ("creation_date", "start_date", "duration")
    times = [tuple(r[k] for k in keys) for r in rows if all(isinstance(r.get(k), int) for k in keys)]
    if len(times) < len(rows) or len(times) < 3:
        return Found("order", "6.4", None, "not all executions have the times of creation, start and end")
    times.sort()
    by_start = sorted(times, key=lambda t: t[1])
    overlap = sum(a[1] + a[2] > b[1] + SLACK for a, b in itertools.pairwise(by_start))
    seen = f"{many(len(times), 'execution')}, {overlap} of which started before the one before them ended"
    if overlap:
        return Found("order", "6.4", "parallel", seen)
    if by_start != times:
        return Found("order", "6.4", "shuffled", seen)
    if _chance(times) > BY_CHANCE:
        return Found(
            "order", "6.4", None, f"{seen}; too few waited at once, so they may be in order by chance"
        )
    return Found("order", "6.4", "fifo", seen)


def _chance(times: list[tuple[int, int, int]]) -> float:
    """How likely a platform that takes any of those that are ready starts them in this order.

    Args:
        times: creation, start and duration of each, in milliseconds, in the order of both. One is ready as long after its creation
            as the quickest of all was started.
    """
    ready = min(start - made for made, start, _ in times)
    chance = 1.0
    for n, (_, start, _) in enumerate(times):
        chance /= max(1, sum(made + ready <= start for made, _, _ in times[n:]))
    return chance


def _merging(bench: Bench, active: str) -> Iterator[Found]:
    account = _account(bench, "merge")
    base = upsert(active, account, {"list": [1], "nothing": 1})
    more = upsert(active, account, {"list": [1], "nothing": None}, force_replace=False, merge_objects=True)

    def stored() -> Row:
        return stored_profile(bench.writer, bench.datamart_id, base, None) or {}

    looks: list[tuple[int, float] | None] = []
    steps = (
        ("merge-1", base, lambda: stored().get("nothing") == 1, FAST_POLL_S),
        ("merge-2", more, lambda: _moved(stored()), SLOW_POLL_S),
    )
    for what, line, shows, pause in steps:
        ids = bench.upload(what, [line])
        row = bench.execution(ids) if ids else {}
        if counts_of(row) != (1, 0):
            looks.append(None)
            break
        looks.append(bench.until(shows, pause))
    reads, seconds, why = lag(looks[0], looks[-1] if len(looks) > 1 else None)
    yield Found("profile_lag_reads", "8", reads, why)
    yield Found("profile_lag_seconds", "8", seconds, why)
    found = stored()
    array = {"[1, 1]": "concatenate", "[1]": "deduplicate"}.get(str(found.get("list")))
    merged = reads is not None
    yield Found(
        "array_merge", "7.4", array if merged else None, f"[1] merged into [1] gave {found.get('list')}"
    )
    null = "removed" if "nothing" not in found else "stored" if found["nothing"] is None else None
    yield Found(
        "null_merge", "7.4", null if merged else None, f"null is {'absent' if null == 'removed' else null}"
    )


def _moved(profile: Row) -> bool:
    return bool(profile) and profile.get("nothing") is None
