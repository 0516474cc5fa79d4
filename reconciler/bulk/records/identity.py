"""Whom a command names. Pure."""

import msgspec


class _Identity(msgspec.Struct, frozen=True):
    compartment_id: str | int | None = None
    user_account_id: str | None = None
    email_hash: str | None = None
    user_agent_id: str | None = None


_decode = msgspec.json.Decoder(_Identity).decode
_values = msgspec.structs.astuple


def spelled(line: bytes) -> bytes:
    """The identity of a command, one line of JSON; with lengths, so that no two identities are spelled alike."""
    parts = ("" if x is None else f"{len(str(x))} {x}" for x in _values(_decode(line)))
    return ",".join(parts).encode()
