"""The source that a retry of failed rows sends: the rows of a finished load that failed, kept in the workspace's spool. Pure."""

from dataclasses import replace

from reconciler.model.source import SourceDefinition, Update

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
        allow="0",
        fill_identity=False,
        compartment=None,
        compartments={},
        outside=True,
    )
