"""Read stored profiles back (contract 8): resolve an identifier to its user point first, then list its profiles."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from reconciler.api.client import Reader
from reconciler.errors import NotFound, ReadFailed
from reconciler.kinds import paths
from reconciler.model.profile import owner, plain


def stored_profiles(reader: Reader, datamart_id: str, command: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All profiles of the user point that a command's identifier names; none where it is unknown.

    Raises:
        ReadFailed: the remote could not be read.
        Unauthorized: 401.
    """
    try:
        found = reader.get(paths.user_identifiers(datamart_id, _selector(command)))
        point = _point(found)
        if point is None:
            return []
        rows = reader.get(paths.user_profiles(datamart_id, point)).get("data")
    except NotFound:
        return []
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise ReadFailed("the profiles of a user point are not a list of objects")
    return rows


def _selector(command: Mapping[str, Any]) -> str:
    """The path part for an identifier: a slash between the two parts of an account (contract 8)."""
    for kind in ("email_hash", "user_agent_id"):
        if kind in command:
            return f"{kind}={quote(str(command[kind]), safe='')}"
    account = f"user_account_id={quote(str(command['user_account_id']), safe='')}"
    if "compartment_id" in command:
        return f"compartment_id={quote(str(command['compartment_id']), safe='')}/{account}"
    return account


def _point(found: Mapping[str, Any]) -> str | None:
    rows = found.get("data")
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("type") == "USER_POINT" and row.get("user_point_id"):
            return str(row["user_point_id"])
    return None


def stored_profile(
    reader: Reader, datamart_id: str, command: Mapping[str, Any], default_compartment: str | None
) -> dict[str, Any] | None:
    """The one profile that a command is about, without what the platform sets itself; None if there is none.

    Args:
        reader: sends GET requests.
        datamart_id: the datamart to read.
        command: an import command; its identifier selects the profile (contract 8).
        default_compartment: id of the compartment for commands that name none.

    Raises:
        ReadFailed: the remote could not be read.
    """
    wanted = owner(command, default_compartment)
    for row in stored_profiles(reader, datamart_id, command):
        profile = plain(row)
        compartment = profile.get("$compartment_id", default_compartment)
        if (compartment, profile.get("$user_account_id")) == wanted:
            return profile
    return None
