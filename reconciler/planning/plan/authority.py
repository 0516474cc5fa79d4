"""May this plan do what it says? Only what the specs declare: a plan carries decisions, the workspace carries authority (G12). Pure.

A plan says what it saw on the platform and what it would do about it. What it saw is put in the platform's place, and the
specs are planned against that, by the same functions as ever: an action that does not come out of it is not the specs' own. So
no field of an action is believed, but the ids and rows of the platform; and those are looked at again before anything is written.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from reconciler.kinds.names import LoadKey
from reconciler.model.desired import Desired, DesiredLoad
from reconciler.model.diagnostic import Severity
from reconciler.model.listing import Listed
from reconciler.model.plan import LoadChange, Plan, ResourceChange, Unchanged
from reconciler.model.remote import Activation, Compartment, Datamart, Import, Observed
from reconciler.model.source import SourceDefinition
from reconciler.model.unchanged import (
    NO_OP,
    NOTHING,
    Addresses,
    active,
    addresses,
    compartments,
    entries,
    entry,
    id_of,
)
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.config.removals import Pruning
from reconciler.planning.loads import failed_rows, retention
from reconciler.planning.loads.changes import definition_of, required
from reconciler.planning.plan import guards
from reconciler.planning.plan.planner import acting_addresses, plan_config, prune_requires
from reconciler.planning.plan.waves import in_waves
from reconciler.settings import Guards

_NOT_COMPARED = frozenset({"reason", "origin", "former_default"})  # words about an action, no part of it
_NOT_SHOWN = ("definition.constants", "definition.sql.url")  # values of profiles; a password may be in a URL
_ABSENT = "(not there)"


@dataclass(frozen=True, slots=True)
class Refusal:
    """What of a plan the specs do not declare.

    Attributes:
        address: the action; or a wave, or a guard's scope.
        field: which differs; empty where nothing of that address is declared.
        planned: its value in the plan, as text.
        declared: its value by the specs.
    """

    address: str
    field: str = ""
    planned: str = ""
    declared: str = ""

    def __str__(self) -> str:
        if not self.field:
            return f"{self.address}: {self.declared or 'no spec declares it'}"
        return f"{self.address}: {self.field} is {self.planned} in the plan, {self.declared} by the specs"


def refusals(plan: Plan, desired: Desired, limits: Guards) -> list[Refusal]:
    """What keeps a plan from being applied in a workspace; empty if it does nothing but what is declared there.

    Args:
        plan: any plan, for the organisation of the workspace.
        desired: what the specs of the workspace declare.
        limits: guards of the workspace.
    """
    if strangers := [*_strangers(plan, desired)]:
        return strangers
    config = _derived(plan, desired)
    same = config.same.made()
    changes = {c.address: c for c in config.changes} | _deletions(plan, desired)
    kept = Addresses((), same)
    changes |= {c.address: entry(same, c.address) for c in plan.resource_changes if c.address in kept}
    loads = {x.address: _load(x, desired, config) for x in plan.loads}
    known = [x for x in loads.values() if isinstance(x, LoadChange)]
    mine = [changes[c.address] for c in plan.resource_changes if c.address in changes]
    mine, known = prune_requires(mine, known, acting_addresses(plan.resource_changes))
    if desired.rollout is not None and not _retry(plan):
        mine, known = in_waves(mine, known, desired.rollout)
    changes, settled = {c.address: c for c in mine}, {x.address: x for x in known}
    everywhere = {c.address: c for c in config.changes} | changes
    why_not = {d.address: d.message for d in config.diagnostics if d.severity is Severity.ERROR}
    found = [*_rollout(plan, desired)]
    for change in plan.resource_changes:
        meant = changes.get(change.address)
        if meant is None:
            found.append(_not_meant(change.address, desired, why_not))
        elif not _leaves(change, meant) and (difference := _compared(change, meant)):
            found.append(difference)
    found += _unchanged(plan, same, everywhere, desired, why_not)
    for load in plan.loads:
        why = loads[load.address]
        refusal = why if isinstance(why, Refusal) else _compared(load, settled[load.address])
        found += [] if refusal is None else [refusal]
    return found or _guarded(plan, limits)


def _strangers(plan: Plan, desired: Desired) -> Iterator[Refusal]:
    """Names in what the plan says is as declared that no spec has: few of them may stand for millions of resources."""
    said = plan.unchanged
    for key in (*said.compartments, *(k for k in said.compartment_ids if k not in said.compartments)):
        if f"Compartment/{key}" not in desired.compartments:
            yield Refusal(f"Compartment/{key}")
    yield from (Refusal(f"datamart {name}") for name in said.datamart_ids if name not in desired.datamarts)


def _unchanged(
    plan: Plan,
    same: Unchanged,
    changes: Mapping[str, ResourceChange],
    desired: Desired,
    why_not: Mapping[str | None, str],
) -> Iterator[Refusal]:
    """What the plan says is as declared, and the specs declare otherwise or not at all.

    Args:
        plan: any.
        same: what is as declared, if the platform is as the plan says.
        changes: what is not.
        desired: what the specs declare.
        why_not: findings by address.
    """
    if plan.unchanged == same:
        return
    known = Addresses((), same)
    for said in entries(plan.unchanged):
        meant = entry(same, said.address) if said.address in known else changes.get(said.address)
        if meant is None:
            yield _not_meant(said.address, desired, why_not)
        elif difference := _compared(said, meant):
            yield difference


def _not_meant(address: str, desired: Desired, why_not: Mapping[str | None, str]) -> Refusal:
    """What the specs do not ask for; of what they declare it is not said that no spec does."""
    declared = any(address in x for x in (desired.compartments, desired.activations, desired.removals))
    other = "the specs declare it, and ask for no such action" if declared else ""
    return Refusal(address, declared=why_not.get(address, other))


def _leaves(said: ResourceChange, meant: ResourceChange) -> bool:
    """Whether a plan leaves what the specs remove, since the platform refused that before: it needs no authority to do nothing."""
    change = said.change
    return (
        meant.change.actions == ("delete",)
        and change.actions == NO_OP
        and change.before == change.after == meant.change.before
        and (said.kind, said.remote_id) == (meant.kind, meant.remote_id)
    )


def _derived(plan: Plan, desired: Desired) -> ConfigPlan:
    """The specs, planned against what the plan says it saw."""
    return plan_config(
        desired,
        _claimed(plan, desired),
        plan.organisation_id,
        Pruning(frozenset(plan.prune), addresses(plan).__contains__),
        {c.address: c.remote_id for c in compartments(plan) if c.remote_id},
    )


def _claimed(plan: Plan, desired: Desired) -> Observed:
    """The platform as the plan says that it was."""
    organisation = plan.organisation_id
    datamarts = [i for i, _ in desired.datamarts.values()] or [""]
    rows: dict[str, Compartment] = {}
    for change in compartments(plan):
        before = change.change.before
        if change.remote_id is not None and before is not None:
            theirs, name, token = before.get("organisation_id", ""), before.get("name"), before["token"]
            rows[change.address] = Compartment(change.remote_id, theirs, name, token, False)
    ids, on = _claimed_activations(plan)
    for load in plan.loads:
        for key, value in definition_of(load).compartments.items():
            if value is not None:
                ids.setdefault(key, value)
    planned = addresses(plan)
    for want in desired.compartments.values():  # what is used here, and was not planned with it
        if want.address not in planned and (used := ids.get(want.key)) is not None:
            rows[want.address] = Compartment(
                want.id or used, organisation, want.name, want.token or used, False
            )
    return Observed(
        Listed(tuple(Datamart(i, "", organisation, "DATAMART", False) for i in datamarts)),
        Listed(tuple(rows.values())),
        {i: Listed(tuple(on.get(i, ()))) for i in {**dict.fromkeys(datamarts), **on}},
    )


def _claimed_activations(plan: Plan) -> tuple[dict[str, str], dict[str, list[Activation]]]:
    """Ids of the compartments that activations name, by key; and the rows of those that are there, by datamart id."""
    ids: dict[str, str] = {}
    rows: dict[str, list[Activation]] = defaultdict(list)
    for change in plan.resource_changes:
        before, after = change.change.before, change.change.after or {}
        identity = (before or {}).get("compartment_id") or after.get("compartment_id")
        if change.kind != "Activation" or identity is None:
            continue
        ids.setdefault(change.address.partition("/")[2].partition("@")[0], identity)
        there = change.remote_id is not None or change.change.actions == NO_OP
        if there and before is not None:
            where, default = before["datamart_id"], before.get("default") is True
            rows[where].append(Activation(change.remote_id or "", where, identity, default))
    for key, datamart, default in active(plan.unchanged):
        where, identity = plan.unchanged.datamart_ids[datamart], id_of(plan.unchanged, key) or ""
        ids.setdefault(key, identity)
        rows[where].append(Activation("", where, identity, default))
    return ids, rows


def _deletions(plan: Plan, desired: Desired) -> dict[str, ResourceChange]:
    """The deletions of imports that some source asks for: those under its names, where it keeps only so many loads."""
    going = [c for c in plan.resource_changes if c.kind == retention.KIND and c.remote_id is not None]
    found: dict[str, ResourceChange] = {}
    for load in desired.loads.values() if going else ():
        rule = retention.rule_of(load)
        if rule is None:
            continue
        rows: dict[LoadKey, list[Import]] = {}
        for change in going:
            name = retention.ours(rule, str((change.change.before or {}).get("name")))
            if name is not None and change.address.endswith(f"@{load.datamart}"):
                rows.setdefault(name.load, []).append(Import(str(change.remote_id), str(name)))
        found |= {c.address: c for same in rows.values() for c in retention.deletions(load, rule, same)}
    return found


def _load(load: LoadChange, desired: Desired, config: ConfigPlan) -> LoadChange | Refusal:
    """The load with all that is not the plan's to say as the specs say it."""
    want = desired.loads.get(load.address)
    if want is None:
        return Refusal(load.address)
    if want.suspended:
        return Refusal(load.address, declared="its source is suspended in the specs")
    planned = definition_of(load)
    definition = _definition(load, planned, want, config)
    once = want.definition.sql is not None
    unread = once or (load.unread and any(f.startswith("http") for f in definition.files))
    return msgspec.structs.replace(
        load,
        datamart=want.datamart,
        datamart_id=want.datamart_id,
        requires=required(want.datamart, definition),
        tokens={k: t for k, t in config.tokens.items() if k in definition.compartments},
        wave=None,
        after_unknown=load.after_unknown
        if load.retry or load.unread == unread
        else {"source_digest": unread},
        definition=msgspec.to_builtins(definition),
    )


def _definition(
    load: LoadChange, planned: SourceDefinition, want: DesiredLoad, config: ConfigPlan
) -> SourceDefinition:
    """The source as the specs define it, with what plan finds out filled in."""
    own = want.definition
    if load.retry and load.generation is not None:
        places = [
            f"{failed_rows.folder(source, want.datamart_id, load.generation, load.retry)}/0000.ndjson"
            for _, source in own.former
        ]
        place = next((p for p in places if planned.files == (p,)), places[0])
        return replace(failed_rows.failed_rows(own, place), max_bytes=planned.max_bytes)
    ids = {k: config.ids.get(k) for k in own.compartments}
    query = None if own.sql is None else replace(own.sql, digest=planned.sql.digest if planned.sql else "")
    base = (
        planned.base if own.send == "changed" else ""
    )  # apply makes sure that it is the newest finished load
    return replace(own, compartments=ids, sql=query, base=base)


def _retry(plan: Plan) -> bool:
    """True for a plan that only sends failed rows again; it has no waves."""
    configuration = bool(plan.resource_changes) or plan.unchanged != NOTHING
    return not configuration and bool(plan.loads) and all(x.retry for x in plan.loads)


def _rollout(plan: Plan, desired: Desired) -> Iterator[Refusal]:
    """How the waves and gates differ."""
    if _retry(plan):
        return
    said, meant = plan.rollout, desired.rollout
    if said is None or meant is None:
        if said is not meant:
            yield Refusal("Rollout", "waves", _words(said and said.name), _words(meant and meant.name))
        return
    for name in ("name", "on_failure", "paused"):
        if getattr(said, name) != getattr(meant, name):
            yield Refusal("Rollout", name, _words(getattr(said, name)), _words(getattr(meant, name)))
    if (ours := [w.name for w in said.waves]) != (theirs := [w.name for w in meant.waves]):
        yield Refusal("Rollout", "waves", _words(ours), _words(theirs))
        return
    for one, other in zip(said.waves, meant.waves, strict=True):
        if difference := _difference(_plain(one), _plain(other)):
            yield Refusal(f"wave '{one.name}'", *difference)


def _compared(said: ResourceChange | LoadChange, meant: ResourceChange | LoadChange) -> Refusal | None:
    """How an action differs from what the specs make of it."""
    if said == meant:
        return None
    difference = None
    if isinstance(said, ResourceChange) and isinstance(meant, ResourceChange):
        after, wanted = said.change.after, meant.change.after
        # Which value differs says more than that the actions do.
        difference = _difference(_plain(after), _plain(wanted), "change.after") if after and wanted else None
    difference = difference or _difference(_entry(said), _entry(meant))
    return None if difference is None else Refusal(said.address, *difference)


def _entry(action: ResourceChange | LoadChange) -> dict[str, Any]:
    return {k: v for k, v in _plain(action).items() if k not in _NOT_COMPARED}


def _plain(value: Any) -> Any:
    """As it comes back from a file: lists, no tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _difference(said: Any, meant: Any, path: str = "") -> tuple[str, str, str] | None:
    """The first field that differs, and both of its values."""
    if isinstance(said, Mapping) and isinstance(meant, Mapping):
        for key in sorted({*said, *meant}):
            here = f"{path}.{key}" if path else str(key)
            if found := _difference(said.get(key, _ABSENT), meant.get(key, _ABSENT), here):
                return found
        return None
    if said == meant and type(said) is type(meant):
        return None
    if path.startswith(_NOT_SHOWN):
        return path, "one value", "another"
    return path, _words(said), _words(meant)


def _words(value: Any) -> str:
    """A value for people."""
    if value is None:
        return "(none)"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_words(v) for v in value) or "(none)"
    return value if value == _ABSENT else repr(value)


def _guarded(plan: Plan, limits: Guards) -> list[Refusal]:
    """Guards that the plan crosses and nobody allowed; what it says of itself is not believed."""
    findings = guards.allowed(
        guards.check(plan.resource_changes, plan.loads, limits, plan.unchanged), plan.overrides, plan.loads
    )
    return [
        Refusal(d.address or "plan", declared=f"{d.message} ({d.code})")
        for d in findings
        if d.severity is Severity.ERROR
    ]
