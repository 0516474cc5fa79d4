"""Rules about the columns that a profile source names: each option has an effect, each property one source. Pure, offline.

What only the data can tell (which columns there are) is asked when they are read: `reconciler.bulk.records.columns`.
"""

from collections.abc import Iterator
from typing import Any

from reconciler.model.diagnostic import Diagnostic, error
from reconciler.model.profile import OWNER
from reconciler.spec.documents import Document
from reconciler.spec.source_fields import IDENTIFIERS, format_of, identifiers

_CONSTANT = "a constant"


def effects(document: Document) -> Iterator[Diagnostic]:
    """No option that changes nothing: whoever wrote it expects something of it."""
    spec = document.data["spec"]
    profile, formats = spec.get("profile", {}), _formats(spec)
    if "csv" in spec and formats and "csv" not in formats and "sql" not in spec and formats != {"commands"}:
        yield _unused(document, ("csv",), "describes CSV, and no file of this source is CSV")
    if "nulls" in profile and formats == {"csv"} and "nulls" not in spec.get("csv", {}):
        yield _unused(document, ("profile", "nulls"), "has no effect: CSV has empty text, and no NULL")
    yield from _excluded(document)
    if spec.get("operation") == "DELETE":
        for field in ("profile", "types", "owner", "update"):
            if field in spec:
                yield _unused(document, (field,), "has no effect: a DELETE command has no profile")
        return
    for column in _texts(spec) if formats and "csv" not in formats else ():
        yield _unused(document, ("types", column), "has no effect: only cells of CSV lack a type")
    for path, named in (
        (("types",), spec.get("types", {})),
        (("profile", "rename"), profile.get("rename", {})),
    ):
        for column in named:
            if why := _why_excluded(column, spec):
                yield _unused(document, (*path, column), f"has no effect: {why}")


def _excluded(document: Document) -> Iterator[Diagnostic]:
    """Columns are excluded that would be properties."""
    spec = document.data["spec"]
    profile = spec.get("profile", {})
    if "include" in profile and "exclude" in profile:
        yield _unused(
            document, ("profile", "exclude"), "has no effect where `include` says which columns are sent"
        )
        return
    for i, column in enumerate(profile.get("exclude", ())):
        if column in _identity(spec):
            words = f"'{column}' in 'profile.exclude' has no effect: the column identifies, and is no property unless included"
            where = document.span("spec", "profile", "exclude", i)
            yield error("source-option", words, where, help="remove it")


def dialects(document: Document) -> Iterator[Diagnostic]:
    """A delimiter and a quote by which cells can be told apart, in the encoding of the file."""
    csv = document.data["spec"].get("csv", {})
    delimiter, quote, encoding = (
        csv.get("delimiter", ","),
        csv.get("quote", '"'),
        csv.get("encoding", "utf-8"),
    )
    for field, character in (("delimiter", delimiter), ("quote", quote)):
        if why := _no_mark(character, encoding):
            yield error("spec-value", f"csv.{field} {why}", document.span("spec", "csv", field))
    if delimiter == quote:
        field = "quote" if "quote" in csv else "delimiter"
        words = "csv.delimiter and csv.quote are the same character"
        yield error("spec-value", words, document.span("spec", "csv", field))


def _no_mark(character: str, encoding: str) -> str | None:
    if character in "\r\n":
        return "is an end of line, which ends a row"
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return f"is a character that {encoding} does not have"
    return None


def _texts(spec: dict[str, Any]) -> list[str]:
    """Columns whose declared type is text."""
    return [column for column, kind in spec.get("types", {}).items() if kind == "string"]


def _unused(document: Document, path: tuple[str, ...], why: str) -> Diagnostic:
    where = ".".join(path)
    return error("source-option", f"'{where}' {why}", document.key_span("spec", *path), help="remove it")


def _why_excluded(column: str, spec: dict[str, Any]) -> str | None:
    """Why a column is no property, if the spec alone says so."""
    profile = spec.get("profile", {})
    if "include" in profile:
        return None if column in profile["include"] else "the column is not in `include`"
    if column in profile.get("exclude", ()):
        return "the column is excluded"
    return "the column identifies, and is no property unless included" if column in _identity(spec) else None


def repeated(document: Document) -> Iterator[Diagnostic]:
    """No identifier that is never asked, as an earlier one has a value wherever it has."""
    given = identifiers(document.data["spec"])
    for i, found in enumerate(given):
        if found in given[:i]:
            where = document.span("spec", "identify_by", i)
            yield error(
                "source-option",
                "'identify_by' has the same identifier twice",
                where,
                help="remove one of them",
            )


def names(document: Document) -> Iterator[Diagnostic]:
    """Paths of properties have a name between all of their dots; no column is renamed to itself."""
    profile = document.data["spec"].get("profile", {})
    given = [(("rename", column), name) for column, name in profile.get("rename", {}).items()]
    given += [(("constants", name), name) for name in profile.get("constants", {})]
    for path, name in given:
        if not all(name.split(".")):
            where = document.span("spec", "profile", *path)
            words = f"'{name}' has no name before, between or behind its dots"
            yield error(
                "spec-value",
                words,
                where,
                help="a name with dots is a path into objects, such as address.city",
            )
        elif path == ("rename", name) and "." not in name:
            yield _unused(document, ("profile", *path), "has no effect: the name stays the same")


def properties(document: Document) -> Iterator[Diagnostic]:
    """No property comes from two places."""
    spec = document.data["spec"]
    profile = spec.get("profile", {})
    owned = "owner" in spec or any("user_account_id" in i for i in identifiers(spec))
    first: dict[str, str] = {}
    for path, name, what in _sources(profile):
        if name in OWNER and owned:
            span = document.span("spec", "profile", *path)
            yield error("source-property", f"{what} sets '{name}', which identify_by or owner fills", span)
        elif name in first:
            span = document.span("spec", "profile", *path)
            yield error(
                "source-property",
                f"{what} and {first[name]} both become the property '{name}'",
                span,
                help="rename or exclude one of them",
            )
        first.setdefault(name, what)
    yield from _within(document, first)
    included = profile.get("include", ())
    for i, column in enumerate(included):
        above = next((c for c in included if column.startswith(f"{c}.")), None)
        if above is not None and column not in profile.get("rename", {}):
            yield error(
                "source-property",
                f"'{column}' is included twice: by itself, and as a part of '{above}'",
                document.span("spec", "profile", "include", i),
                help="remove one of them",
            )


def _within(document: Document, names: dict[str, str]) -> Iterator[Diagnostic]:
    """No property lies within another one that is no object."""
    for path, name, what in _sources(document.data["spec"].get("profile", {})):
        for inner, other in names.items():
            constants = what == other == _CONSTANT
            if inner.startswith(f"{name}.") and (
                constants or not _may_be_object(document.data["spec"], path)
            ):
                words = (
                    f"{other} becomes the property '{inner}', but {what} becomes '{name}', which is no object"
                )
                hint = "rename or exclude one of them"
                if constants:
                    words, hint = (
                        f"the constant '{inner}' lies within the constant '{name}'",
                        "write one of them",
                    )
                yield error("source-property", words, document.span("spec", "profile", *path), help=hint)


def _may_be_object(spec: dict[str, Any], path: tuple[str | int, ...]) -> bool:
    field, key = path
    found = spec["profile"][field][key]
    if field == "constants":
        return isinstance(found, dict)
    column = str(found if field == "include" else key)
    default = "string" if _formats(spec) == {"csv"} else "json"
    return bool(spec.get("types", {}).get(column, default) == "json")


def _sources(profile: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Where a property is said to come from, its name, and words for the place."""
    rename = profile.get("rename", {})
    for column, name in rename.items():
        yield ("rename", column), name, f"the column '{column}'"
    for i, column in enumerate(profile.get("include", ())):
        if column not in rename:
            yield ("include", i), column, f"the column '{column}'"
    for name in profile.get("constants", {}):
        yield ("constants", name), name, _CONSTANT


def _formats(spec: dict[str, Any]) -> set[str | None]:
    return {format_of(spec, p) for p in spec.get("files", [])} | ({"sql"} if "sql" in spec else set())


def _identity(spec: dict[str, Any]) -> set[str]:
    named = [i.get(k) for i in (*identifiers(spec), spec.get("owner", {})) for k in IDENTIFIERS]
    columns = {n["column"] if isinstance(n, dict) else n for n in named if n}
    operation = spec.get("operation")
    return columns | ({operation["column"]} if isinstance(operation, dict) else set())
