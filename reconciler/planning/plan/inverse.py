"""A plan -> the plan that would undo it, as far as the platform lets anything be undone. Pure."""

from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace

from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.plan import Budget, Change, Plan, ResourceChange, Summary
from reconciler.model.unchanged import count, without_defaults
from reconciler.planning.digests import sealed
from reconciler.planning.requests import with_request

_NO_WAY_BACK = {
    ("Compartment", "create"): "the platform cannot remove compartments",
    (
        "Activation",
        "update",
    ): "to restore the former default, declare it as default_compartment",
    (
        "DocumentImport",
        "delete",
    ): "a deleted import cannot be restored; the profiles it loaded are not affected",
}


def inverse(plan: Plan) -> Plan:
    """What would undo a plan; each thing that cannot be undone is a finding.

    The inverse has the preconditions of any plan: what was never applied is done already, what moved since is refused.
    """
    acting = [c for c in plan.resource_changes if c.change.actions != ("no-op",)]
    loads = [x for x in plan.loads if x.actions != ("no-op",)]
    loaded = {r for x in loads for r in x.requires}
    back = tuple(_swapped(c) for c in acting if not _obstacle(c, loaded))
    lost = [_lost(c.address, why) for c in acting if (why := _obstacle(c, loaded))]
    lost += [_lost(x.address, "profiles that were merged or deleted cannot be restored") for x in loads]
    verbs = Counter(c.change.actions[0] for c in back)
    moved = _moved(plan)
    idle = _idle(plan, {c.address for c in back}, moved)
    unchanged = without_defaults(plan.unchanged, moved)
    made = replace(
        plan,
        resource_changes=(*back, *idle),
        unchanged=unchanged,
        loads=(),
        summary=Summary(
            create=verbs["create"],
            update=verbs["update"],
            delete=verbs["delete"],
            unchanged=len(idle) + count(unchanged),
        ),
        budget=Budget(requests=3 * len(back)),
        diagnostics=(*lost, *(w for c in back for w in _doubts(c))),
        overrides=(),
        prune=(),
        complete=False,
    )
    return sealed(made)


def _moved(plan: Plan) -> set[str]:
    """Datamarts that get another default."""
    return {
        c.address.partition("@")[2]
        for c in plan.resource_changes
        if c.change.actions in (("create",), ("update",)) and (c.change.after or {}).get("default")
    }


def _idle(plan: Plan, undone: Collection[str], moved: Collection[str]) -> tuple[ResourceChange, ...]:
    """What the plan leaves on the platform and its inverse does not touch, so that the inverse shows that it is there.

    Args:
        plan: that is undone.
        undone: addresses of what its inverse changes.
        moved: datamarts that got another default.
    """
    found = []
    for change in plan.resource_changes:
        before, after = change.change.before, change.change.after
        if change.address in undone or change.kind not in ("Compartment", "Activation") or after is None:
            continue
        if change.change.actions == ("no-op",) and change.address.partition("@")[2] in moved:
            before = after = {k: v for k, v in after.items() if k != "default"}
        elif change.change.actions != ("no-op",):
            before = after
        left = Change(
            actions=("no-op",), before=before, after=after, after_unknown=change.change.after_unknown
        )
        found.append(
            replace(
                change, change=left, reason="not changed by this plan", requires=(), wave=None, request=None,
                former_default=None,
            )
        )  # fmt: skip
    return tuple(found)


def _obstacle(change: ResourceChange, loaded: Collection[str]) -> str | None:
    """Why nothing undoes a change; None where something does. `loaded`: activations that the plan loads into."""
    after = change.change.after or {}
    match change.kind, change.change.actions:
        case ("Compartment", ("update",)) | ("Activation", ("delete",)):
            return None
        case "Activation", ("create",) if after.get("compartment_id") is None:
            return "its compartment gets an id only when this plan is applied; `deactivations` in the compartment's spec deactivates it"
        case "Activation", ("create",) if after.get("default"):
            return "a datamart's default is never removed"
        case "Activation", ("create",) if change.address in loaded:
            return "profiles loaded into it could be lost; declare `deactivations` if this is intended"
        case "Activation", ("create",):
            return None
        case kind, actions:
            return _NO_WAY_BACK[kind, actions[0]]


def _swapped(change: ResourceChange) -> ResourceChange:
    """The change that undoes a change which something undoes."""
    before, after = change.change.before or {}, change.change.after or {}
    remote_id = change.remote_id
    match change.change.actions:
        case ("delete",):
            key = {k: before[k] for k in ("datamart_id", "compartment_id")}
            back = Change(actions=("create",), before=None, after=key)
            remote_id = None
        case ("create",):
            back = Change(actions=("delete",), before={**after, "default": False}, after=None)
        case _:
            back = replace(change.change, before=after, after=before)
    why = f"undoes: {change.reason}"
    return with_request(
        replace(
            change,
            change=back,
            remote_id=remote_id,
            requires=(),
            origin=None,
            reason=why,
            former_default=None,
        )
    )


def _doubts(change: ResourceChange) -> list[Diagnostic]:
    if change.change.actions == ("delete",):
        words = "the platform does not document how to remove activations; if it refuses, apply reports that and changes nothing"
    elif change.change.actions == ("create",):
        words = "the compartment is activated again; its former settings, such as consent activities, are not restored"
    else:
        return []
    return [warning("undo-uncertain", words, address=change.address)]


def _lost(address: str, why: str) -> Diagnostic:
    return warning("cannot-undo", f"{address} cannot be undone: {why}")
