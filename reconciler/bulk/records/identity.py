"""Whom a command names, and whether it deletes. Pure."""

import msgspec

from reconciler.bulk.records.lines import json_line


class _Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    compartment_id: str | int | None = None
    user_account_id: str | None = None
    email_hash: str | None = None
    user_agent_id: str | None = None


class _Operation(msgspec.Struct):
    operation: str


_decode = msgspec.json.Decoder(_Identity).decode
_operation = msgspec.json.Decoder(_Operation).decode
_values = msgspec.structs.astuple


def spelled(line: bytes) -> bytes:
    """The identity of a command, one line of JSON; with lengths, so that no two identities are spelled alike."""
    compartment, account, email_hash, agent = _values(_decode(line))
    if account is not None and email_hash is None and agent is None:  # nearly all, and there are millions
        where = "" if compartment is None else f"{len(str(compartment))} {compartment}"
        return f"{where},{len(account)} {account},,".encode()
    parts = ("" if x is None else f"{len(str(x))} {x}" for x in (compartment, account, email_hash, agent))
    return ",".join(parts).encode()


def named(line: bytes) -> bytes:
    """The fields of a command that say it, as a JSON object."""
    return json_line(_decode(line))[:-1]


def is_delete(line: bytes) -> bool:
    """Whether a command is a DELETE."""
    return _operation(line).operation == "DELETE"
