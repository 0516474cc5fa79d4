"""Look at the executions of loads that were sealed a short time ago, once more."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.ledger.open_writes import Written
from reconciler.model.listing import Listed, Listing
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Import
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.loads.cut import rows_of
from reconciler.planning.loads.generations import generations
from reconciler.planning.loads.late import Late, late, watched


@dataclass(frozen=True, slots=True)
class Look:
    """What came after the seal of a load.

    Attributes:
        whole: everything could be read; if not, nobody has looked yet.
    """

    found: tuple[Late, ...]
    whole: bool


def look_again(
    datamart_id: str,
    former: Sequence[tuple[str, str]],
    imports: Listing[Import] | None,
    reader: Reader,
    io: Executor,
    due: Collection[int] | None = None,
) -> Look:
    """What came after the seal of loads of a source.

    Args:
        datamart_id: the datamart.
        former: (workspace, source) pairs under which loads of the source are named.
        imports: of the datamart.
        reader: sends GET requests.
        io: threads for small requests.
        due: numbers of the loads; None is the newest one.
    """
    if not isinstance(imports, Listed):
        return Look((), whole=False)
    found, retries = generations(imports.rows, former), generations(imports.rows, former, retries=True)
    looked_at = watched(found, retries, due)
    ids = [i for g in looked_at for i in g.import_ids]
    listings = list(io.map(lambda i: resources.executions(reader, datamart_id, i), ids))
    executions = {i: rows_of(x) for i, x in zip(ids, listings, strict=True)}
    return Look(tuple(late(looked_at, executions)), all(isinstance(x, Listed) for x in listings))


# What is written, and the number of the load.
Number = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Looks:
    """What the ledger knows of looks at loads; times are seconds since 1970.

    Attributes:
        known: when loads ended or were first looked at, and when they were last looked at, 0 if somebody has to look again.
        settle: seconds that a listing may lag.
        watched: seconds for which what was reported is said again.
    """

    known: Mapping[Number, tuple[float, float]]
    settle: float
    watched: float

    def due(self, load: LoadChange, writes: Written, *, acted: bool) -> frozenset[Number]:
        """Loads of a source of which executions could have come since somebody last looked.

        Those that this ledger began, and the newest one whoever loaded it: that counts as having ended when it was first looked at.

        Args:
            load: of a plan.
            writes: what it writes.
            acted: this run carried the load out, so it has looked.
        """
        left = {
            n
            for n, (ended, last) in self.known.items()
            if n[0] in writes.names and last < ended + self.settle
        }
        newest = (writes.key, load.generation or 0)
        finished = load.actions == ("no-op",) and not load.unfinished
        if acted:
            left.discard(newest)
        elif finished and load.generation is not None and newest not in self.known:
            left.add(newest)
        return frozenset(left)

    def over(self, number: Number, now: float, look: Look) -> bool:
        """True if a look was the last one that is needed, were it `settle` after the load's end; what came is said again for a while."""
        ended, _ = self.known.get(number, (now, 0.0))
        return look.whole and (not look.found or now >= ended + self.watched)


@dataclass(frozen=True, slots=True)
class Told:
    """What an apply says of loads about which it has nothing to do.

    Attributes:
        outcomes: of loads of which something came late that no run reported.
        executions: what they are about, by datamart id.
        before: lines about what an earlier run reported.
    """

    outcomes: tuple[Outcome, ...]
    executions: dict[str, frozenset[str]]
    before: tuple[str, ...]


def told(looks: Iterable[tuple[LoadChange, Look]], reported: Collection[tuple[str, str]]) -> Told:
    """Split what came late into what is new and what was reported.

    Args:
        looks: loads and what came late of them.
        reported: (datamart id, execution id) pairs that earlier runs reported.
    """
    outcomes: list[Outcome] = []
    before: list[str] = []
    executions: dict[str, frozenset[str]] = {}
    for load, look in looks:
        new = [x for x in look.found if any((load.datamart_id, e) not in reported for e in x.executions)]
        before += [f"{load.address}: {x.message} (reported before)" for x in look.found if x not in new]
        if new:
            words = "; ".join(x.message for x in new)
            outcomes.append(Outcome(load.address, Status.DUPLICATED, "no-op", words))
            ids = frozenset(e for x in new for e in x.executions)
            executions[load.datamart_id] = executions.get(load.datamart_id, frozenset()) | ids
    return Told(tuple(outcomes), executions, tuple(before))


def look_at_loads(
    due: Sequence[tuple[LoadChange, Collection[int]]], reader: Reader, io: Executor
) -> list[tuple[LoadChange, Look]]:
    """What came late.

    Args:
        due: loads of a plan, each with the numbers of those of its source that are looked at.
        reader: sends GET requests.
        io: threads for small requests.
    """
    imports = {d: resources.imports(reader, d) for d in sorted({x.datamart_id for x, _ in due})}
    return [
        (x, look_again(x.datamart_id, definition_of(x).former, imports[x.datamart_id], reader, io, numbers))
        for x, numbers in due
    ]
