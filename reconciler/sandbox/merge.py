"""What an import command does to a stored profile (contract 7.2, 7.4, 7.5). Pure; written from the contract alone."""

from typing import Any

Profile = dict[str, Any]


def upsert(
    stored: Profile | None, given: Profile, command: dict[str, Any], *, array_merge: str, null_merge: str
) -> Profile:
    """The profile after an UPSERT: the merge table (contract 7.4).

    Args:
        stored: the present profile.
        given: `user_profile` of the command.
        command: with its flags.
        array_merge: `concatenate` or `deduplicate`.
        null_merge: `stored` or `removed`.
    """
    strategy = command.get("update_strategy")
    if stored is None or command.get("force_replace") is True or strategy == "FORCE_REPLACE":
        return _without_nulls(given) if null_merge == "removed" else dict(given)
    if strategy == "PARTIAL_DELETE":
        return {k: v for k, v in stored.items() if k not in given or k.startswith("$")}
    deep = command.get("merge_objects") is True or strategy == "PARTIAL_UPDATE"
    result = dict(stored)
    for key, value in given.items():
        if value is None and null_merge == "removed":
            result.pop(key, None)
        else:
            result[key] = _merge(stored[key], value, array_merge) if deep and key in stored else value
    return result


def _merge(old: Any, new: Any, array_merge: str) -> Any:
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{k: _merge(old[k], v, array_merge) if k in old else v for k, v in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        if array_merge == "deduplicate":
            return old + [v for v in new if v not in old]
        return old + new
    return new


def _without_nulls(profile: Profile) -> Profile:
    return {k: v for k, v in profile.items() if v is not None}
