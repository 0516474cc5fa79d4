"""All activations of the specs, compared with the platform: those that are as declared are decided together. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from reconciler.model.desired import DesiredActivations
from reconciler.model.listing import Listed
from reconciler.model.remote import Activation, Observed
from reconciler.planning.config.changes import ConfigPlan, plan_activation


def plan_activations(
    wanted: DesiredActivations, observed: Observed, plan: ConfigPlan, unusable: Collection[str]
) -> None:
    """Add the changes of all activations; the compartments were planned before.

    Most are as declared: that is decided for all compartments at once that a spec declares on the same datamarts.

    Args:
        wanted: what the specs declare.
        observed: listings of the platform.
        plan: gets the changes and their findings.
        unusable: names of datamarts on which nothing can be planned.
    """
    seen = {i: _once(found.rows) for i, found in observed.activations.items() if isinstance(found, Listed)}
    promoted: dict[str, list[str]] = defaultdict(list)
    for key, datamart in wanted.defaults:
        promoted[datamart].append(key)
    left: dict[str, set[str]] = defaultdict(set)  # by datamart, compartments that are looked at one by one
    for names, keys in wanted.groups().items():
        ids = {k: i for k in keys if (i := plan.ids.get(k)) is not None}
        alike = frozenset(ids.values())
        whole: dict[str, str] = {}
        defaults: dict[str, list[str]] = {}
        for datamart in names:
            identity = wanted.datamarts[datamart]
            rows = {} if datamart in unusable else seen.get(identity, {})
            asked = {k for k in promoted.get(datamart, ()) if k in ids and not rows.get(ids[k])}
            there = ids
            if asked or not rows.keys() >= alike:
                there = {k: i for k, i in ids.items() if i in rows and k not in asked}
            if theirs := {i for i, default in rows.items() if default} & alike:
                defaults[datamart] = [k for k, i in there.items() if i in theirs]
            if there is ids:
                whole[datamart] = identity
            else:
                plan.same.activations(there, {datamart: identity}, defaults)
            if len(there) < len(keys):
                left[datamart].update(k for k in keys if k not in there)
        plan.same.activations(ids, whole, defaults)
    for key, datamart in wanted.places() if left else ():
        if key in left.get(datamart, ()):
            want = wanted.one(key, datamart)
            if datamart in unusable:
                plan.blocked.add(want.address)
            else:
                plan_activation(want, observed, plan)


def _once(rows: Sequence[Activation]) -> dict[str, bool]:
    """Whether each activation is the default, by compartment id; of compartments that have one row."""
    found = {row.compartment_id: row.default for row in rows}
    if len(found) != len(rows):
        for identity, count in Counter(row.compartment_id for row in rows).items():
            if count > 1:
                del found[identity]
    return found
