"""Profiles as the platform stores them (contract 7.3): whose one is, and what in it is not the sender's. Pure."""

from collections.abc import Mapping
from typing import Any

Profile = Mapping[str, Any]
# Set by the platform itself (contract 7.3); read APIs have at times left the `$` out.
SYSTEM_KEYS = frozenset({"$creation_ts", "$last_modified_ts", "$expiration_ts"})
_SYSTEM = SYSTEM_KEYS | {"creation_ts", "last_modified_ts"}
_SPELT = {"compartment_id": "$compartment_id", "user_account_id": "$user_account_id"}
OWNER = frozenset(_SPELT.values())


def plain(profile: Profile) -> dict[str, Any]:
    """A profile without what the platform sets itself, its owner's ids as text under one spelling."""
    made: dict[str, Any] = {}
    for key, value in profile.items():
        name = _SPELT.get(key, key)
        if key not in _SYSTEM:
            made[name] = str(value) if name in OWNER and value is not None else value
    return made


def owner(command: Mapping[str, Any], default_compartment: str | None) -> tuple[str | None, str | None]:
    """Compartment and account whose profile a command is about; None is the anonymous account.

    They are those of the profile itself, never the line's (contract 7.2); a DELETE has only the line's.
    """
    said = command if command["operation"] == "DELETE" else plain(command["user_profile"])
    prefix = "" if command["operation"] == "DELETE" else "$"
    compartment, account = said.get(f"{prefix}compartment_id"), said.get(f"{prefix}user_account_id")
    where = default_compartment if compartment is None else str(compartment)
    return where, None if account is None else str(account)
