"""Questions about the schema of the datamart (contract 16), answered by reading it and by uploading profiles that do not fit it."""

import json
from collections.abc import Iterator
from typing import Any

from reconciler.api.client import Reader
from reconciler.api.profiles import stored_profiles
from reconciler.api.schemas import live_schema
from reconciler.errors import ReconcilerError
from reconciler.kinds import paths
from reconciler.kinds.schema_text import read_schema
from reconciler.model.conformance import Found
from reconciler.model.datamart_schema import DatamartSchema, Property
from reconciler.workflows.conformance.bench import SLOW_POLL_S, Bench, Row
from reconciler.workflows.conformance.lines import counts_of, upsert

UNHEARD = "rcl_conformance_unheard"
# A value that clashes with each type for certain.
_CLASHING: dict[str, Any] = {"Int": "none", "Float": "none", "BigDecimal": "none", "Boolean": "none", "Date": 5, "Timestamp": "none"}  # fmt: skip
_INDEX = "whether a stored profile is indexed cannot be read back"


def schema_reading(reader: Reader, datamart_id: str) -> Iterator[Found]:
    """How versions are listed, and in what form the text of one is answered."""
    try:
        wrapper = reader.get(paths.schemas(datamart_id))
    except ReconcilerError as e:
        yield Found("schema_list", "16.2", None, str(e))
        return
    rows = (
        [row for row in wrapper["data"] if isinstance(row, dict)] if isinstance(wrapper["data"], list) else []
    )
    words = [str(row.get("status")) for row in rows]
    yield Found("schema_list", "16.3", _listed(wrapper, words), ", ".join(words) or "no version is listed")
    chosen = next((row for row in rows if row.get("status") == "LIVE"), rows[0] if rows else None)
    if chosen is None:
        yield Found("schema_text", "16.2", None, "there is no version whose text could be read")
        return
    try:
        kind, body = reader.text(paths.schema_text(datamart_id, str(chosen.get("id"))))
    except ReconcilerError as e:
        yield Found("schema_text", "16.2", None, str(e))
        return
    yield Found("schema_text", "16.2", _form(kind, body), f"Content-Type: {kind[:60]}")


def _listed(wrapper: Row, words: list[str]) -> str | None:
    if "max_results" in wrapper:
        return "paged"
    live = words.count("LIVE")
    if not words:
        return "empty"
    if live == 0:
        return "published" if "PUBLISHED" in words else "no_live"
    if live > 1:
        return "two_live"
    if len(words) == 1:
        return "live_only"
    return "draft_first" if words[0] == "DRAFT" else None


def _form(kind: str, body: bytes) -> str | None:
    if kind.startswith("application/json"):
        try:
            return "json_string" if isinstance(json.loads(body), str) else "json_wrapper"
        except ValueError:
            return None
    if kind.startswith("application/octet-stream"):
        return "octet_stream"
    if kind.startswith("text/plain"):
        return "charset" if "charset" in kind.lower() else "plain"
    return None


def schema_lines(bench: Bench) -> Iterator[Found]:
    """What becomes of profiles that do not fit the schema.

    Raises:
        ReadFailed: an execution could not be read.
    """
    active = next(iter(bench.selections.values()), None)
    yield Found("schema_nested_null", "16.5", None, _INDEX)
    if active is None:
        return
    try:
        live = live_schema(bench.writer, bench.datamart_id)
        schema = read_schema(live.text, f"schema {live.id}")
    except ReconcilerError as e:
        yield Found("schema_unknown", "16.1", None, str(e))
        return
    fitting = {p.sources[0][0]: "x" for p in _mandatory(schema)}
    sent = _profiles(schema, active, fitting)
    uploads = {
        what: (line, bench.upload(f"schema-{what}", [line]))
        for what, line in {w: upsert(active, f"{bench.stamp}-schema-{w}", p) for w, p in sent.items()}.items()
    }
    for what, (line, ids) in uploads.items():
        row = bench.execution(ids) if ids else {}
        yield _answer(bench, what, line, counts_of(row))
    for what, why in (
        ("clash", "no field of a type that can clash"),
        ("null", "no mandatory field of its own"),
    ):
        if what not in sent:
            yield Found(f"schema_{what}", "16.5", None, f"the schema has {why}")


def _profiles(schema: DatamartSchema, active: str, fitting: Row) -> dict[str, Row]:
    clash = next((p for p in schema.profile if _plain(p) and p.type.name in _CLASHING), None)
    sent: dict[str, Row] = {
        "unknown": {**fitting, UNHEARD: "x"},
        "plain_names": {**fitting, "compartment_id": active},
    }
    if clash is not None:
        sent["clash"] = {**fitting, clash.sources[0][0]: _CLASHING[clash.type.name]}
    if fitting:
        sent["null"] = dict.fromkeys(fitting)
    return sent


def _plain(p: Property) -> bool:
    return (
        not p.computed
        and p.type.of is None
        and len(p.sources) == 1
        and len(p.sources[0]) == 1
        and p.sources[0][0][0] != "$"
    )


def _mandatory(schema: DatamartSchema) -> list[Property]:
    return [p for p in schema.profile if p.type.mandatory and _plain(p) and p.type.name in ("String", "ID")]


def _answer(bench: Bench, what: str, line: Row, counts: tuple[int, int] | None) -> Found:
    switch, section = (
        f"schema_{what}",
        "16.1" if what == "unknown" else "16.4" if what == "plain_names" else "16.5",
    )
    if counts is None:
        return Found(switch, section, None, "the execution did not end well")
    if counts[1]:
        return Found(switch, section, None if what == "plain_names" else "failure", "the line failed")
    found: Row = {}

    def shows() -> bool:
        found.update(next(iter(stored_profiles(bench.writer, bench.datamart_id, line)), {}))
        return bool(found)

    if bench.until(shows, SLOW_POLL_S) is None:
        return Found(switch, section, None, "the line succeeded, and no profile is shown")
    given = line["user_profile"]
    own = next((k for k in given if k not in found or found[k] != given[k]), None)
    match what:
        case "unknown":
            there = UNHEARD in found
            return Found(
                switch,
                section,
                "stored" if there else "dropped",
                f"the field is {'' if there else 'not '}shown",
            )
        case "plain_names":
            answer = "custom" if "compartment_id" in found else "platform"
            return Found(
                switch, section, answer, f"compartment_id is {'' if answer == 'custom' else 'not '}shown"
            )
        case "null":
            return Found(switch, section, "object_not_indexed", "the line succeeded")
        case _:
            if own is not None:
                return Found(switch, section, "coerced", "another value is shown")
            return Found(switch, section, None, f"the value is shown as it was sent; {_INDEX}")
