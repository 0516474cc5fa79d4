"""Whether the value of one field is what a source expects. Pure.

A value that is absent, null or an empty text is no value: `not_null` asks for one, all other checks look at values only.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from reconciler.bulk.records.present_names import meant
from reconciler.model.source import Expectation, SourceDefinition

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)
Holds = Callable[[Any], bool]


def value_of(command: Mapping[str, Any], profile: Mapping[str, Any], field: str) -> Any:
    """The value of a field as it is sent: of the profile, with dots into nested objects; else an identifier. None is no value."""
    if field in profile:
        return _some(profile[field])
    found: Any = profile
    for key in field.split("."):
        if not isinstance(found, Mapping) or key not in found:
            return _some(command.get(field))
        found = found[key]
    return _some(found)


def sent_as(field: str, present: Collection[str], source: SourceDefinition) -> str | None:
    """The name that a field in which no row has a value may be meant to be.

    Args:
        field: as the spec names it.
        present: names that the commands have.
        source: says as what its columns are sent.
    """
    identifier = next((i.kind for i in source.identify_by if i.column == field), None)
    sent = source.rename.get(field, identifier)
    return sent if sent in present and field not in present else meant(field, present)


def _some(value: Any) -> Any:
    return None if value == "" else value


def holds(expectation: Expectation) -> Holds:
    """The check of one value."""
    wanted = expectation.value
    match expectation.check:
        case "in":
            texts, others = (
                {v for v in wanted if isinstance(v, str)},
                [v for v in wanted if not isinstance(v, str)],
            )
            return lambda value: (
                value in texts if isinstance(value, str) else any(_same(value, v) for v in others)
            )
        case "matches":
            matches = re.compile(wanted).fullmatch
            return lambda value: isinstance(value, str) and matches(value) is not None
        case "range":
            return lambda value: _within(value, wanted.get("min"), wanted.get("max"))
        case _:
            return lambda _value: True


def _same(value: Any, wanted: Any) -> bool:
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _within(value: Any, low: Any, high: Any) -> bool:
    """Between two bounds, both of which belong to it; texts are compared as texts where the bounds are texts."""
    if isinstance(low, str) or isinstance(high, str):
        given: Any = value if isinstance(value, str) else None
    elif isinstance(value, str):
        given = float(value) if _NUMBER.fullmatch(value) else None
    else:
        given = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if given is None:
        return False
    return (low is None or given >= low) and (high is None or given <= high)
