"""What a plan takes away or moves: removals, defaults, tokens, deleted profiles, overridden guards; one sentence each. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import few, many
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.reports import allowed
from reconciler.reports.plan.words import KINDS, value

NAMED = 4  # of more, so many are named


def consequences(plan: Plan) -> list[str]:
    """The sentences; none where a plan only adds.

    Args:
        plan: any.
    """
    changes = plan.resource_changes
    return [
        *_removals([c for c in changes if c.change.actions[0] == "delete"]),
        *_defaults([c for c in changes if c.former_default is not None and c.change.actions != ("no-op",)]),
        *_tokens([c for c in changes if c.change.actions == ("update",) and _moves_token(c)]),
        *_deletes([x for x in plan.loads if x.deletes and x.actions != ("no-op",)]),
        *(f"Overrides {words}" for words in allowed.sentences(plan.overrides)),
    ]


def _removals(found: Sequence[ResourceChange]) -> list[str]:
    kinds = Counter(c.kind for c in found)
    return [
        f"Removes {many(n, KINDS.get(kind, kind))}: {few([_plain(c) for c in found if c.kind == kind], NAMED)}."
        for kind, n in kinds.items()
    ]


def _defaults(found: Sequence[ResourceChange]) -> list[str]:
    if not found:
        return []
    named = [f"{_plain(c)} replaces {_former(c)}" for c in found]
    return [f"Moves the default of {many(len(found), 'datamart')}: {few(named, NAMED)}."]


def _former(change: ResourceChange) -> str:
    former = change.former_default or {}
    token = former.get("token")  # in quotes: a compartment is often called `default`
    return (
        f"compartment '{token}'" if token else f"the compartment with the id {former.get('compartment_id')}"
    )


def _moves_token(change: ResourceChange) -> bool:
    before, after = change.change.before or {}, change.change.after or {}
    return "token" in after and before.get("token") != after["token"]


def _tokens(found: Sequence[ResourceChange]) -> list[str]:
    if not found:
        return []
    named = [
        f"{_plain(c)} {value((c.change.before or {}).get('token'))} -> {value((c.change.after or {})['token'])}"
        for c in found
    ]
    return [
        f"Changes the token of {many(len(found), 'compartment')}, which site tags name: {few(named, NAMED)}."
    ]


def _deletes(found: Sequence[LoadChange]) -> list[str]:
    if not found:
        return []
    named = [f"{x.address.partition('/')[2]} {x.deletes:,}" for x in found]
    return [
        f"Sends {many(sum(x.deletes for x in found), 'DELETE command')} about profiles: {few(named, NAMED)}."
    ]


def _plain(change: ResourceChange) -> str:
    return change.address.partition("/")[2]
