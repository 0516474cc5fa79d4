"""One row (column: value) in, one command line out, or the reason why not (contract 7.1). Pure.

A name of a column is looked up as it is; with dots it is also a path into nested objects (`address.city`). A path that is
included keeps its place in the profile; a new name with dots makes nested objects.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.bulk.records.lines import UNKNOWN_ID, BadLine, Line, json_line
from reconciler.model.source import Identifier, SourceDefinition

Value = Any
Row = Mapping[str, Value]
_ABSENT = msgspec.UNSET
AGENT = re.compile(r"[^:]+:.+", re.DOTALL)
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_NORMAL: dict[str, Callable[[str], str]] = {"trim": str.strip, "lowercase": str.lower, "uppercase": str.upper}


def row_mapper(source: SourceDefinition) -> Callable[[Row], Line]:
    """A function from one row to a line; absent columns are absent properties.

    The returned function raises BadLine.
    """
    profile_of = _profile_mapper(source)
    flags, safe = flags_of(source)

    def mapped(row: Row) -> Line:
        operation = _operation(row, source)
        identity, compartment = _identity(row, source)
        if operation == "DELETE":
            return Line(json_line({"operation": "DELETE", **identity}), True, True, compartment, False)
        owner = _owner_fields(row, source)
        anonymous = not owner
        profile = profile_of(row, owner)
        data = json_line({"operation": "UPSERT", **identity, **flags, "user_profile": profile})
        return Line(data, False, safe, compartment, anonymous)

    return mapped


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


def _put(profile: dict[str, Value], path: list[str], value: Value) -> None:
    for part in path[:-1]:
        inner = profile.get(part)
        inner = dict(inner) if isinstance(inner, Mapping) else {}
        profile[part] = inner
        profile = inner
    profile[path[-1]] = value


def _without(value: Value, path: list[str]) -> Value:
    """A copy of nested objects that lacks what is at a path."""
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    rest = {k: v for k, v in value.items() if k != path[0]}
    if path[1:]:
        rest = {k: _without(v, path[1:]) if k == path[0] else v for k, v in value.items()}
    return rest


def _profile_mapper(source: SourceDefinition) -> Callable[[Row, dict[str, Value]], dict[str, Value]]:
    include, rename, types = source.include, source.rename, source.types
    dropped = frozenset(source.exclude) | identity_columns(source) if include is None else frozenset[str]()
    nested = any("." in c for c in (*(include or ()), *dropped, *rename, *rename.values(), *types))

    def flat(row: Row, profile: dict[str, Value]) -> dict[str, Value]:
        for column, value in row.items():
            if column in include if include is not None else column not in dropped:
                typed = _typed(column, value, types.get(column))
                if typed is not _ABSENT:
                    profile[rename.get(column, column)] = typed
        profile.update(source.constants)
        return profile

    def deep(row: Row, profile: dict[str, Value]) -> dict[str, Value]:
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
                _put(profile, whole, typed)
        profile.update(source.constants)
        return profile

    return deep if nested else flat


def _operation(row: Row, source: SourceDefinition) -> str:
    operation = source.operation
    if operation.column is None:
        return operation.value or "UPSERT"
    value = value_at(row, operation.column)
    found = operation.map.get(str(value if value is not _ABSENT else None))
    if found is None:
        words = f"the value in column '{operation.column}' is not in operation.map"
        raise BadLine("line-operation", words, operation.column)
    return found


def _identity(row: Row, source: SourceDefinition) -> tuple[dict[str, Value], str | None]:
    for identifier in source.identify_by:
        value = _identifier_value(row, identifier)
        if value is not None:
            if identifier.kind == "user_account_id":
                compartment = source.compartments.get(identifier.compartment or "") or UNKNOWN_ID
                return {"compartment_id": compartment, "user_account_id": value}, compartment
            if identifier.kind == "user_agent_id" and not AGENT.fullmatch(value):
                words = "user_agent_id must be of the form prefix:rest"
                raise BadLine("line-agent", words, identifier.column)
            return {identifier.kind: value}, None
    columns = ", ".join(f"'{i.column}'" for i in source.identify_by)
    raise BadLine("line-no-identifier", f"no value in {columns}")


def _identifier_value(row: Row, identifier: Identifier) -> str | None:
    value = value_at(row, identifier.column)
    if value is None or value is _ABSENT or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        words = f"column '{identifier.column}' must be text or a whole number"
        raise BadLine("line-identifier-type", words, identifier.column)
    return _hashed(str(value), identifier) if identifier.hash else str(value)


def _hashed(value: str, identifier: Identifier) -> str | None:
    """By the recipe of the source, and no other (contract 7.6); nothing that is left of a value is no value."""
    for step in identifier.normalise:
        value = _NORMAL[step](value)
    return hashlib.new(str(identifier.hash), value.encode()).hexdigest() if value else None


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
        return msgspec.Raw(value.encode())
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "json":
        try:
            return msgspec.json.decode(value.encode())
        except msgspec.DecodeError:
            pass
    raise BadLine("line-type", f"column '{column}' is not of the type {kind}", column)
