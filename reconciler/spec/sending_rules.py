"""Rules about how a source's rows are sent: update flags, deltas, deletions, lists that are merged. Pure, offline."""

from collections.abc import Iterator
from typing import Any

from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.spec.documents import Document
from reconciler.spec.source_fields import format_of, identifiers


def updates(document: Document) -> Iterator[Diagnostic]:
    """One dialect of update, and flags that have an effect (contract 7.4, 7.5)."""
    update = document.data["spec"].get("update", {})
    strategy = update.get("dialect") == "update_strategy"
    flags = {"force_replace", "merge_objects"} & update.keys()
    if (strategy and flags) or (not strategy and "update_strategy" in update):
        yield error(
            "update-dialect",
            "force_replace / merge_objects and update_strategy belong to two dialects; use one of them",
            document.span("spec", "update"),
            help="keep the flags, or write dialect: update_strategy and update_strategy: alone",
        )
    if update.get("force_replace") and update.get("merge_objects"):
        yield warning(
            "update-flags",
            "merge_objects is ignored by the platform when force_replace is true",
            document.span("spec", "update", "merge_objects"),
            help="remove it",
        )


def changed_rows(document: Document) -> Iterator[Diagnostic]:
    """Only a snapshot with one row for each identity can be compared with what was sent."""
    spec = document.data["spec"]
    if spec.get("send") != "changed":
        if "full_every" in spec:
            yield error(
                "send-changed",
                "full_every needs send: changed; without it every load sends all rows",
                document.key_span("spec", "full_every"),
                help="add send: changed, or remove full_every",
            )
        return
    if spec.get("content") == "changes":
        yield error(
            "send-changed",
            "send: changed compares whole snapshots; with content: changes the source already holds only changes",
            document.span("spec", "send"),
            help="remove send, or content: changes",
        )
    if spec.get("duplicates") not in ("refuse", "keep_last"):
        yield error(
            "send-changed",
            "send: changed needs one row for each identity",
            document.span("spec", "send"),
            help="add duplicates: refuse, or duplicates: keep_last",
        )


def deleted_rows(document: Document) -> Iterator[Diagnostic]:
    """Who is gone can be told only where one identifier, and nothing else, says which profile a row is about."""
    spec = document.data["spec"]
    for words, advice in _unsure(spec) if spec.get("gone") == "delete" else ():
        yield error("gone-delete", f"gone: delete {words}", document.span("spec", "gone"), help=advice)


def _unsure(spec: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What of a source leaves it open who is gone, and what helps."""
    if spec.get("send") != "changed":
        yield (
            "needs send: changed; without it nothing says who was sent before",
            "add send: changed, or remove gone: delete",
        )
    if not identifiers(spec):
        yield (
            "needs identify_by: of two commands, one may lack its compartment and mean the same profile",
            "add identify_by and read the rows as columns, or remove gone: delete",
        )
    elif len(identifiers(spec)) > 1:
        yield (
            "needs one identifier: a row that has another identifier tomorrow would look like a removed one",
            "keep one entry of identify_by, or remove gone: delete",
        )
    if "owner" in spec:
        yield (
            "cannot be used with owner: a DELETE by the identifier may delete a profile whose owner has another row",
            "identify rows by the account of owner, or remove gone: delete",
        )


def merged_arrays(document: Document) -> Iterator[Diagnostic]:
    """With merge_objects, arrays are concatenated: sending a line again grows them (contract 7.4)."""
    spec = document.data["spec"]
    update = spec.get("update", {})
    if not update.get("merge_objects") or update.get("force_replace"):
        return
    if found := _lists_from(spec):
        where, what = found
        yield warning(
            "merge-arrays",
            f"{what}, and merge_objects concatenates lists: sending a row again makes the lists longer",
            document.span("spec", "update", "merge_objects"),
            secondary=((document.span("spec", *where), "the lists come from here"),),
            help="remove merge_objects, or use force_replace: true; otherwise a failed chunk is not sent again without --resend",
        )


def _lists_from(spec: dict[str, Any]) -> tuple[tuple[str, ...], str] | None:
    """Where lists in the lines come from, with words for it; None where they have none."""
    for column, kind in spec.get("types", {}).items():
        if kind == "json":
            return ("types", column), f"the column '{column}' is JSON"
    for key, value in spec.get("profile", {}).get("constants", {}).items():
        if _holds_list(value):
            return ("profile", "constants", key), f"the constant '{key}' contains a list"
    if any(format_of(spec, p) in ("ndjson", "parquet") for p in spec.get("files", [])):
        return ("files",), "its rows may contain lists"
    if "sql" in spec:
        return ("sql",), "its rows may contain lists"
    return None


def _holds_list(value: object) -> bool:
    return isinstance(value, list) or (
        isinstance(value, dict) and any(_holds_list(v) for v in value.values())
    )
