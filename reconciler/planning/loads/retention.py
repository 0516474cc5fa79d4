"""Which document imports of a source are to go (`keep_generations`), through the plan like any deletion (design 6). Pure.

Only loaded (sealed) generations are deleted, oldest first, never the newest one or anything newer, and none with a sub-load that
is unfinished. A seal goes after all of its chunks: until then the remote still says that they were loaded.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from reconciler.kinds.counts import many
from reconciler.kinds.names import ChunkName, LoadKey, SealName, parse
from reconciler.model.address import Address
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.plan import Change, ResourceChange, Retention
from reconciler.model.remote import Import
from reconciler.model.removal import RefusedRemoval
from reconciler.planning.loads.generations import generations
from reconciler.planning.requests import with_request

KIND = "DocumentImport"


def superseded_imports(load: DesiredLoad, imports: Sequence[Import]) -> list[ResourceChange]:
    """Deletions of the imports of old generations.

    Args:
        load: its definition says how many generations stay.
        imports: all of the datamart.
    """
    rule = rule_of(load)
    if rule is None:
        return []
    found = superseded(rule, imports)
    return [change for rows in found.values() for change in deletions(load, rule, rows)]


def proposed(
    load: DesiredLoad,
    going: Sequence[ResourceChange],
    refused: Callable[[str, str, str, str], RefusedRemoval | None],
) -> tuple[list[ResourceChange], list[Diagnostic]]:
    """What of it is proposed, and what is said of the rest: the platform refused it before.

    Args:
        load: whose imports they are.
        going: deletions of imports of old generations.
        refused: of an address, kind, datamart id and remote id, that the platform refused the removal before.
    """
    asked = {c.address: refused(str(load.address), KIND, load.datamart_id, str(c.remote_id)) for c in going}
    earlier = {address: found for address, found in asked.items() if found is not None}
    if not earlier:
        return list(going), []
    # A seal goes after the imports of its load, so it stays where one of them does.
    left = [c for c in going if c.address not in earlier and earlier.keys().isdisjoint(c.requires)]
    statuses = ", ".join(sorted({str(found.status) for found in earlier.values()}))
    count = len(going) - len(left)
    words = f"{many(count, 'import')} of old loads stay: the platform refused to remove imports ({statuses})"
    advice = (
        f"drop `keep_generations` from the spec; `reconciler plan --target {load.address}` proposes it again"
    )
    return left, [
        Diagnostic("removal-not-proposed", Severity.NOTE, words, help=advice, address=str(load.address))
    ]


def rule_of(load: DesiredLoad) -> Retention | None:
    """By which rule imports of a load go; None if none does."""
    keep = load.definition.keep_generations
    return None if keep is None else Retention(keep=keep, former=load.definition.former)


def superseded(rule: Retention, imports: Sequence[Import]) -> dict[LoadKey, list[Import]]:
    """The imports that go, by their load.

    Args:
        rule: how many loads stay.
        imports: all of the datamart.
    """
    found = generations(imports, rule.former)
    retries = generations(imports, rule.former, retries=True)
    done = {g.number for g in found if g.seal}
    # A run that was killed after the chunks of a load and before its seal leaves the seal, which counts as no load any more.
    seals_alone = {g.number for g in found if not g.chunks}
    unfinished = {g.number for g in retries if not g.seal and g.chunks}
    kept = sorted(done, reverse=True)[: rule.keep]
    gone = {n for n in done | seals_alone if kept and n < min(kept) and n not in unfinished}
    open_loads = {g.key for g in found if not g.seal and g.chunks}
    rows: dict[LoadKey, list[Import]] = {}
    for row in imports:
        name = ours(rule, row.name)
        if name and name.load.generation in gone and name.load not in open_loads:
            rows.setdefault(name.load, []).append(row)
    return rows


def ours(rule: Retention, name: str) -> ChunkName | SealName | None:
    """The name of an import, if it is one of the source's."""
    found = parse(name)
    return found if found and (found.load.workspace, found.load.source) in rule.former else None


def kept_after_all(change: ResourceChange, imports: Sequence[Import], going: Collection[str]) -> str | None:
    """Why an import that was planned to go stays; None if it goes.

    Args:
        change: the planned deletion of an import that is there.
        imports: all of the datamart, as they are now.
        going: addresses of all planned deletions.
    """
    name = parse(str((change.change.before or {}).get("name")))
    rows = (
        []
        if name is None or change.retention is None
        else superseded(change.retention, imports).get(name.load, [])
    )
    if all(row.id != change.remote_id for row in rows):
        return "keep_generations does not remove this import any more"
    if isinstance(name, SealName):
        datamart = change.address.partition("@")[2]
        left = [
            r for r in rows if r.id != change.remote_id and str(Address(KIND, r.id, datamart)) not in going
        ]
        if left:
            return f"the import {left[0].id} of the same load stays"
    return None


def deletions(load: DesiredLoad, rule: Retention, rows: Sequence[Import]) -> list[ResourceChange]:
    """Deletions of the imports of one load: its seal goes last.

    Args:
        load: the source on the datamart.
        rule: by which they go.
        rows: all imports of one load that are there.
    """

    def address(row: Import) -> str:
        return str(Address(KIND, row.id, load.datamart))

    named = [(row, name) for row in rows if (name := parse(row.name)) is not None]
    chunks = tuple(address(row) for row, name in named if isinstance(name, ChunkName))
    return [
        with_request(
            ResourceChange(
                address=address(row),
                kind=KIND,
                change=Change(actions=("delete",), before=_shape(row, load), after=None),
                reason=f"{name.load.title} of {load.address} is older than the {rule.keep} loads to keep",
                requires=() if isinstance(name, ChunkName) else chunks,
                remote_id=row.id,
                retention=rule,
            )
        )
        for row, name in named
    ]


def _shape(row: Import, load: DesiredLoad) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "datamart_id": load.datamart_id}
