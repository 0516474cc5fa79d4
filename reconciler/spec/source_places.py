"""Where the parts of a profile source stand in its spec, for what is found when its rows are read. Pure."""

from collections.abc import Iterator
from typing import Any

from reconciler.model.address import Span
from reconciler.spec.documents import Document, Path
from reconciler.spec.expectations import checks
from reconciler.spec.source_fields import IDENTIFIERS, identifiers


class Places:
    """Of one document; positions are looked for when one is asked for."""

    __slots__ = ("_document",)

    def __init__(self, document: Document) -> None:
        self._document = document

    def of_field(self, field: str) -> Span:
        """The value of a field of `spec`."""
        return self._document.span("spec", field)

    def of_column(self, column: str, field: str | None = None) -> Span | None:
        """The first place that names a column of the source; of one field, where it is given. None where none does."""
        for path, name, is_key in columns(self._document.data["spec"]):
            if name == column and field in (None, path[0]):
                find = self._document.key_span if is_key else self._document.span
                return find("spec", *path)
        return None

    def of_expectation(self, number: int) -> Span:
        """The check, in its entry of `expect`; checks are counted from 0."""
        entry, check = checks(self._document.data["spec"])[number]
        return self._document.key_span("spec", "expect", entry, check)

    def of_expected_field(self, number: int) -> Span:
        """The field that a check is about."""
        entry, _ = checks(self._document.data["spec"])[number]
        return self._document.span("spec", "expect", entry, "field")


def columns(spec: dict[str, Any]) -> Iterator[tuple[Path, str, bool]]:
    """Every name of a column in a spec: its path, the name, and whether it stands there as a key."""
    many = isinstance(spec.get("identify_by"), list)
    for i, identifier in enumerate(identifiers(spec)):
        yield from _identifying(("identify_by", i) if many else ("identify_by",), identifier)
    yield from _identifying(("owner",), spec.get("owner") or {})
    if isinstance(operation := spec.get("operation"), dict):
        yield ("operation", "column"), operation["column"], False
    profile = spec.get("profile", {})
    for path, named in (
        (("types",), spec.get("types", {})),
        (("profile", "rename"), profile.get("rename", {})),
    ):
        for column in named:
            yield (*path, column), column, True
    for field in ("include", "exclude"):
        for i, column in enumerate(profile.get(field, ())):
            yield ("profile", field, i), column, False


def _identifying(path: Path, identifier: dict[str, Any]) -> Iterator[tuple[Path, str, bool]]:
    for kind in IDENTIFIERS:
        found = identifier.get(kind)
        if isinstance(found, dict):
            yield (*path, kind, "column"), found["column"], False
        elif found is not None:
            yield (*path, kind), found, False
