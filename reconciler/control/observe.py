"""List what a plan depends on, concurrently: O(kinds x pages) requests, never one per resource."""

from collections.abc import Collection, Iterable
from concurrent.futures import Executor

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.remote import Execution, Import, Observed, owned
from reconciler.planning.loads.generations import Content, generations, open_generations, open_retries


def observe(
    reader: Reader,
    organisation_id: str,
    io: Executor,
    *,
    activations: Iterable[str],
    imports: Iterable[str],
    pins: Iterable[str],
    everywhere: bool = False,
) -> Observed:
    """Read everything a plan needs.

    Args:
        reader: GET only.
        organisation_id: whose datamarts and compartments.
        io: threads.
        activations: datamart ids whose activations are needed.
        imports: datamart ids whose document imports are needed.
        pins: compartment ids that specs pin.
        everywhere: activations and imports of each live datamart of the organisation, too.
    """
    listing = io.submit(resources.compartments, reader, organisation_id)
    datamarts = resources.datamarts(reader, organisation_id)
    if isinstance(datamarts, Unlisted):
        # Nothing can be planned without them; a platform that does not answer is not waited for again and again.
        unread = datamarts
        return Observed(
            datamarts, listing.result(), *(dict.fromkeys(ids, unread) for ids in (activations, imports, pins))
        )
    # A datamart that is not the organisation's is a finding of its own; asking about it would only add a 404.
    known = {d.id for d in datamarts.rows}
    live = [d.id for d in datamarts.rows if everywhere and owned(d, organisation_id) and not d.archived]
    active = {
        i: io.submit(resources.activations, reader, i)
        for i in dict.fromkeys((*activations, *live))
        if i in known
    }
    loads = {
        i: io.submit(resources.imports, reader, i) for i in dict.fromkeys((*imports, *live)) if i in known
    }
    compartments = listing.result()
    # A pinned compartment may be another organisation's, and then not in the list (contract 3.5).
    own = {c.id for c in compartments.rows} if isinstance(compartments, Listed) else set()
    pinned = {i: io.submit(resources.one_compartment, reader, i) for i in pins if i not in own}
    return Observed(
        datamarts,
        compartments,
        {i: f.result() for i, f in active.items()},
        {i: f.result() for i, f in loads.items()},
        {i: f.result() for i, f in pinned.items()},
    )


def open_executions(
    reader: Reader,
    datamart_id: str,
    imports: Listing[Import],
    former: Collection[tuple[str, str]],
    io: Executor,
    content: Content | None = None,
) -> dict[str, Listing[Execution]]:
    """Executions, by import id, of the generations of a source that are not sealed yet.

    Args:
        reader: sends GET requests.
        datamart_id: the datamart to read.
        imports: all document imports of the datamart.
        former: names of workspace and source under which its loads may stand.
        io: threads for small requests.
        content: what the source holds; None while its digest is not known.
    """
    if not isinstance(imports, Listed):
        return {}
    found = generations(imports.rows, former, content=content)
    retries = open_retries(found, generations(imports.rows, former, retries=True))
    ids = [i for g in (*open_generations(found), *retries) for i in g.import_ids]
    return dict(zip(ids, io.map(lambda i: resources.executions(reader, datamart_id, i), ids), strict=True))
