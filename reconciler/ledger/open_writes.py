"""Which writes may still be on their way, and whom that concerns (design 6, "Absence"). Pure.

A write is open from its intent until its action ended with its fate known. The record of it is kept for every run, by what was
written and not by what a plan calls it: addresses move with specs, and several workspaces may share a ledger. A load's is closed
by the load itself only, which looks at its executions: a plan that leaves the load out says nothing about it.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.model.address import Address
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.model.unchanged import compartments

# Not one write but all, or all of loads: a run that this ledger does not know may have left writes on their way. Of loads that is
# closed one by one, by looking at each: how late their executions show may be counted in listings, not in seconds.
EVERYTHING, EVERY_LOAD = "*", "*loads"
_LOAD, _COMPARTMENT, _ACTIVATION, _IMPORT = "load:", "compartment:", "activation:", "import:"


@dataclass(frozen=True, slots=True)
class Mark:
    """What the last run that held a lock left in it.

    Attributes:
        nonce: of that run; the ledger it used knows it.
        quiet: it ended in order: whatever it left on its way is in that ledger.
    """

    nonce: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What an action writes, as the ledger keeps it.

    Attributes:
        key: the thing that is written, whatever its address.
        former: names under which a load may have been written before: it looks for these too.
    """

    key: str
    former: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All that is settled when the action is."""
        return self.former | {self.key}


@dataclass(frozen=True, slots=True)
class OpenWrites:
    """What the ledger knows of earlier runs.

    Attributes:
        opened: the newest run that left writes on their way, by key.
        seen_through: the newest run in which a key was seen through.
    """

    opened: Mapping[str, int] = field(default_factory=dict)
    seen_through: Mapping[str, int] = field(default_factory=dict)

    def concern(self, names: Collection[str]) -> bool:
        """True if a write that may be on its way could put something into a listing in which these are looked for."""
        return any(
            concerns(opened, name)
            and not (opened in (EVERYTHING, EVERY_LOAD) and self.seen_through.get(name, -1) >= run)
            for opened, run in self.opened.items()
            for name in names
        )

    def outlived(self) -> frozenset[str]:
        """Which of them a run closes that lasted longer than a listing may lag, whatever it was about: all but loads."""
        return frozenset(o for o in self.opened if not _is_load(o))


def written(plan: Plan) -> dict[str, Written]:
    """What each action of a plan writes, by address."""
    tokens = {c.address: _token(c) for c in compartments(plan)}
    return {c.address: Written(_changed(c, tokens)) for c in plan.resource_changes} | {
        load.address: _loaded(load, plan.workspace) for load in plan.loads
    }


def _changed(change: ResourceChange, tokens: Mapping[str, str]) -> str:
    if change.kind == "Compartment":
        return _COMPARTMENT + _token(change)
    shape = change.change.before or change.change.after or {}
    where = shape.get("datamart_id")
    if change.kind != "Activation":
        return f"{_IMPORT}{change.remote_id}@{where}"
    of = f"Compartment/{Address.parse(change.address).name}"
    return f"{_ACTIVATION}{change.token or tokens.get(of) or shape.get('compartment_id')}@{where}"


def _token(change: ResourceChange) -> str:
    return str((change.change.after or change.change.before or {}).get("token"))


def _loaded(load: LoadChange, workspace: str) -> Written:
    pairs = {(str(w), str(s)) for w, s in load.definition.get("former", ())}
    names = ((workspace, Address.parse(load.address).name), *sorted(pairs))
    key, *former = load_keys(names, load.datamart_id)
    return Written(key, frozenset(former))


def load_keys(names: Iterable[tuple[str, str]], datamart_id: str) -> list[str]:
    """What loads of a source write, under each (workspace, source) pair that names them."""
    return [f"{_LOAD}{workspace}/{source}@{datamart_id}" for workspace, source in names]


def _is_load(key: str) -> bool:
    return key == EVERY_LOAD or key.startswith(_LOAD)


def concerns(opened: str, name: str) -> bool:
    """True if an open write could put something into a listing in which `name` is looked for.

    Compartments and activations are one family, because the platform may activate a new compartment by itself.
    """
    if opened in (EVERYTHING, name):
        return True
    if opened == EVERY_LOAD:
        return _is_load(name)
    return all(key.startswith((_COMPARTMENT, _ACTIVATION)) for key in (opened, name))
