"""One row (column: value) in, one command line out, or the reason why not (contract 7.1). Pure.

A name of a column is looked up as it is; with dots it is also a path into nested objects (`address.city`). A path that is
included keeps its place in the profile; a new name with dots, of a column or a constant, makes nested objects. A property has one source: a row in which
two fields meet is refused, and so is one whose `$` fields contradict its identifier.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.bulk.records import exact_json
from reconciler.bulk.records.lines import AGENT, UNKNOWN_ID, BadLine, Line, bad_agent, json_line
from reconciler.bulk.records.recipes import hashed
from reconciler.model.profile import OWNER
from reconciler.model.source import Identifier, SourceDefinition

Value = Any
Row = Mapping[str, Value]
_ABSENT = msgspec.UNSET
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_ZEROS, _COMMAS = re.compile(r"-?0[0-9]+(\.[0-9]+)?"), re.compile(r"-?[0-9.,\s'\u2019]*,[0-9.,]*")
_SHORT = 64  # characters of what may be a number of another form
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


def row_mapper(source: SourceDefinition) -> Callable[[Row], Line]:
    """A function from one row to a line; absent columns are absent properties.

    The returned function raises BadLine.
    """
    profile_of = _profile_mapper(source)
    flags, safe = flags_of(source)
    drop_nulls = source.format == "ndjson" and source.nulls == "absent"

    def mapped(row: Row) -> Line:
        if drop_nulls:
            row = _without_nulls(row)
        operation = _operation(row, source)
        field, who, compartment = _identity(row, source)
        identity = _fields(field, who, compartment)
        if operation == "DELETE":
            return Line(
                json_line({"operation": "DELETE", **identity}), True, True, compartment, False, field, who
            )
        if source.owner is None and compartment is not None:
            owner: dict[str, Value] = {"$compartment_id": compartment, "$user_account_id": who}
        else:
            owner = _owner_fields(row, source)
        owned_by = owner.get("$user_account_id")
        profile = profile_of(row, owner)
        account = profile.get("$user_account_id")
        if owned_by is None and compartment is not None and account is not None:
            _require_same("$user_account_id", account, who, None)
        anonymous = account is None
        data = json_line({"operation": "UPSERT", **identity, **flags, "user_profile": profile})
        return Line(data, False, safe, compartment, anonymous, field, who, owned_by)

    return mapped


def _fields(field: str, who: str, compartment: str | None) -> dict[str, Value]:
    """The fields of a command that say whom it is about."""
    return {field: who} if compartment is None else {"compartment_id": compartment, field: who}


def row_identity(source: SourceDefinition) -> Callable[[Row], bytes | None]:
    """The function that gives those fields of a row, as a JSON object; None where its identifiers cannot be read."""

    def named(row: Row) -> bytes | None:
        try:
            return json_line(_fields(*_identity(row, source)))[:-1]
        except BadLine:
            return None

    return named


def flags_of(source: SourceDefinition) -> tuple[dict[str, Value], bool]:
    """The fields of an UPSERT that say how to merge, and whether such a line may be sent twice (contract 7.4, 7.5)."""
    update = source.update
    if update.dialect == "update_strategy":
        flags = {"update_strategy": update.update_strategy} if update.update_strategy else {}
        return flags, update.update_strategy == "FORCE_REPLACE"
    given: dict[str, Value] = {"force_replace": update.force_replace}
    if update.merge_objects is not None:
        given["merge_objects"] = update.merge_objects
    return given, update.force_replace


def identity_columns(source: SourceDefinition) -> frozenset[str]:
    """Columns that say whom a line is about and what it does; they are no properties unless included."""
    used = {i.column for i in source.identify_by} | ({source.owner.column} if source.owner else set())
    return frozenset(used | ({source.operation.column} if source.operation.column else set()))


def column_used(source: SourceDefinition) -> Callable[[str], bool]:
    """Whether a column takes part at all; what stands in one that does not cannot make a line bad."""
    named = identity_columns(source) | frozenset(source.include or ())
    roots = named | {n.partition(".")[0] for n in named}
    dropped = frozenset(source.exclude) - identity_columns(source)
    return lambda column: column in roots or (source.include is None and column not in dropped)


def value_at(row: Row, column: str) -> Value:
    """The value of a column, or at a path; UNSET where there is none."""
    if column in row or "." not in column:
        return row.get(column, _ABSENT)
    found: Value = row
    for part in column.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return _ABSENT
        found = found[part]
    return found


def _without_nulls(value: Value) -> Value:
    """Objects without the fields that are null; in lists, nulls keep the others' places."""
    if isinstance(value, Mapping):
        return {k: _without_nulls(v) for k, v in value.items() if v is not None}
    return [_without_nulls(v) for v in value] if isinstance(value, list) else value


def _put(profile: dict[str, Value], path: list[str], value: Value, column: str) -> None:
    """Set what is at a path; objects from several columns are joined, but nothing is set twice."""
    inner = profile
    for part in path[:-1]:
        found = inner.get(part)
        if found is not None and not isinstance(found, Mapping):
            raise _two_sources(".".join(path), column)
        inner[part] = inner = dict(found or {})
    if path[-1] not in inner:
        inner[path[-1]] = value
    else:
        inner[path[-1]] = _joined(inner[path[-1]], value, path, column)


def _joined(there: Value, value: Value, path: list[str], column: str) -> Value:
    if len(path) == 1 and path[0] in OWNER:
        return _require_same(path[0], value, there, column)
    if not isinstance(there, Mapping) or not isinstance(value, Mapping):
        raise _two_sources(".".join(path), column)
    made = dict(there)
    for key, inner in value.items():
        made[key] = _joined(made[key], inner, [*path, key], column) if key in made else inner
    return made


def _two_sources(name: str, column: str) -> BadLine:
    return BadLine("line-property", f"two fields become the property '{name}'", column)


def _require_same(name: str, given: Value, expected: Value, column: str | None) -> Value:
    """A `$` field of a row says whom it is about, as its identifier does; null says nothing."""
    if given is not None and (isinstance(given, bool | float) or str(given) != expected):
        raise BadLine("line-identity", f"{name} of the row disagrees with its identifier", column)
    return expected


def _without(value: Value, path: list[str]) -> Value:
    """A copy of nested objects that lacks what is at a path."""
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    rest = {k: v for k, v in value.items() if k != path[0]}
    if path[1:]:
        rest = {k: _without(v, path[1:]) if k == path[0] else v for k, v in value.items()}
    return rest


Mapper = Callable[[Row, dict[str, Value]], dict[str, Value]]


def _profile_mapper(source: SourceDefinition) -> Mapper:
    include, rename, types = source.include, source.rename, source.types
    dropped = frozenset(source.exclude) | identity_columns(source) if include is None else frozenset[str]()
    nested = any("." in c for c in (*(include or ()), *dropped, *rename, *rename.values(), *types))
    fill = _deep(source, dropped) if nested else _flat(source, dropped)

    def mapped(row: Row, profile: dict[str, Value]) -> dict[str, Value]:
        fill(row, profile)
        for name, value in source.constants.items():
            if name in profile:
                raise _two_sources(name, name)
            _put(profile, name.split("."), value, name)
        return profile

    return mapped


def _flat(source: SourceDefinition, dropped: frozenset[str]) -> Callable[[Row, dict[str, Value]], None]:
    """Columns to properties."""
    include, rename, types = source.include, source.rename, source.types
    as_they_are = include is None and not rename and not types

    def fill(row: Row, profile: dict[str, Value]) -> None:
        if as_they_are:
            taken = {c: v for c, v in row.items() if c not in dropped}
            if profile.keys().isdisjoint(taken):
                profile.update(taken)
                return
        for column, value in row.items():
            if column in include if include is not None else column not in dropped:
                typed = _typed(column, value, types.get(column))
                if typed is not _ABSENT:
                    name = rename.get(column, column)
                    if name in profile:
                        typed = _joined(profile[name], typed, [name], column)
                    profile[name] = typed

    return fill


def _deep(source: SourceDefinition, dropped: frozenset[str]) -> Callable[[Row, dict[str, Value]], None]:
    """Columns and paths to properties and paths."""
    include, rename, types = source.include, source.rename, source.types

    def fill(row: Row, profile: dict[str, Value]) -> None:
        taken = list(include) if include is not None else [c for c in row if c not in dropped]
        inner = [] if include is not None else [c for c in rename if c not in row and "." in c]
        for column in [*taken, *inner]:
            value = value_at(row, column)
            for path in (*dropped, *inner):
                if path not in row and path.startswith(f"{column}."):
                    value = _without(value, path[len(column) + 1 :].split("."))
            if value is not _ABSENT and (typed := _typed(column, value, types.get(column))) is not _ABSENT:
                new = rename.get(column)
                whole = [column] if column in row and new is None else (new or column).split(".")
                _put(profile, whole, typed, column)

    return fill


def _operation(row: Row, source: SourceDefinition) -> str:
    operation = source.operation
    if operation.column is None:
        return operation.value or "UPSERT"
    found = operation.map.get(_spelt(value_at(row, operation.column)))
    if found is None:
        words = f"the value in column '{operation.column}' is not in operation.map"
        raise BadLine("line-operation", words, operation.column)
    return found


def _spelt(value: Value) -> str:
    """A value as `operation.map` has it: text as it is, anything else as JSON writes it; what is absent is null."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(None if value is _ABSENT else value).decode()


def _identity(row: Row, source: SourceDefinition) -> tuple[str, str, str | None]:
    """The field and the value of the identifier, and the compartment of an account."""
    for identifier in source.identify_by:
        value = _identifier_value(row, identifier)
        if value is not None:
            if identifier.kind == "user_account_id":
                compartment = source.compartments.get(identifier.compartment or "") or UNKNOWN_ID
                return identifier.kind, value, compartment
            if identifier.kind == "user_agent_id" and not AGENT.fullmatch(value):
                raise bad_agent(identifier.column)
            return identifier.kind, value, None
    columns = ", ".join(f"'{i.column}'" for i in source.identify_by)
    raise BadLine("line-no-identifier", f"no value in {columns}")


def _identifier_value(row: Row, identifier: Identifier) -> str | None:
    text = identifying(value_at(row, identifier.column), identifier.column)
    return hashed(text, identifier) if text is not None and identifier.hash else text


def identifying(value: Value, column: str) -> str | None:
    """The text by which a value names somebody; None where there is no value.

    Raises:
        BadLine: it is neither text nor a whole number.
    """
    if isinstance(value, msgspec.Raw):  # a decimal, or JSON of a column
        value = exact_json.decode(bytes(value))
    if value is None or value is _ABSENT or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        words = f"column '{column}' must be text or a whole number"
        raise BadLine("line-identifier-type", words, column)
    return str(value)


def _owner_fields(row: Row, source: SourceDefinition) -> dict[str, Value]:
    accounts = (
        [source.owner] if source.owner else [i for i in source.identify_by if i.kind == "user_account_id"]
    )
    for account in accounts:
        if account is not None and (value := _identifier_value(row, account)) is not None:
            return {
                "$compartment_id": source.compartments.get(account.compartment or "") or UNKNOWN_ID,
                "$user_account_id": value,
            }
    return {}


def _typed(column: str, value: Value, kind: str | None) -> Value:
    """A CSV value by its declared type; UNSET leaves the property out (an empty cell is no number, and no null either)."""
    if kind in (None, "string") or not isinstance(value, str):
        return value
    if value == "":
        return _ABSENT
    if (kind == "integer" and INTEGER.fullmatch(value)) or (kind == "number" and NUMBER.fullmatch(value)):
        try:
            return exact_json.number(value)
        except exact_json.OutOfRange as e:
            raise BadLine("line-type", f"column '{column}' holds {e}", column) from None
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "json":
        try:
            return exact_json.decode(value.encode())
        except BadLine as e:
            raise BadLine(
                "line-type", f"column '{column}' holds JSON that cannot be sent: {e.reason}", column
            ) from None
    words = f"column '{column}' is not of the type {kind}"
    raise BadLine("line-type", words + (f": {why}" if (why := _unlike(value, kind)) else ""), column)


def _unlike(value: str, kind: str | None) -> str | None:
    """What a text has that its type does not allow, if that is something exports often do."""
    if len(value) > _SHORT:
        return None
    if value != value.strip():
        return "it has spaces around it"
    if kind == "boolean":
        return "that is true or false, in any case, and not 1, 0, yes or no"
    if value.startswith("+"):
        return "it begins with +"
    if _ZEROS.fullmatch(value):
        return "it begins with a zero; as text it keeps it"
    if _COMMAS.fullmatch(value):
        return "it has a comma; a number is written without, and with a point before its fraction"
    if kind == "integer" and NUMBER.fullmatch(value):
        return "it has a fraction or an exponent; that is a number"
    return None
