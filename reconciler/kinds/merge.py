"""What one import command makes of a stored profile: the platform's merge table (contract 7.4), as far as it is public. Pure.

    force_replace   merge_objects   absent from the command   scalar   object             array
    true            -               removed                   new      new                new
    false           false           kept                      new      new                new
    false           true            kept                      new      merged, deeply     stored elements, then new ones

`update_strategy: FORCE_REPLACE` is taken as the first row; what the PARTIAL ones do is not public (contract 7.5).
"""

from collections.abc import Mapping
from typing import Any

from reconciler.model.profile import Profile, plain


class Unpredictable(Exception):
    """The rule for this command is not public; says which."""


def merged(stored: Profile | None, command: Mapping[str, Any]) -> dict[str, Any] | None:
    """The profile after the command; None if it is deleted.

    Args:
        stored: before, without what the platform sets itself; None if there is none.
        command: one valid import command.

    Raises:
        Unpredictable: nobody outside the platform knows.
    """
    if command["operation"] == "DELETE":
        return None
    given = plain(command["user_profile"])
    strategy = command.get("update_strategy")
    if strategy not in (None, "FORCE_REPLACE"):
        raise Unpredictable(f"the effect of update_strategy {strategy} on a profile is not documented")
    if stored is None or command.get("force_replace") or strategy == "FORCE_REPLACE":
        return given
    return _deep(stored, given) if command.get("merge_objects") else {**stored, **given}


def _deep(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{k: _deep(old[k], v) if k in old else v for k, v in new.items()}}
    return [*old, *new] if isinstance(old, list) and isinstance(new, list) else new


def agrees(expected: Any, found: Any) -> bool:
    """Whether a stored value is what was to be expected.

    Whether null is stored or removes, and whether merged lists lose equal elements, is unknown (contract 7.4); both count.
    """
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        old, new = ({k: v for k, v in x.items() if v is not None} for x in (expected, found))
        return old.keys() == new.keys() and all(agrees(v, new[k]) for k, v in old.items())
    if isinstance(expected, list) and isinstance(found, list):
        once = [x for i, x in enumerate(expected) if x not in expected[:i]]
        return found in (expected, once)
    return bool(expected == found)
