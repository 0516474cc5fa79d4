"""The source that a retry of failed rows sends: the rows of a finished load that failed, kept in the workspace's spool. Pure."""

from dataclasses import replace

from reconciler.kinds.counts import many
from reconciler.model.source import SourceDefinition, Update
from reconciler.planning.loads.generations import Generation
from reconciler.planning.loads.protocol import LoadView, totals

SPOOL = ".reconciler/spool"


def folder(source: str, datamart_id: str, generation: int, retry: int) -> str:
    """Where the rows of one retry lie, beneath the workspace.

    Args:
        source: name of the source when the load was made.
        datamart_id: of the load.
        generation: of the load.
        retry: number of the retry, from 1.
    """
    return f"{SPOOL}/{source}-{datamart_id}-{generation}.{retry}"


def unfit(load: Generation, view: LoadView) -> str:
    """Why the failed rows of a finished load cannot be told; empty if they can.

    An import without an execution is that of an upload that was refused. One that is not there was deleted: its rows may have
    been taken. Executions that do not come to what the seal counts are not those that it counted.

    Args:
        load: finished.
        view: of its chunks.
    """
    for chunk in view.chunks:
        if not (chunk.seen or chunk.marked_sent):
            return f"the import of chunk {chunk.index} of {load.key.title} no longer exists"
    ok, _ = totals(view)
    failed = sum(c.lines for c in view.chunks) - ok
    if load.seal and failed != load.seal.failed:
        return f"the seal of {load.key.title} counts {many(load.seal.failed, 'failed command')}, its executions {failed:,}"
    return ""


def failed_rows(source: SourceDefinition, place: str) -> SourceDefinition:
    """The failed rows of a source as a source of their own: commands, as they were sent.

    Args:
        source: the one that was loaded.
        place: the file that they lie in.
    """
    return replace(
        source,
        files=(place,),
        format="commands",
        sql=None,
        compression="none",
        identify_by=(),
        owner=None,
        types={},
        include=None,
        exclude=(),
        rename={},
        constants={},
        update=Update(),
        duplicates="off",
        superseded="",
        send="all",
        full_every=0,
        gone="keep",
        removals=None,
        base="",
        listed="",
        allow="0",
        fill_identity=False,
        compartment=None,
        compartments={},
        outside=True,
    )
