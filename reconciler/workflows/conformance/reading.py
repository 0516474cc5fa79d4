"""Questions that reading answers: how lists are paged (contract 1.5), what ids and states look like (1.8, 6.3)."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from reconciler.api.client import Params, Reader
from reconciler.api.pages import read_all
from reconciler.kinds import paths
from reconciler.kinds.counts import many
from reconciler.model.conformance import Found
from reconciler.planning.loads.generations import number
from reconciler.workflows.conformance.bench import ENDED, readable

MANY = 1_000_000
LOOKED_AT = 20  # imports whose executions are read


def reading_answers(reader: Reader, organisation_id: str, datamart_id: str) -> Iterator[Found]:
    """Answers from listings and from executions of the past.

    Raises:
        ReadFailed: a list could not be read.
    """
    params = {"organisation_id": organisation_id}
    lists: tuple[tuple[str, Params], ...] = (
        (paths.compartments(), params),
        (paths.activations(datamart_id), {}),
        (paths.imports(datamart_id), {}),
        (paths.datamarts(), params),
    )
    plain = [reader.get(path, {**given}) for path, given in lists]
    yield _total(plain)
    yield _page_default(plain)
    yield _page_cap([reader.get(path, {**given, "max_results": MANY}) for path, given in lists])
    imports = sorted((r["id"] for r in read_all(reader, paths.imports(datamart_id))), key=number)
    newest = imports[-LOOKED_AT:]
    executions = [e for i in newest for e in _executions(reader, datamart_id, i)]
    yield from executions_say(executions)


def _total(wrappers: list[dict[str, Any]]) -> Found:
    having = sum("total" in w for w in wrappers)
    answer = {len(wrappers): "with", 0: "without"}.get(having)
    return Found("total", "1.4", answer, f"{having} of {len(wrappers)} lists have a total")


def _page_default(wrappers: list[dict[str, Any]]) -> Found:
    said = {w["max_results"] for w in wrappers if isinstance(w.get("max_results"), int)}
    if len(said) == 1:
        return Found(
            "page_default", "1.5", said.pop(), "the max_results in the answer to a request without one"
        )
    cut = {w["count"] for w in wrappers if isinstance(w.get("total"), int) and w.get("count", 0) < w["total"]}
    if len(cut) == 1:
        return Found("page_default", "1.5", cut.pop(), "rows of a page without max_results")
    most = max((len(w["data"]) for w in wrappers if isinstance(w.get("data"), list)), default=0)
    return Found(
        "page_default",
        "1.5",
        None,
        f"answers have no max_results, and no list is longer than a page; at least {most}",
    )


def _page_cap(wrappers: list[dict[str, Any]]) -> Found:
    said = {w["max_results"] for w in wrappers if isinstance(w.get("max_results"), int)}
    if said == {MANY}:
        return Found("page_cap", "1.5", 0, f"a page of {MANY:,} rows was returned")
    if len(said) == 1:
        return Found(
            "page_cap", "1.5", said.pop(), f"the max_results in the answer to a request for {MANY:,}"
        )
    cut = {w["count"] for w in wrappers if isinstance(w.get("total"), int) and w.get("count", 0) < w["total"]}
    if len(cut) == 1:
        return Found("page_cap", "1.5", cut.pop(), f"rows of a page in the answer to a request for {MANY:,}")
    return Found("page_cap", "1.5", None, "answers have no max_results, and no list is longer than a page")


def _executions(reader: Reader, datamart_id: str, import_id: str) -> list[dict[str, Any]]:
    found = readable(lambda: reader.get(paths.executions(datamart_id, import_id)))
    rows = found.get("data") if found else None
    return [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []


def executions_say(executions: list[dict[str, Any]]) -> Iterator[Found]:
    """The word for success, and whether nested ids are numbers."""
    ended = Counter(str(e.get("status")) for e in executions if e.get("status") in ENDED)
    words = [w for w in ("SUCCEEDED", "SUCCESS") if ended[w]]
    seen = ", ".join(f"{n} {w}" for w, n in sorted(ended.items())) or "no execution has ended here yet"
    yield Found("success_word", "6.3", words[0] if len(words) == 1 else None, seen)
    nested = [
        e["parameters"].get("document_import_id") for e in executions if isinstance(e.get("parameters"), dict)
    ]
    kinds = {"on" if isinstance(i, int) else "off" for i in nested if isinstance(i, int | str)}
    why = f"document_import_id in {many(len(nested), 'execution')}" if nested else "no execution is here yet"
    yield Found("numeric_ids", "1.8", kinds.pop() if len(kinds) == 1 else None, why)
