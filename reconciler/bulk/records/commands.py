"""One line of import commands in, the same line out, or the reason why not (contract 7.1). Pure.

This is the rule; `reconciler.bulk.records.command_blocks` decides the same for many lines at once where nothing is doubtful.
"""

import re
from typing import Any

import msgspec

from reconciler.bulk.records import exact_json
from reconciler.bulk.records.lines import AGENT, ANY_ID, UNKNOWN_ID, BadLine, Line, bad_agent, reason_of
from reconciler.model.source import SourceDefinition


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


_decode_command = msgspec.json.Decoder(Command).decode
_decode_owner = msgspec.json.Decoder(_Owner).decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
MAX_DEPTH = exact_json.MAX_DEPTH + 1  # a profile may be nested as deeply as a row; it stands within a command
IDENTIFIERS = ("user_account_id", "email_hash", "user_agent_id")
STRATEGIES = {"PARTIAL_UPDATE", "PARTIAL_DELETE", "FORCE_REPLACE"}
ESCAPED_LETTERS = (b"\\u002", b"\\u005", b"\\u006", b"\\u007")  # a key may be spelt with them
_OWNERS = ("$compartment_id", "$user_account_id")  # keys of a profile
_KEYS = re.compile(
    b'"(?:' + b"|".join(re.escape(k.encode()) for k in (*Command.__struct_fields__, *_OWNERS)) + b')"'
)


def command_line(raw: bytes, source: SourceDefinition) -> Line:
    """Check one import-command line; it is sent byte for byte unless `fill_identity` changes it.

    Raises:
        BadLine: it breaks a rule.
    """
    try:
        if not raw.isascii():
            raw.decode("utf-8")
        exact_json.require_shallow(raw, MAX_DEPTH)
        command = _decode_command(raw)
    except UnicodeDecodeError:
        raise BadLine("line-encoding", "the line is not UTF-8") from None
    except RecursionError:
        raise exact_json.too_deep() from None
    except msgspec.ValidationError as e:
        object_ = raw.lstrip().startswith(b"{")
        raise BadLine("line-field" if object_ else "line-json", reason_of(e)) from None
    except msgspec.DecodeError as e:
        raise BadLine("line-json", reason_of(e)) from None
    keys = _KEYS.findall(raw)
    if len(keys) != len(set(keys)) or (b"\\u00" in raw and any(x in raw for x in ESCAPED_LETTERS)):
        _require_one_value(raw)
    compartment = None if command.compartment_id is msgspec.UNSET else str(command.compartment_id)
    field, who = _one_identifier(command, compartment)
    if source.compartment is not None:
        compartment = _agree(command, compartment, source)
    if command.operation == "DELETE":
        data = raw if not _adds_compartment(command, source) else _fill(raw, command, compartment)
        return Line(data + b"\n", True, True, compartment, False, field, who)
    anonymous = _check_upsert(command, compartment)
    safe = command.force_replace is True or command.update_strategy == "FORCE_REPLACE"
    lacks = anonymous or (compartment is not None and command.compartment_id is msgspec.UNSET)
    if source.fill_identity and lacks and command.user_account_id is not msgspec.UNSET:
        raw, anonymous = _fill(raw, command, compartment), compartment is None
    return Line(raw + b"\n", False, safe, compartment, anonymous, field, who)


def _require_one_value(raw: bytes) -> None:
    """Whom a command is about, and what it does, is said once; another key may stand twice, as the line is sent as it is."""
    command = exact_json.pairs_of(raw)
    exact_json.refuse_two_values(command, Command.__struct_fields__)
    for key, value in command:
        if key == "user_profile" and isinstance(value, exact_json.Pairs):
            exact_json.refuse_two_values(value, _OWNERS)


def _one_identifier(command: Command, compartment: str | None) -> tuple[str, str]:
    """The field and the value of the only identifier."""
    unset = msgspec.UNSET
    given = [(f, str(v)) for f in IDENTIFIERS if (v := getattr(command, f)) is not unset]
    if len(given) > 1:
        raise BadLine("line-identifiers", "the command names two identifiers; exactly one is allowed")
    if not given:
        raise BadLine("line-no-identifier", "the command names no identifier")
    if not given[0][1]:
        raise BadLine("line-no-identifier", "the identifier is empty")
    if compartment is not None and command.user_account_id is unset:
        raise BadLine("line-identifiers", "compartment_id belongs to user_account_id only")
    if compartment == "":
        raise BadLine("line-field", "compartment_id is empty")
    if command.user_agent_id is not unset and not AGENT.fullmatch(str(command.user_agent_id)):
        raise bad_agent()
    if command.operation not in ("UPSERT", "DELETE"):
        raise BadLine("line-operation", "operation must be UPSERT or DELETE")
    return given[0]


def _agree(command: Command, compartment: str | None, source: SourceDefinition) -> str | None:
    wanted = source.compartments.get(source.compartment or "") or UNKNOWN_ID
    if command.user_account_id is msgspec.UNSET or (wanted == ANY_ID and compartment is not None):
        return compartment
    if compartment is None and not source.fill_identity:
        raise BadLine(
            "line-compartment",
            "the command names no compartment; fill_identity: true adds the source's compartment",
        )
    if compartment is not None and compartment != wanted:
        raise BadLine("line-compartment", "the command names another compartment than the source")
    return UNKNOWN_ID if wanted == ANY_ID else wanted


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
                "force_replace / merge_objects and update_strategy belong to two dialects; use one of them",
            )
        if command.update_strategy not in STRATEGIES:
            raise BadLine(
                "line-dialect", "update_strategy must be PARTIAL_UPDATE, PARTIAL_DELETE or FORCE_REPLACE"
            )
    elif command.force_replace is unset:
        raise BadLine("line-force-replace", "force_replace is mandatory for UPSERT")
    if command.user_profile is unset:
        raise BadLine("line-profile", "user_profile is mandatory for UPSERT")
    if not bytes(command.user_profile).lstrip().startswith(b"{"):
        raise BadLine("line-profile", "user_profile must be an object")
    owner = _owner_of(command.user_profile)
    if command.user_account_id is not unset:
        if owner.account is not None and str(owner.account) != command.user_account_id:
            raise BadLine("line-identity", "$user_account_id differs from the command's user_account_id")
        if (
            owner.compartment is not None
            and compartment is not None
            and str(owner.compartment) != compartment
        ):
            raise BadLine("line-identity", "$compartment_id differs from the command's compartment_id")
    return owner.account is None or (owner.compartment is None and compartment is not None)


def _owner_of(profile: msgspec.Raw) -> _Owner:
    try:
        return _decode_owner(profile)
    except RecursionError:
        raise exact_json.too_deep() from None
    except msgspec.DecodeError as e:
        raise BadLine("line-profile", reason_of(e, "user_profile")) from None


def _fill(raw: bytes, command: Command, compartment: str | None) -> bytes:
    """The command with its compartment and the owner of its profile; it is written again, which would drop a repeated key."""
    fields, added = dict(_decode_raw(raw)), 0
    if compartment is not None:
        added += _add(fields, "compartment_id", compartment)
    if command.operation == "UPSERT" and "user_profile" in fields:
        profile = dict(_decode_raw(fields["user_profile"]))
        if compartment is not None:
            added += _add(profile, "$compartment_id", compartment)
        added += _add(profile, "$user_account_id", command.user_account_id)
        fields["user_profile"] = msgspec.Raw(_encode(profile))
    made = _encode(fields)
    if len(made) != len(raw) + added:  # less than all is there again: blanks are missing, or a key
        exact_json.refuse_repeated_keys(raw)
    return made


def _add(fields: dict[str, msgspec.Raw], name: str, value: Any) -> int:
    """Set a field that is not there, or null, which says nothing; how many bytes that adds."""
    there = bytes(fields[name]) if name in fields else None
    if there is not None and there != b"null":
        return 0
    comma, written = len(fields) > 0, _encode(value)
    fields[name] = msgspec.Raw(written)
    return len(written) - len(there) if there else comma + len(f'"{name}":') + len(written)
