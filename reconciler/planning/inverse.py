"""A plan -> the plan that would undo it, as far as the platform lets anything be undone. Pure."""

from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace

from reconciler.kinds import paths
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.plan import Budget, Change, Plan, ResourceChange, Summary
from reconciler.planning.digests import sealed

_NO_WAY_BACK = {
    ("Compartment", "create"): "the platform has no removal of compartments",
    (
        "Activation",
        "create",
    ): "what was loaded into it would go with it; put it under `deactivations` if that is meant",
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
    loads = [x for x in plan.loads if x.actions != ("no-op",)]
    loaded = {r for x in loads for r in x.requires}
    swapped = {c.address: s for c in acting if (s := _swapped(c, loaded))}
    back = tuple(swapped.values())
    lost = [_lost(c.address, _why(c)) for c in acting if c.address not in swapped]
    lost += [_lost(x.address, "profiles that were merged or deleted do not come back") for x in loads]
    verbs = Counter(c.change.actions[0] for c in back)
    made = replace(
        plan,
        resource_changes=back,
        loads=(),
        summary=Summary(create=verbs["create"], update=verbs["update"], delete=verbs["delete"]),
        budget=Budget(requests=3 * len(back)),
        diagnostics=(*lost, *(w for c in back for w in _doubts(c))),
        overrides=(),
        complete=False,
    )
    return sealed(made)


def _swapped(change: ResourceChange, loaded: Collection[str]) -> ResourceChange | None:
    """The change that undoes a change; None where none does."""
    before, after = change.change.before, change.change.after
    back, request, remote_id = change.change, change.request, change.remote_id
    match change.kind, change.change.actions:
        case "Compartment", ("update",):
            back = replace(back, before=after, after=before)
        case "Activation", ("delete",) if before is not None:
            back = Change(
                actions=("create",),
                before=None,
                after={k: before[k] for k in ("datamart_id", "compartment_id")},
            )
            request, remote_id = f"POST {paths.activations(before['datamart_id'])}", None
        case "Activation", ("create",) if after is not None and _removable(change, loaded):
            back = Change(actions=("delete",), before={**after, "default": False}, after=None)
            request = None  # the row has no id yet
        case _:
            return None
    return replace(
        change,
        change=back,
        request=request,
        remote_id=remote_id,
        requires=(),
        origin=None,
        reason=f"undoes: {change.reason}",
    )


def _removable(change: ResourceChange, loaded: Collection[str]) -> bool:
    """An activation of a compartment that was there before, that is no default, and that this plan loads nothing into."""
    after = change.change.after or {}
    return (
        after.get("compartment_id") is not None and not after.get("default") and change.address not in loaded
    )


def _why(change: ResourceChange) -> str:
    after = change.change.after or {}
    if (change.kind, change.change.actions) == ("Activation", ("create",)):
        if after.get("compartment_id") is None:
            return "the compartment is new with this plan, and the platform has no removal of compartments"
        if after.get("default"):
            return "a datamart's default is never removed"
    return _NO_WAY_BACK[change.kind, change.change.actions[0]]


def _doubts(change: ResourceChange) -> list[Diagnostic]:
    if change.change.actions == ("delete",):
        words = "the platform documents no removal of activations; where it has none, apply says so and nothing is changed"
    elif change.change.actions == ("create",):
        words = "it is activated again; what hung on it, such as consent settings, does not come back by that"
    else:
        return []
    return [warning("undo-uncertain", f"{change.address}: {words}", address=change.address)]


def _lost(address: str, why: str) -> Diagnostic:
    return warning("cannot-undo", f"{address} cannot be undone: {why}")
