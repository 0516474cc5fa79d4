"""Compartments to be created beside one that looks the same and that no spec declares: perhaps it was renamed. Pure.

It is only told, with the line to write; nothing is renamed by itself.
"""

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from reconciler.kinds.counts import many
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.listing import Listed
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Compartment, Observed, owned, token_key

_SEPARATORS = re.compile(r"[-_. ]+")
# The same places alone say little of a compartment that is on one datamart, or on all.
_FEW = 2
Places = frozenset[str]


def look_alikes(
    desired: Desired,
    observed: Observed,
    changes: Collection[ResourceChange],
    ids: Mapping[str, str | None],
    organisation_id: str,
) -> Iterator[Diagnostic]:
    """A finding for each compartment that would be created, and that looks like one or more unmanaged ones.

    Args:
        desired: what the specs declare.
        observed: listings of the platform.
        changes: planned so far.
        ids: remote id by compartment key, of those that are there.
        organisation_id: the organisation of the workspace.
    """
    created = [c for c in changes if c.kind == "Compartment" and c.change.actions == ("create",)]
    if not created or not isinstance(observed.compartments, Listed):
        return
    tokens = {c.token for c in desired.compartments.values()}
    taken = {*ids.values(), *(c.id for c in desired.compartments.values())}
    free = [
        r
        for r in observed.compartments.rows
        if owned(r, organisation_id) and not r.archived and r.token not in tokens and r.id not in taken
    ]
    where, wanted = _active(desired, observed), _wanted(desired)
    by_name, by_token = defaultdict(list), defaultdict(list)
    for row in free:
        by_name[_name(row.name or "")].append(row)
        by_token[_token(row.token)].append(row)
    by_places = _alone({r.id: where.get(r.id, frozenset()) for r in free})
    mine = _alone({c.address: wanted.get(c.address, frozenset()) for c in created})
    rows = {r.id: r for r in free}
    for change in created:
        after, want = change.change.after or {}, desired.compartments[change.address]
        places = wanted.get(change.address, frozenset())
        found = {r.id: r for r in by_name.get(_name(after["name"] or ""), ())}
        found |= {r.id: r for r in by_token.get(_token(after["token"]), ())}
        whole = len(places) == len(desired.datamarts)
        if not found and len(places) >= _FEW and not whole and mine.get(places) == change.address:
            found = {i: rows[i] for i in (by_places.get(places),) if i is not None}
        if found:
            shown = [_same(r, after, places, where.get(r.id, frozenset())) for r in found.values()]
            also = "these compartments look" if len(shown) > 1 else "this compartment looks"
            yield warning(
                "unmanaged-look-alike",
                f"{also} like it, and no spec declares {'them' if len(shown) > 1 else 'it'}: {'; '.join(shown)}. "
                f"This plan creates another one with the token '{want.token}'",
                want.span,
                help=_advice(list(found.values())),
                address=change.address,
            )


def _advice(rows: list[Compartment]) -> str:
    row = rows[0]
    if not row.token:
        return f'if it is the same compartment, write `id: "{row.id}"` in its spec'
    line = f"previously: [{json.dumps(row.token, ensure_ascii=False)}]"
    which = f"one of them, for example {row.id}," if len(rows) > 1 else "it"
    return (
        f"if {which} is the same compartment, add `{line}` to its spec; its token changes only with "
        f"`allow_token_change: true`, without it write the token that it has; if it is another one, do nothing"
    )


def _same(row: Compartment, after: Mapping[str, str | None], places: Places, active: Places) -> str:
    """A row, and in what it is the same."""
    same = []
    if _name(row.name or "") == _name(after["name"] or "") != "":
        same.append("the same name")
    if _token(row.token) == _token(after["token"] or ""):
        same.append("nearly the same token")
    if places and places == active:
        count = len(places)
        same.append(
            f"active on the same {many(count, 'datamart')}" if count > 1 else "active on the same datamart"
        )
    return f"{row.id} ('{row.token}'; {', '.join(same)})"


def _alone(places: Mapping[str, Places]) -> dict[Places, str]:
    """Who is active at a set of places, of those that are the only ones at just these."""
    found: dict[Places, list[str]] = defaultdict(list)
    for who, where in places.items():
        found[where].append(who)
    return {where: who[0] for where, who in found.items() if len(who) == 1}


def _active(desired: Desired, observed: Observed) -> dict[str, Places]:
    """Names of datamarts by id of the compartment that is active there; nothing where a listing failed."""
    where: dict[str, set[str]] = defaultdict(set)
    for name, (identity, _) in desired.datamarts.items():
        listing = observed.activations.get(identity)
        if not isinstance(listing, Listed):
            return {}
        for row in listing.rows:
            where[row.compartment_id].add(name)
    return {identity: frozenset(names) for identity, names in where.items()}


def _wanted(desired: Desired) -> dict[str, Places]:
    return {f"Compartment/{key}": names for key, names in desired.activations.on.items()}


def _name(text: str) -> str:
    return " ".join(token_key(text).split())


def _token(text: str) -> str:
    return _SEPARATORS.sub("", token_key(text))
