"""The sent index of a finished load, made again from a source that is still what was loaded. Sends nothing but GET."""

from concurrent.futures import Executor

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.errors import Refused
from reconciler.kinds.counts import many
from reconciler.kinds.execution import Phase, phase
from reconciler.model.load import Scan
from reconciler.model.plan import LoadChange
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.loads.delta import is_delta_of, is_of_all_rows
from reconciler.planning.loads.generations import Generation, generations
from reconciler.planning.loads.protocol import winner

_HELP = "the next load with new content sends all rows; `reconciler apply --reload ADDRESS` sends them now"


def rebuild(change: LoadChange, reader: Reader, io: Executor, indexes: SentIndexes) -> None:
    """Write the index of the newest load of a source on one datamart, if it is certain what its entries are.

    That is so of a load of all rows whose content is the present one, and of which the platform took every command.

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
        raise Refused(f"{change.address} is read once for each load, so its rows are not there", help=_HELP)
    imports = resources.imports(reader, change.datamart_id).require()
    found = generations(imports.rows, source.former)
    load = max((g for g in found if g.seal), key=lambda g: g.number, default=None)
    if load is None or load.seal is None:
        raise Refused(f"{change.address} has no finished load", help="`reconciler apply` makes one")
    title = f"load {load.number} of {change.address}"
    if change.actions == ("resume",):
        raise Refused(f"{change.address}: a load after load {load.number} is unfinished", help=_HELP)
    with indexes.rows(source, make_key=True) as (scan, rows):
        _require_content(load, found, scan, source, title)
        if load.seal.failed or load.seal.ok != scan.sent or not _all_taken(load, change, reader, io):
            raise Refused(
                f"{title}: it is not certain that the platform took each of its {many(scan.sent, 'command')}",
                help=_HELP,
            )
        names = {str(name): ids for name, ids in load.chunks.items()}
        indexes.keep(source, scan, load.seal, names, lambda: entries(rows, ()), 0, change.datamart_id)


def _require_content(
    load: Generation, found: list[Generation], scan: Scan, source: SourceDefinition, title: str
) -> None:
    """Require a load to be of all rows that the source has now.

    Raises:
        Refused: it is not.
    """
    if is_of_all_rows(load, scan.source_digest, source):
        return
    if is_delta_of(load, found, scan.source_digest, source):
        words = f"{title} has only the rows that changed, so what the platform took of them cannot be known without an index"
        raise Refused(words, help=_HELP)
    raise Refused(f"the source is not what {title} was made of", help=_HELP)


def _all_taken(load: Generation, change: LoadChange, reader: Reader, io: Executor) -> bool:
    """True if each chunk has an execution that succeeded without a failed command."""

    def rows(ids: tuple[str, ...]) -> bool:
        listed = [resources.executions(reader, change.datamart_id, i).require().rows for i in ids]
        won = winner(tuple(e for found in listed for e in found))
        return won is not None and phase(won) is Phase.SUCCEEDED and not won.total_failure

    return all(io.map(rows, load.chunks.values()))
