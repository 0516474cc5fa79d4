"""A plan -> the plan that would undo it, as far as the platform lets anything be undone. Pure."""

from msgspec.structs import replace

from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.plan import Budget, Plan, ResourceChange, Summary
from reconciler.planning.digests import sealed

_NO_WAY_BACK = {
    ("Compartment", "create"): "the platform has no removal of compartments",
    ("Activation", "create"): "the platform has no removal of activations",
    (
        "Activation",
        "update",
    ): "the default goes back by promoting the former one: declare it as default_compartment",
    (
        "DocumentImport",
        "delete",
    ): "a deleted import does not come back; what it loaded is not touched by that",
}


def inverse(plan: Plan) -> Plan:
    """What would undo a plan; each thing that cannot be undone is a finding.

    The inverse has the preconditions of any plan: what was never applied is done already, what moved since is refused.
    """
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    back = tuple(_swapped(c) for c in acting if _reversible(c))
    rest: list[Diagnostic] = [
        _lost(c.address, _NO_WAY_BACK[c.kind, c.change.actions[0]]) for c in acting if not _reversible(c)
    ]
    rest += [
        _lost(x.address, "profiles that were merged or deleted do not come back")
        for x in plan.loads
        if x.actions != ("no-op",)
    ]
    made = replace(
        plan,
        resource_changes=back,
        loads=(),
        summary=Summary(update=len(back)),
        budget=Budget(requests=3 * len(back)),
        diagnostics=tuple(rest),
        overrides=(),
        complete=False,
    )
    return sealed(made)


def _reversible(change: ResourceChange) -> bool:
    return change.kind == "Compartment" and change.change.actions == ("update",)


def _swapped(change: ResourceChange) -> ResourceChange:
    before, after = change.change.before, change.change.after
    swapped = replace(change.change, before=after, after=before)
    return replace(change, change=swapped, requires=(), origin=None, reason=f"undoes: {change.reason}")


def _lost(address: str, why: str) -> Diagnostic:
    return warning("cannot-undo", f"{address} cannot be undone: {why}")
