"""What every format of an audit says: what changed on the platform since the last apply, apart from what is not as declared. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.model.diagnostic import Severity
from reconciler.model.plan import Plan, ResourceChange
from reconciler.model.unchanged import addresses
from reconciler.reports.plan.decision import limited_by, not_proposed, staying
from reconciler.reports.plan.words import value

NO_BASELINE = (
    "The ledger has no apply of this workspace, so changes since the last apply are not known. "
    "`reconciler apply` records what it finds, even if it changes nothing; the next drift compares with that."
)
UNTOUCHED = "Nothing was changed on the platform."
NEXT = (
    "Next: `reconciler drift --write` writes what is there into the specs; `reconciler apply` makes the platform as the specs say, "
    "and leaves what no spec declares."
)
UNREAD = "A read failed; resources that depend on it were not compared."
_WORDS = {"create": "was added", "update": "was changed", "delete": "was removed"}


@dataclass(frozen=True, slots=True)
class Moved:
    """One resource that changed on the platform.

    Attributes:
        verb: create, update or delete.
        words: what happened to it.
        fields: of a change: name, before, after.
    """

    address: str
    verb: str
    words: str
    fields: Sequence[tuple[str, str, str]]


def moved(plan: Plan) -> list[Moved]:
    """What changed on the platform since the last apply."""
    declared, told = addresses(plan), {d.address for d in plan.diagnostics}
    return [
        _one(entry, declared=entry["address"] in declared or entry["address"] in told)
        for entry in plan.resource_drift
    ]


def apart(plan: Plan) -> list[ResourceChange]:
    """Where specs and platform differ."""
    return [c for c in plan.resource_changes if c.change.actions != ("no-op",)]


def since(plan: Plan) -> str | None:
    """When the last apply was; None where the ledger has none."""
    when = plan.audit.baseline if plan.audit else None
    return None if when is None else f"{when[:16].replace('T', ' ')} UTC"


def nothing(plan: Plan) -> str:
    """What stands in place of an empty list."""
    return "nothing that could be read" if plan.errored else "nothing"


def no_difference(plan: Plan) -> str:
    """The same for the list of what differs: a removal that is not proposed differs, and apply leaves it."""
    return "nothing that apply would change" if staying(plan) and not plan.errored else nothing(plan)


def limited(plan: Plan) -> str | None:
    """That flags limit what was compared, and which; None where all compartments and activations were."""
    limits = [flag for flag in plan.limits if not flag.startswith("--only ")]  # an audit has no loads
    return limited_by(limits, "comparison") if limits else None


def verdict(plan: Plan) -> str:
    """How much drifted, in one sentence, and what apply leaves; nothing is said of what is not known."""
    return f"{_drifted(plan)}{not_proposed(plan)}."


def _drifted(plan: Plan) -> str:
    changed, differing = len(plan.resource_drift), len(apart(plan))
    if plan.errored and not (changed or differing):
        return "Not known whether there is drift: a read failed"
    if since(plan) is None:
        words = f"{differing} not as declared" if differing else "nothing differs from the specs"
        return f"{'Drift' if differing else 'No drift known'}: {words}; no earlier apply to compare with"
    if not changed and not differing:
        return "No drift"
    return f"Drift: {changed} changed on the platform, {differing} not as declared"


def todo(plan: Plan, *, accepting: bool = False) -> str | None:
    """What can be done about it; None where there is nothing to do, or nothing is known for sure.

    Args:
        plan: an audit.
        accepting: it is being written into the specs, and what is left of it is told after that.
    """
    if accepting or plan.errored or not (plan.resource_drift or apart(plan)):
        return None
    stops = any(d.severity is Severity.ERROR for d in plan.diagnostics)
    first = " Apply is refused until the errors are corrected; their help says how." if stops else ""
    return f"{NEXT}{first}"


def _one(entry: dict[str, Any], *, declared: bool) -> Moved:
    change = entry["change"]
    (verb,) = change["actions"]
    fields = [
        (key, value(old), value(change["after"][key]))
        for key, old in (change["before"] or {}).items()
        if verb == "update"
    ]
    default = " as the default" if verb == "create" and change["after"].get("default") else ""
    words = _WORDS[verb] + default + ("" if declared or verb == "delete" else "; no spec declares it")
    return Moved(entry["address"], verb, words, fields)
