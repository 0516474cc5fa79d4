"""Two plans -> what one would do that the other would not. Pure."""

from dataclasses import dataclass
from typing import Any

from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.model.unchanged import resources
from reconciler.planning.config.diff import changed_fields

_LOAD_FIELDS = (
    "actions",
    "generation",
    "source_digest",
    "lines",
    "upserts",
    "deletes",
    "rejected",
    "bytes",
    "chunks",
    "resend",
    "reload",
    "supersede",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One address. `fields` has both values of each field that differs; empty where only one plan has the address.

    Attributes:
        only: "a" or "b" where only that plan has it.
        actions: of the plan that has it; of `b` where both do.
    """

    address: str
    only: str | None
    actions: tuple[str, ...]
    fields: dict[str, tuple[Any, Any]]


def compare(a: Plan, b: Plan) -> list[Difference]:
    """What differs between two plans, by address; reasons, ids of runs and times are no difference."""
    ours, theirs = _entries(a), _entries(b)
    found = []
    for address in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(address), theirs.get(address)
        if one is None or other is None:
            entry = one or other or {}
            found.append(Difference(address, "a" if other is None else "b", tuple(entry["actions"]), {}))
        elif fields := changed_fields(one, other):
            found.append(Difference(address, None, tuple(other["actions"]), fields))
    return found


def _entries(plan: Plan) -> dict[str, dict[str, Any]]:
    return {c.address: _resource(c) for c in resources(plan)} | {x.address: _load(x) for x in plan.loads}


def _resource(change: ResourceChange) -> dict[str, Any]:
    before = {f"before.{k}": v for k, v in (change.change.before or {}).items()}
    after = {f"after.{k}": v for k, v in (change.change.after or {}).items()}
    return {"actions": list(change.change.actions), **before, **after}


def _load(load: LoadChange) -> dict[str, Any]:
    return {k: list(v) if isinstance(v := getattr(load, k), tuple) else v for k in _LOAD_FIELDS}
