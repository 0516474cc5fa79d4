"""What would be said of many datamarts in the same words is said once. Pure."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.plan import LoadChange, ResourceChange

SINGLE_MAX_DATAMARTS, NAMED_MAX_DATAMARTS = (
    4,
    12,
)  # up to so many datamarts are told of one by one; so many are named where more are alike
Item = TypeVar("Item")


def alike(items: Sequence[Item], looks: Callable[[Item], object]) -> list[list[Item]]:
    """In their order: each by itself, but those that look alike together, if they are more than a few."""
    groups: dict[object, list[Item]] = {}
    for item in items:
        groups.setdefault(looks(item), []).append(item)
    parts = (
        ([found] if len(found) > SINGLE_MAX_DATAMARTS else [[x] for x in found]) for found in groups.values()
    )
    return [part for each in parts for part in each]


def of_change(change: ResourceChange) -> object:
    """What is said of a change, but for the datamart."""
    name, _, datamart = change.address.partition("@")
    if not datamart:
        return id(change)
    after = {
        k: v for k, v in (change.change.after or {}).items() if k not in ("datamart_id", "compartment_id")
    }
    unknown = tuple(change.change.after_unknown)
    return name, change.change.actions, str(after), unknown, anywhere(change.reason, datamart), change.origin


def of_load(load: LoadChange) -> object:
    """What is said of a load, but for the datamart."""
    volume = (load.lines, load.upserts, load.deletes, load.rejected, load.chunks, load.replay_safe)
    reason = anywhere(load.reason, load.datamart)
    return load.address.partition("@")[0], load.actions, load.generation, load.retry, volume, reason


def of_finding(d: Diagnostic) -> object:
    """What a finding says, but for the datamart."""
    name, _, datamart = (d.address or "").partition("@")
    if not datamart:
        return id(d)
    return d.code, d.severity, anywhere(d.message, datamart), d.span, d.note, d.help, name


def anywhere(text: str, datamart: str) -> str:
    """A text without the name of the datamart it is about."""
    return text.replace(f"on {datamart}", "there").replace(datamart, "…") if datamart else text


def where(addresses: Sequence[str]) -> str:
    """Names of the datamarts, or of the first of them."""
    names = [a.partition("@")[2] for a in addresses]
    more = f" and {len(names) - NAMED_MAX_DATAMARTS} others" if len(names) > NAMED_MAX_DATAMARTS else ""
    return ", ".join(names[:NAMED_MAX_DATAMARTS]) + more
