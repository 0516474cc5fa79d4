"""What a saved plan may say at all: each rule that a plan made by this tool keeps, asked of a plan that anybody may have written.

A plan carries decisions; it is decoded strictly, so that nothing odd reaches what acts. Pure.
"""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

import msgspec

from reconciler.model.address import Address
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.model.rollout import Wave
from reconciler.model.source import SourceDefinition
from reconciler.model.unchanged import Addresses, canonical, count

MOST = 10**15  # no count, size or number of a plan comes near
MOST_UNCHANGED = 2_000_000  # resources: a short text may name very many
MAX_BYTES = 100_000_000  # of a chunk (contract 6.1)
# What each kind of change must say before and after, by action.
_KEYS = {
    ("Compartment", "create"): ((), ("organisation_id", "token", "name")),
    ("Compartment", "update"): (("token",), ("token",)),
    ("Compartment", "no-op"): (("token",), ("token",)),
    ("Activation", "create"): ((), ("datamart_id", "compartment_id")),
    ("Activation", "update"): (("datamart_id", "compartment_id"), ("datamart_id", "compartment_id")),
    ("Activation", "no-op"): (("datamart_id", "compartment_id"), ("datamart_id", "compartment_id")),
    ("Activation", "delete"): (("datamart_id", "compartment_id"), ()),
    ("DocumentImport", "delete"): (("datamart_id", "id", "name"), ()),
}
_ALLOW = re.compile(r"[0-9]{1,15}|[0-9]{1,3}(\.[0-9]{1,6})?%")
_NEVER = 9000  # a year: near the last one that a calendar has, a moment may have no name in another time zone
_FORMER = {"compartment_id", "token"}
_LOAD_ACTIONS = {("execute",), ("resume",), ("no-op",)}


def problems(plan: Plan) -> Iterator[str]:
    """What of a plan no plan of this tool says; each with the address it is about."""
    if not _instant(plan.created_at):
        yield "created_at is not a time in UTC"
    known = frozenset((*(c.address for c in plan.resource_changes), *(x.address for x in plan.loads)))
    if len(known) != len(plan.resource_changes) + len(plan.loads):
        yield "an address is there twice"
    yield from _unchanged(plan)
    if not all(map(str.isprintable, _names(plan))):
        yield "an address or a name cannot be printed"
    waves = () if plan.rollout is None else plan.rollout.waves
    yield from (f"wave '{w.name}': a number is out of range" for w in waves if not _in_range(w))
    names = {w.name for w in waves}
    if any(u.kind not in ("Compartment", "Activation") for u in plan.unmanaged):
        yield "unmanaged: only compartments and activations are"
    for change in plan.resource_changes:
        words = _change(change) or _order(change.requires, known, change.wave, names)
        if words:
            yield f"{change.address}: {words}"
    for load in plan.loads:
        words = (
            _load(load) or _definition(load, plan.workspace) or _order(load.requires, known, load.wave, names)
        )
        if words:
            yield f"{load.address}: {words}"


def _names(plan: Plan) -> Iterator[str]:
    """Texts that stand in what is shown as ours, not as the platform's."""
    yield from (c.address for c in plan.resource_changes)
    yield from (x.address for x in plan.loads)
    yield from (
        plan.organisation_id,
        plan.workspace,
        plan.endpoint,
        plan.environment or "",
        plan.tool_version,
    )
    yield from (*plan.limits, *plan.prune, *plan.labels)
    yield from (name for x in plan.loads for name in (*x.unfinished, *x.tokens))
    for wave in () if plan.rollout is None else plan.rollout.waves:
        yield from (wave.name, *wave.datamarts)


def _unchanged(plan: Plan) -> Iterator[str]:
    said = plan.unchanged
    if not all(k and "@" not in k for k in (*said.compartments, *said.compartment_ids)):
        yield "unchanged: a name is not the name of a compartment"
    if "" in said.datamart_ids:
        yield "unchanged: a datamart has no name"
    if count(said) > MOST_UNCHANGED:
        yield f"unchanged: more than {MOST_UNCHANGED:,} resources"
        return
    if canonical(said) != said:
        yield "unchanged: it is not in the form in which plans have it"
        return
    same = Addresses((), said)
    yield from (f"{c.address}: an address is there twice" for c in plan.resource_changes if c.address in same)


def _in_range(wave: Wave) -> bool:
    numbers = (wave.soak, wave.gates.command_timeout, wave.max_parallel_datamarts or 1)
    return all(math.isfinite(n) and 0 <= n < MOST for n in numbers)


def _order(
    requires: Collection[str], known: frozenset[str], wave: str | None, waves: Collection[str]
) -> str | None:
    """Why an entry's place in the plan makes no sense.

    Args:
        requires: addresses that come before it.
        known: all addresses of the plan.
        wave: its wave, if it has one.
        waves: names of the plan's waves.
    """
    if not known.issuperset(requires):
        return "it requires something that is not in the plan"
    if wave is not None and wave not in waves:
        return f"the plan has no wave '{wave}'"
    return None


def _change(change: ResourceChange) -> str | None:
    address = _address(change.address)
    if address is None or address.kind != change.kind:
        return "the address does not fit the kind"
    if (change.kind == "Compartment") is (address.datamart is not None):
        return "the address does not fit the kind"
    if not _printable(change.change.before, change.change.after, change.change.after_unknown):
        return "a field has a name that cannot be printed"
    keys = _KEYS.get((change.kind, "+".join(change.change.actions)))
    if keys is None:
        return f"a {change.kind} has no such actions"
    for name, needed, said in zip(
        ("before", "after"), keys, (change.change.before, change.change.after), strict=True
    ):
        if bool(needed) is (said is None):
            return f"`{name}` does not fit the actions"
        if not isinstance((said or {}).get("default", False), bool):
            return f"`{name}.default` is neither true nor false"
        for key in needed:
            value = (said or {}).get(key)
            optional = key == "compartment_id" or (key == "name" and change.change.actions != ("create",))
            there = key in (said or {}) or key != "compartment_id"
            if not (isinstance(value, str) or (value is None and optional and there)):
                return f"`{name}.{key}` is not a text"
    former = change.former_default
    if former is not None and (
        change.kind != "Activation" or former.keys() != _FORMER or not former["compartment_id"]
    ):
        return "former_default does not say a compartment"
    return None


def _printable(*said: Mapping[str, object] | None) -> bool:
    """Names are ours, so a terminal may obey them as ours: in a text of ours some of what moves its cursor is a colour."""
    return all(name.isprintable() for fields in said for name in fields or {})


def _load(load: LoadChange) -> str | None:
    address = _address(load.address)
    if address is None or address.kind != "ProfileSource" or address.datamart != load.datamart:
        return "the address does not fit the load"
    if load.actions not in _LOAD_ACTIONS:
        return "a load has no such actions"
    counts = [load.chunks, load.lines, load.bytes, load.upserts, load.deletes, load.rejected, load.retry]
    counts += msgspec.structs.astuple(load.delta) if load.delta else ()
    if not all(0 <= n < MOST for n in (*counts, load.previous_lines, *load.resend)):
        return "a count is out of range"
    if load.generation is not None and not 1 <= load.generation < MOST:
        return "the generation is out of range"
    return None


def _definition(load: LoadChange, workspace: str) -> str | None:
    try:
        source = msgspec.convert(load.definition, SourceDefinition)
    except msgspec.ValidationError as e:
        return f"definition: {e}"
    if unknown := load.definition.keys() - _FIELDS:
        return f"definition: unknown field {', '.join(sorted(unknown))}"
    if (source.workspace, source.source) != (workspace, Address.parse(load.address).name):
        return "definition: it is of another source or workspace"
    if not 0 < source.max_bytes < MAX_BYTES:
        return "definition: max_bytes is out of range"
    if source.verify < 0 or (source.keep_generations is not None and source.keep_generations < 1):
        return "definition: a number is out of range"
    if not _sends(source):
        return "definition: what it sends makes no sense"
    if bool(source.base) is (load.delta is None):
        return "definition: a delta has a base, and no other load"
    if not _ALLOW.fullmatch(source.allow):
        return "definition: allow is neither a count nor a percentage"
    return None


def _sends(source: SourceDefinition) -> bool:
    known = source.send in ("all", "changed") and source.gone in ("keep", "delete")
    return known and 0 <= source.full_every < MOST and not source.listed and source.removals is None


_FIELDS = frozenset(SourceDefinition.__dataclass_fields__)


def _address(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except ValueError:
        return None


def _instant(text: str) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    return at.tzinfo is not None and 1970 <= at.year < _NEVER
