"""One line in, one command line out, or the reason why not (contract 7). Pure.

The same function decides at plan, at apply and in every sending process, so all of them see the same bytes.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reconciler.model.source import Identifier, SourceDefinition

Value = Any
# Stands for the id of a compartment that is still to be created, so that a plan can count; such lines are never sent.
UNKNOWN_ID = "0"
# Stands for the id of a source's compartment where it cannot be looked up: lines may name any.
ANY_ID = "any"


class BadLine(Exception):
    """The line is not sent. Carries a code and words, never contents (G9)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Command(msgspec.Struct, frozen=True):
    """The fields of a command line that rules look at; others pass untouched (contract 7.1, 7.5)."""

    operation: str
    compartment_id: str | int | msgspec.UnsetType = msgspec.UNSET
    user_account_id: str | msgspec.UnsetType = msgspec.UNSET
    email_hash: str | msgspec.UnsetType = msgspec.UNSET
    user_agent_id: str | msgspec.UnsetType = msgspec.UNSET
    force_replace: bool | msgspec.UnsetType = msgspec.UNSET
    merge_objects: bool | msgspec.UnsetType = msgspec.UNSET
    update_strategy: str | msgspec.UnsetType = msgspec.UNSET
    user_profile: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Owner(msgspec.Struct, frozen=True):
    compartment: str | int | None = msgspec.field(name="$compartment_id", default=None)
    account: str | int | None = msgspec.field(name="$user_account_id", default=None)


class Line(msgspec.Struct, frozen=True):
    """An accepted line.

    Attributes:
        data: bytes to send, ending in a newline.
        delete: a DELETE command.
        replay_safe: sending it twice cannot grow anything.
        compartment_id: what it names, if it does.
        anonymous: its profile lacks an owner field.
    """

    data: bytes
    delete: bool
    replay_safe: bool
    compartment_id: str | None
    anonymous: bool


_decode_command = msgspec.json.Decoder(Command).decode
_decode_owner = msgspec.json.Decoder(_Owner).decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_STRATEGIES = {"PARTIAL_UPDATE", "PARTIAL_DELETE", "FORCE_REPLACE"}
_KEYS = re.compile(
    b'"(?:'
    + b"|".join(
        re.escape(k.encode()) for k in (*Command.__struct_fields__, "$compartment_id", "$user_account_id")
    )
    + b')"'
)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


def command_line(raw: bytes, source: SourceDefinition) -> Line:
    """Check one import-command line; it is sent byte for byte unless `fill_identity` changes it.

    Raises:
        BadLine: it breaks a rule.
    """
    try:
        if not raw.isascii():
            raw.decode("utf-8")
        command = _decode_command(raw)
    except UnicodeDecodeError:
        raise BadLine("line-encoding", "the line is not UTF-8") from None
    except msgspec.ValidationError as e:
        raise BadLine("line-field", _words(e)) from None
    except msgspec.DecodeError as e:
        raise BadLine("line-json", _words(e)) from None
    keys = _KEYS.findall(raw)
    if len(keys) != len(set(keys)):
        _refuse_duplicate_keys(raw)
    compartment = None if command.compartment_id is msgspec.UNSET else str(command.compartment_id)
    _one_identifier(command, compartment)
    if source.compartment is not None:
        compartment = _agree(command, compartment, source)
    if command.operation == "DELETE":
        data = raw if not _adds_compartment(command, source) else _fill(raw, command, compartment)
        return Line(data + b"\n", True, True, compartment, False)
    anonymous = _check_upsert(command, compartment)
    safe = command.force_replace is True or command.update_strategy == "FORCE_REPLACE"
    if source.fill_identity and command.user_account_id is not msgspec.UNSET:
        return Line(_fill(raw, command, compartment) + b"\n", False, safe, compartment, compartment is None)
    return Line(raw + b"\n", False, safe, compartment, anonymous)


def _refuse_duplicate_keys(raw: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({k for k, _ in items}) != len(items):
            raise BadLine("line-duplicate-key", "a key stands twice in one object")
        return dict(items)

    try:
        json.loads(raw, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        raise BadLine("line-json", "JSON is malformed, or nested too deep") from None


def _one_identifier(command: Command, compartment: str | None) -> None:
    unset = msgspec.UNSET
    given = [
        v for v in (command.user_account_id, command.email_hash, command.user_agent_id) if v is not unset
    ]
    if len(given) > 1:
        raise BadLine("line-identifiers", "the line names two identifiers; one per line")
    if not given:
        raise BadLine("line-no-identifier", "the line names no identifier")
    if given[0] == "":
        raise BadLine("line-no-identifier", "the identifier is empty")
    if compartment is not None and command.user_account_id is unset:
        raise BadLine("line-identifiers", "compartment_id belongs to user_account_id only")
    if compartment == "":
        raise BadLine("line-field", "compartment_id is empty")
    if command.user_agent_id is not unset and not re.fullmatch(
        r"[^:]+:.+", str(command.user_agent_id), re.DOTALL
    ):
        raise BadLine("line-agent", "user_agent_id must be of the form prefix:rest")
    if command.operation not in ("UPSERT", "DELETE"):
        raise BadLine("line-operation", "operation must be UPSERT or DELETE")


def _agree(command: Command, compartment: str | None, source: SourceDefinition) -> str | None:
    wanted = source.compartments.get(source.compartment or "") or UNKNOWN_ID
    if command.user_account_id is msgspec.UNSET or (wanted == ANY_ID and compartment is not None):
        return compartment
    if compartment is None and not source.fill_identity:
        raise BadLine(
            "line-compartment",
            "the line names no compartment; with fill_identity: true the source's is added",
        )
    if compartment is not None and compartment != wanted:
        raise BadLine("line-compartment", "the line names another compartment than the source's")
    return wanted


def _adds_compartment(command: Command, source: SourceDefinition) -> bool:
    return (
        source.fill_identity
        and source.compartment is not None
        and command.compartment_id is msgspec.UNSET
        and command.user_account_id is not msgspec.UNSET
    )


def _check_upsert(command: Command, compartment: str | None) -> bool:
    """Flags and profile of an UPSERT; True if the profile lacks an owner field."""
    unset = msgspec.UNSET
    if command.update_strategy is not unset:
        if command.force_replace is not unset or command.merge_objects is not unset:
            raise BadLine(
                "line-dialect",
                "force_replace / merge_objects and update_strategy are two dialects, never both",
            )
        if command.update_strategy not in _STRATEGIES:
            raise BadLine(
                "line-dialect", "update_strategy must be PARTIAL_UPDATE, PARTIAL_DELETE or FORCE_REPLACE"
            )
    elif command.force_replace is unset:
        raise BadLine("line-force-replace", "force_replace is mandatory for UPSERT")
    if command.user_profile is unset:
        raise BadLine("line-profile", "user_profile is mandatory for UPSERT")
    if not bytes(command.user_profile).lstrip().startswith(b"{"):
        raise BadLine("line-profile", "user_profile must be an object")
    try:
        owner = _decode_owner(command.user_profile)
    except msgspec.DecodeError as e:
        raise BadLine("line-profile", _words(e)) from None
    if command.user_account_id is not unset:
        if owner.account is not None and str(owner.account) != command.user_account_id:
            raise BadLine("line-identity", "$user_account_id disagrees with the line's user_account_id")
        if (
            owner.compartment is not None
            and compartment is not None
            and str(owner.compartment) != compartment
        ):
            raise BadLine("line-identity", "$compartment_id disagrees with the line's compartment_id")
    return owner.account is None or (owner.compartment is None and compartment is not None)


def _fill(raw: bytes, command: Command, compartment: str | None) -> bytes:
    fields = dict(_decode_raw(raw))
    if compartment is not None and "compartment_id" not in fields:
        fields["compartment_id"] = msgspec.Raw(_encode(compartment))
    if command.operation == "UPSERT" and "user_profile" in fields:
        profile = dict(_decode_raw(fields["user_profile"]))
        if compartment is not None:
            profile.setdefault("$compartment_id", msgspec.Raw(_encode(compartment)))
        profile.setdefault("$user_account_id", msgspec.Raw(_encode(command.user_account_id)))
        fields["user_profile"] = msgspec.Raw(_encode(profile))
    return _encode(fields)


def row_mapper(source: SourceDefinition) -> Callable[[Mapping[str, Value]], Line]:
    """A function from one row (column: value) to a line; absent columns are absent properties.

    The returned function raises BadLine.
    """
    used = {i.column for i in source.identify_by} | ({source.owner.column} if source.owner else set())
    if source.operation.column:
        used.add(source.operation.column)
    include, exclude, rename = source.include, frozenset(source.exclude), source.rename
    flags: dict[str, Value] = {}
    if source.update.dialect == "update_strategy":
        flags = {"update_strategy": source.update.update_strategy} if source.update.update_strategy else {}
        safe = source.update.update_strategy == "FORCE_REPLACE"
    else:
        flags["force_replace"] = source.update.force_replace
        if source.update.merge_objects is not None:
            flags["merge_objects"] = source.update.merge_objects
        safe = source.update.force_replace

    def wanted(column: str) -> bool:
        return column in include if include is not None else column not in used and column not in exclude

    def mapped(row: Mapping[str, Value]) -> Line:
        operation = _operation(row, source)
        identity, compartment = _identity(row, source)
        if operation == "DELETE":
            return Line(_json_line({"operation": "DELETE", **identity}), True, True, compartment, False)
        profile = _owner_fields(row, source)
        anonymous = not profile
        for column, value in row.items():
            if wanted(column):
                typed = _typed(column, value, source.types.get(column))
                if typed is not msgspec.UNSET:
                    profile[rename.get(column, column)] = typed
        profile.update(source.constants)
        return Line(
            _json_line({"operation": "UPSERT", **identity, **flags, "user_profile": profile}),
            False,
            safe,
            compartment,
            anonymous,
        )

    return mapped


def _operation(row: Mapping[str, Value], source: SourceDefinition) -> str:
    operation = source.operation
    if operation.column is None:
        return operation.value or "UPSERT"
    found = operation.map.get(str(row.get(operation.column)))
    if found is None:
        raise BadLine("line-operation", f"the value in column '{operation.column}' is not in operation.map")
    return found


def _identity(row: Mapping[str, Value], source: SourceDefinition) -> tuple[dict[str, Value], str | None]:
    for identifier in source.identify_by:
        value = _identifier_value(row, identifier)
        if value is not None:
            if identifier.kind == "user_account_id":
                compartment = source.compartments.get(identifier.compartment or "") or UNKNOWN_ID
                return {"compartment_id": compartment, "user_account_id": value}, compartment
            if identifier.kind == "user_agent_id" and not re.fullmatch(r"[^:]+:.+", value, re.DOTALL):
                raise BadLine("line-agent", "user_agent_id must be of the form prefix:rest")
            return {identifier.kind: value}, None
    columns = ", ".join(f"'{i.column}'" for i in source.identify_by)
    raise BadLine("line-no-identifier", f"no value in {columns}")


def _identifier_value(row: Mapping[str, Value], identifier: Identifier) -> str | None:
    value = row.get(identifier.column)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadLine("line-identifier-type", f"column '{identifier.column}' must be text or a whole number")
    return str(value)


def _owner_fields(row: Mapping[str, Value], source: SourceDefinition) -> dict[str, Value]:
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
        return msgspec.UNSET
    if (kind == "integer" and _INTEGER.fullmatch(value)) or (kind == "number" and _NUMBER.fullmatch(value)):
        return msgspec.Raw(value.encode())
    if kind == "boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if kind == "json":
        try:
            return msgspec.json.decode(value.encode())
        except msgspec.DecodeError:
            pass
    raise BadLine("line-type", f"column '{column}' is not of the type {kind}")


def _json_line(command: Mapping[str, Value]) -> bytes:
    data = _encode(command)
    if b"\xe2\x80" in data:  # U+2028 and U+2029 end lines for some readers (contract 12, 23)
        data = data.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
    return data + b"\n"


def _words(e: Exception) -> str:
    return str(e)[:160]
