"""`expect:` of a profile source: rules about it, and how it is read. Pure, offline."""

import re
from collections.abc import Iterator
from typing import Any

from reconciler.model.diagnostic import Diagnostic, error
from reconciler.spec.documents import Document

OF_FIELDS = ("not_null", "unique", "in", "matches", "range")
OF_ALL = ("min_rows", "max_change_percent")


def checks(spec: dict[str, Any]) -> list[tuple[int, str]]:
    """Each check of each entry of `expect`: the entry's number, and the name of the check."""
    return [
        (n, check)
        for n, entry in enumerate(spec.get("expect", []))
        for check in (*OF_FIELDS, *OF_ALL)
        if check in entry
    ]


def expectations(document: Document) -> Iterator[Diagnostic]:
    """Each entry checks something, of a field that it names, in a way that can hold."""
    spec = document.data["spec"]
    for n, entry in enumerate(spec.get("expect", [])):
        of_fields, of_all = ([c for c in known if c in entry] for known in (OF_FIELDS, OF_ALL))
        path = ("expect", n)
        if not of_fields and not of_all:
            yield _wrong(document, path, "checks nothing", f"add one of {', '.join((*OF_FIELDS, *OF_ALL))}")
        elif of_fields and "field" not in entry:
            yield _wrong(
                document, path, f"{of_fields[0]} needs a field", "add `field:`, a property as it is sent"
            )
        elif of_all and "field" in entry:
            yield _wrong(document, (*path, "field"), f"{of_all[0]} is about all rows", "remove `field:`")
        elif of_fields and spec.get("operation") == "DELETE":
            yield _wrong(document, path, "DELETE commands have no fields", "remove it")
        elif idle := next((c for c in of_fields if entry[c] is False), None):
            yield _wrong(document, (*path, idle), f"{idle}: false checks nothing", "remove it")
        elif why := _impossible(entry):
            yield _wrong(document, path, why, "correct it")


def _impossible(entry: dict[str, Any]) -> str | None:
    if "matches" in entry:
        try:
            re.compile(entry["matches"])
        except (re.error, OverflowError, RecursionError) as e:
            return f"matches is no regular expression: {e}"
    bounds = [entry["range"][k] for k in ("min", "max") if k in entry["range"]] if "range" in entry else []
    if "range" in entry and not bounds:
        return "range has neither min nor max"
    if any(bound != bound for bound in bounds):  # NaN alone
        return "a bound of range is not a number"
    if len(bounds) == 2:
        if isinstance(bounds[0], str) != isinstance(bounds[1], str):
            return "min and max of range are of two types"
        if bounds[0] > bounds[1]:
            return "min of range is more than max"
    return None


def _wrong(document: Document, path: tuple[str | int, ...], why: str, advice: str) -> Diagnostic:
    return error("source-expect", f"expect: {why}", document.span("spec", *path), help=advice)
