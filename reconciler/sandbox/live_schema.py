"""What the LIVE schema of a datamart does to a line that is stored, by the switches of contract 16.8."""

from typing import Any

from reconciler.sandbox.indexing import Problem, Schema, coerced
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import Switches


def live_text(store: Store, datamart: str) -> str | None:
    """The text of the LIVE version; None without one."""
    rows = [r for r in store.all("schema", datamart) if r["status"] == "LIVE"]
    return str(rows[-1]["text"]) if rows else None


def live_schema(store: Store, datamart: str) -> Schema | None:
    """The LIVE version, parsed; None without one, or where nothing can be made of it."""
    text = live_text(store, datamart)
    try:
        return Schema(text) if text is not None else None
    except ValueError:
        return None


def admitted(schema: Schema | None, given: Row, s: Switches, *, whole: bool) -> tuple[Row, list[Problem]]:
    """A profile as it is stored, and what makes its line fail.

    Args:
        schema: the LIVE one; None changes nothing.
        given: `user_profile` of the command.
        s: the switches.
        whole: the command replaces what is there.
    """
    if schema is None or schema.profile is None:
        return given, []
    if s.schema_plain_names == "platform":
        names = {f.name for f in schema.profile}
        platform = ("compartment_id", "user_account_id")
        given = {("$" + k if k in platform and k in names else k): v for k, v in given.items()}
    found = schema.problems(given, whole=whole)
    fails = {
        "unknown": s.schema_unknown == "failure",
        "clash": s.schema_clash == "failure",
        "null": s.schema_null == "failure",
        "nested": False,
    }
    if failing := [p for p in found if fails[p.kind]]:
        return given, failing
    if s.schema_unknown == "dropped":
        gone = {p.path for p in found if p.kind == "unknown"}
        given = {k: v for k, v in given.items() if k not in gone}
    if s.schema_clash == "coerced":
        kinds = {".".join(f.sources[0]): f.type for f in schema.profile}
        clashing = {p.path for p in found if p.kind == "clash"} & kinds.keys()
        given = {k: coerced(v, kinds[k]) if k in clashing else v for k, v in given.items()}
    return given, []


def indexed(schema: Schema | None, profile: dict[str, Any], s: Switches) -> tuple[str, list[str]]:
    """Whether a stored profile is indexed (`yes`, `partly`, `no`, or `` without a schema), and why not."""
    if schema is None:
        return "", []
    found = schema.problems(profile, whole=True)
    out = {
        "unknown": False,
        "clash": s.schema_clash == "object_not_indexed",
        "null": True,
        "nested": s.schema_nested_null == "profile_not_indexed",
    }
    words = list(dict.fromkeys(p.words() for p in found))
    if any(out[p.kind] for p in found):
        return "no", words
    return "partly" if found else "yes", words
