"""Look at the executions of loads that were sealed a short time ago, once more."""

from concurrent.futures import Executor

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.listing import Listed, Listing
from reconciler.model.remote import Import
from reconciler.planning.loads.cut import rows_of
from reconciler.planning.loads.generations import generations
from reconciler.planning.loads.late import late_findings, watched


def look_again(
    load: DesiredLoad, imports: Listing[Import] | None, reader: Reader, io: Executor
) -> list[Diagnostic]:
    """What came after the seal of a load; nothing where it cannot be read.

    Args:
        load: the source on its datamart.
        imports: of the datamart.
        reader: sends GET requests.
        io: threads for small requests.
    """
    if not isinstance(imports, Listed):
        return []
    former = load.definition.former
    found = watched(generations(imports.rows, former), generations(imports.rows, former, retries=True))
    ids = [i for g in found for i in g.import_ids]
    listings = io.map(lambda i: resources.executions(reader, load.datamart_id, i), ids)
    executions = {i: rows_of(x) for i, x in zip(ids, listings, strict=True)}
    return list(late_findings(str(load.address), found, executions))
