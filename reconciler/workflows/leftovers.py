"""What lies in the workspace's private folder: which of it a load may still need; removes what it is told to, if nobody holds it."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from reconciler.bulk.scan.held import NO_LOCKS, Owner, Use, owner_of
from reconciler.bulk.scan.spool import LISTS, Spools
from reconciler.errors import ReconcilerError
from reconciler.ledger.history import History
from reconciler.ledger.store import Ledger
from reconciler.model.leftover import Left
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.loads.leftovers import Attempt, Declared, Need, need
from reconciler.planning.plan import document
from reconciler.workflows.left_files import left

RUNS = 1000  # of the ledger, the newest
_FOLDERS = ("rows", "unfinished-rows", "lists")


def attempts(history: History, spools: Spools) -> list[Attempt]:
    """Loads of the runs that the ledger has, the newest first.

    Raises:
        LedgerFailed: the ledger cannot be read.
    """
    ends, found = history.load_ends(), []
    for run in history.runs(RUNS):
        try:
            made = document.decode(run.plan.encode(), f"the plan of run {run.id}")
        except ReconcilerError:  # of a version whose plans this one does not read
            continue
        for load in made.loads:
            if load.actions != ("no-op",):
                places = spools.places(definition_of(load), made.plan_digest)
                names = frozenset(p.name for p in places)
                state = ends.get((run.id, load.address))
                found.append(Attempt(run.id, load.address, state, names, bool(load.retry)))
    return found


def remove_finished(ledger: Ledger, spools: Spools) -> None:
    """Remove the rows of loads that the ledger knows to be finished; to be called with the lock."""
    if not (places := spools.complete()):
        return
    try:
        known = attempts(History(lambda: nullcontext(ledger.database), *ledger.key), spools)
    except ReconcilerError:
        return
    for place in places:
        if need(place.name, known, None).need is Need.FINISHED:
            spools.remove(place)


def inventory(spools: Spools, known: list[Attempt], declared: Declared | None) -> Iterator[Left]:
    """Folders that were left.

    Args:
        spools: of the workspace.
        known: of the ledger.
        declared: where rows of declared loads may lie; None if that is not known.
    """
    words = {
        Use.FREE: "the process that was writing it has ended",
        Use.HELD: "a process is writing it",
        Use.UNTOLD: NO_LOCKS,
    }
    for place in spools.complete():
        why, removable = _rows(place, spools, known, declared)
        yield left("rows", place, spools.root, why, removable=removable)
    for place in spools.partial():
        use, kind = (
            spools.in_use(place),
            "lists" if LISTS in place.name.partition(".")[0] else "unfinished-rows",
        )
        yield left(kind, place, spools.root, words[use], removable=use is Use.FREE)


def remove(one: Left, spools: Spools) -> str:
    """Remove something that nobody needs; why it is still there, or nothing."""
    path = spools.root / one.path
    if one.kind not in _FOLDERS:
        try:
            path.unlink(missing_ok=True)
        except OSError as e:
            return e.strerror or str(e)
    elif (use := spools.remove(path)) is not Use.FREE:
        return NO_LOCKS if use is Use.UNTOLD else "it is in use"
    return "it could not be removed" if path.exists() else ""


def _rows(place: Path, spools: Spools, known: list[Attempt], declared: Declared | None) -> tuple[str, bool]:
    if (use := spools.in_use(place)) is not Use.FREE:
        return (NO_LOCKS if use is Use.UNTOLD else "a process is using them"), False
    found, of = need(place.name, known, declared), owner_of(place)
    load = f"{found.address}{f' of run {found.run}' if found.run is not None else ''}"
    if found.need is Need.OPEN:
        return f"needed by {load}, which is not finished", False
    if found.need is Need.FINISHED:
        return f"{load} is finished", True
    if found.need is Need.ABANDONED:
        return f"{load} is not finished, and no spec declares it like this any more", True
    if of is not None and of != spools.owner():
        return f"read for {_words(of)}; `reconciler clean` there tells whether they are needed", False
    if declared is None:
        return "no run in the ledger used them; the specs could not be read", False
    return "no run in the ledger used them, and no spec would", True


def _words(owner: Owner) -> str:
    environment = f"environment {owner.environment}, " if owner.environment else ""
    return f"{environment}organisation {owner.organisation_id} at {owner.endpoint}"
