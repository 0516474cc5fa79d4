"""Which document imports of a source are to go (`keep_generations`), through the plan like any deletion (design 6). Pure.

Only loaded (sealed) generations are deleted, oldest first, never the newest one or anything newer, and none with a sub-load that
is unfinished. A seal goes after all of its chunks: until then the remote still says that they were loaded.
"""

from collections.abc import Sequence
from typing import Any

from reconciler.kinds.names import ChunkName, LoadKey, parse
from reconciler.model.address import Address
from reconciler.model.desired import DesiredLoad
from reconciler.model.plan import Change, ResourceChange
from reconciler.model.remote import Import
from reconciler.planning.loads.generations import generations
from reconciler.planning.requests import with_request

KIND = "DocumentImport"


def superseded_imports(load: DesiredLoad, imports: Sequence[Import]) -> list[ResourceChange]:
    """Deletions of the imports of old generations.

    Args:
        load: its definition says how many generations stay.
        imports: all of the datamart.
    """
    keep, former = load.definition.keep_generations, load.definition.former
    if keep is None:
        return []
    sealed = [g.number for g in generations(imports, former) if g.seal]
    unfinished = {g.number for g in generations(imports, former, retries=True) if not g.seal}
    kept = sorted(set(sealed), reverse=True)[:keep]
    gone = {n for n in sealed if kept and n < min(kept) and n not in unfinished}
    rows: dict[LoadKey, list[tuple[Import, bool]]] = {}
    for row in imports:
        name = parse(row.name)
        if name and (name.load.workspace, name.load.source) in former and name.load.generation in gone:
            rows.setdefault(name.load, []).append((row, isinstance(name, ChunkName)))
    open_loads = {g.key for g in generations(imports, former) if not g.seal}
    return [c for key, found in rows.items() if key not in open_loads for c in _deletions(load, key, found)]


def _deletions(load: DesiredLoad, key: LoadKey, found: Sequence[tuple[Import, bool]]) -> list[ResourceChange]:
    def address(row: Import) -> str:
        return str(Address(KIND, row.id, load.datamart))

    chunks = tuple(address(row) for row, is_chunk in found if is_chunk)
    return [
        with_request(
            ResourceChange(
                address=address(row),
                kind=KIND,
                change=Change(actions=("delete",), before=_shape(row, load), after=None),
                reason=f"{key.title} of {load.address} is older than the {load.definition.keep_generations} loads to keep",
                requires=() if is_chunk else chunks,
                remote_id=row.id,
            )
        )
        for row, is_chunk in found
    ]


def _shape(row: Import, load: DesiredLoad) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "datamart_id": load.datamart_id}
