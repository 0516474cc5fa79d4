"""The sent index of a finished load, made again from a source that is still what was loaded. Sends nothing but GET."""

from concurrent.futures import Executor

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.errors import Refused
from reconciler.kinds.execution import Phase, phase
from reconciler.model.load import Scan
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Execution
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.loads.delta import is_delta_of, is_of_all_rows
from reconciler.planning.loads.generations import Generation, generations
from reconciler.planning.loads.protocol import winner


def rebuild(change: LoadChange, reader: Reader, io: Executor, indexes: SentIndexes) -> None:
    """Write the index of the newest load of a source on one datamart, if it is certain what its entries are.

    That is so of a load of the present content of which the platform took every command: of a load of all rows, and of a delta,
    too, since a delta has each row of which it was not certain that the platform took it in a load before.

    Args:
        change: the load as planned now.
        reader: lists imports and executions.
        io: threads.
        indexes: of the workspace.

    Raises:
        Refused: it is not certain.
        ReadFailed: the platform could not be read.
        ReconcilerError: the source cannot be read, or the index not written.
    """
    source = definition_of(change)
    if source.send != "changed":
        raise Refused(f"{change.address} sends all rows with each load: it has no index")
    if change.unread:
        raise Refused(
            f"{change.address} is read once for each load, so its rows are not there", help=_all_rows(change)
        )
    imports = resources.imports(reader, change.datamart_id).require()
    found = generations(imports.rows, source.former)
    load = max((g for g in found if g.seal), key=lambda g: g.number, default=None)
    if load is None or load.seal is None:
        raise Refused(f"{change.address} has no finished load", help="`reconciler apply` makes one")
    title = f"load {load.number} of {change.address}"
    if change.actions == ("resume",):
        raise Refused(
            f"{change.address}: a load after load {load.number} is unfinished", help=_all_rows(change)
        )
    with indexes.rows(source, make_key=True) as (scan, rows):
        deltas = _deltas(load, found, scan, source, change)
        if load.seal.failed or not _all_taken(load, None if deltas else scan.sent, change, reader, io):
            raise Refused(
                f"{title}: it is not certain that the platform took each of its commands",
                help=_all_rows(change),
            )
        names = {str(name): ids for name, ids in load.chunks.items()}
        indexes.keep(source, scan, load.seal, names, lambda: entries(rows, ()), deltas, change.datamart_id)


def _all_rows(change: LoadChange) -> str:
    """What has all rows sent instead."""
    return f"the next load with new content sends all rows; `reconciler apply --reload {change.address}` sends them now"


def _deltas(
    load: Generation, found: list[Generation], scan: Scan, source: SourceDefinition, change: LoadChange
) -> int:
    """How many deltas follow the last load of all rows, this one counted; at most so many, where that is not known.

    Args:
        load: the newest finished one.
        found: all of the source on the datamart.
        scan: of all rows.
        source: with the remote ids of its compartments.
        change: the load, in the plan.

    Raises:
        Refused: the load is not of the rows that the source has now.
    """
    if is_of_all_rows(load, scan.source_digest, source):
        return 0
    if is_delta_of(load, found, scan.source_digest, source):
        return sum(1 for g in found if g.seal and g.number < load.number)
    raise Refused(
        f"the source is not what load {load.number} of {change.address} was made of", help=_all_rows(change)
    )


def _all_taken(load: Generation, sent: int | None, change: LoadChange, reader: Reader, io: Executor) -> bool:
    """True if the platform took each command of a finished load.

    Args:
        load: with its seal.
        sent: how many commands it has; None where its seal alone says so.
        change: of the load as planned now.
        reader: lists executions.
        io: threads.
    """

    def counted(ids: tuple[str, ...]) -> Execution | None:
        listed = [resources.executions(reader, change.datamart_id, i).require().rows for i in ids]
        return winner(tuple(e for found in listed for e in found))

    counting = list(io.map(counted, load.chunks.values()))
    if any(e is None or phase(e) is not Phase.SUCCEEDED or e.total_failure for e in counting):
        return False
    ok = load.seal.ok if load.seal else 0
    if sent is not None:
        return sent == ok
    chunks = {(n.index, n.count) for n in load.chunks}
    whole = chunks == {(i + 1, count) for _, count in chunks for i in range(count)}
    return whole and sum(e.total_success or 0 for e in counting if e) == ok
