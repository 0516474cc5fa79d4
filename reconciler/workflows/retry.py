"""Failed lines of a source's latest load -> a plan that sends just those, as a sub-load (`g7.r1`). Reads only.

Which lines failed is not kept anywhere here: the remote's error files say it, and the source still has the lines. A sub-load's
own failed lines are what the next one sends. The lines lie in a spool (0600) until the sub-load is sealed.
"""

import os
import shutil
from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.bulk.load.results.failed_lines import failed_lines, sent_lines
from reconciler.bulk.scan.source_scans import Scans
from reconciler.errors import ReconcilerError, Refused
from reconciler.kinds.counts import many
from reconciler.kinds.names import LoadKey
from reconciler.model.desired import DesiredLoad
from reconciler.model.listing import Listed, Listing
from reconciler.model.load import Chunk, Scan, UploadNotes
from reconciler.model.plan import LoadChange
from reconciler.model.remote import Execution, Import
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import load_digest
from reconciler.planning.loads.changes import definition_of
from reconciler.planning.loads.cut import as_cut, cut_of, load_view
from reconciler.planning.loads.delta import is_delta_of
from reconciler.planning.loads.failed_rows import failed_rows, unfit
from reconciler.planning.loads.failed_rows import folder as place_of
from reconciler.planning.loads.generations import Generation, generations
from reconciler.planning.loads.protocol import ChunkView, winner
from reconciler.private_folder import private_file, private_folder


@dataclass(frozen=True, slots=True)
class Retry:
    """A sub-load to send; `unplaced` failed lines are not in it, since nobody can say which they are."""

    change: LoadChange
    unplaced: int


def plan_retry(
    change: LoadChange, reader: Reader, io: Executor, scans: Scans, notes: UploadNotes
) -> Retry | None:
    """The sub-load for the failed lines of a load that is finished; None if none failed.

    Args:
        change: the load as planned now, with nothing to do.
        reader: lists imports and executions, and fetches error files.
        io: threads.
        scans: reads the source again.
        notes: of uploads to the datamart.

    Raises:
        ReadFailed: the remote could not be read.
        Refused: the source is no longer what was loaded, or cannot be read again.
        ReconcilerError: the source, or its spool, cannot be read or written.
    """
    definition = definition_of(change)
    if change.unread:
        raise Refused(
            f"{change.address} is read once for each load, and the rows are deleted when the load ends",
            help="`reconciler apply` reads the source again and sends what changed; --reload sends all rows",
        )
    imports = resources.imports(reader, change.datamart_id).require()
    loads = generations(imports.rows, definition.former)
    base = next(
        (g for g in loads if g.number == change.generation and g.seal),
        None,
    )
    if base is None:
        raise Refused(
            f"{change.address}: load {change.generation} is not finished",
            help="`reconciler apply` continues it",
        )
    chain = _chain(base, imports, definition.former)
    if _none_left(chain):
        _remove_rows(change.datamart_id, chain, scans)
        return None
    finder = _Finder(change, reader, io, scans, notes)
    source, scan = finder.original(definition, base, loads)
    unplaced = 0
    for load in chain:
        if not load.seal:  # begun and not finished: the same lines once more
            return _change(change, source, scan, load.key.retry, unplaced)
        source, scan, unplaced = finder.failed_of(load, source, scan)
    return _change(change, source, scan, chain[-1].key.retry + 1, unplaced) if scan.sent or unplaced else None


def none_failed(load: DesiredLoad, reader: Reader, scans: Scans) -> bool:
    """Whether the newest load is finished and none of its commands failed, or those that did succeeded since; reads no source.

    Args:
        load: the source on a datamart.
        reader: lists the imports; where it cannot, nothing is known, and the plan says why.
        scans: removes the rows of finished sub-loads.
    """
    imports = resources.imports(reader, load.datamart_id)
    if not isinstance(imports, Listed):
        return False
    loads = generations(imports.rows, load.definition.former)
    if not loads or not loads[-1].seal:
        return False
    chain = _chain(loads[-1], imports, load.definition.former)
    if _none_left(chain):
        _remove_rows(load.datamart_id, chain, scans)
        return True
    return False


def _chain(
    base: Generation, imports: Listed[Import], former: Collection[tuple[str, str]]
) -> list[Generation]:
    """A load and its sub-loads."""
    same = generations(imports.rows, former, retries=True)
    return [base, *(g for g in same if g.number == base.number)]


def _none_left(chain: Sequence[Generation]) -> bool:
    ended = next((g for g in chain if not g.seal or not g.seal.failed), None)
    return ended is not None and ended.seal is not None


def _remove_rows(datamart_id: str, chain: Sequence[Generation], scans: Scans) -> None:
    """Remove the rows of sub-loads that are sealed: a run that was killed after the seal left them, and they are profiles (G9)."""
    if scans.spools is None:
        return
    keys = [load.key for load in chain if load.seal and load.key.retry]
    names = {Path(place_of(k.source, datamart_id, k.generation, k.retry)).name for k in keys}
    for place in scans.spools.complete():
        if place.name in names:
            scans.spools.remove(place)


class _Finder:
    def __init__(
        self, change: LoadChange, reader: Reader, io: Executor, scans: Scans, notes: UploadNotes
    ) -> None:
        self.change, self.reader, self.io, self.scans, self.notes = change, reader, io, scans, notes
        self.root = scans.root

    def original(
        self, definition: SourceDefinition, load: Generation, loads: Sequence[Generation]
    ) -> tuple[SourceDefinition, Scan]:
        """The source, if all of it still is what a load was made of.

        Raises:
            Refused: it is not.
        """
        key = load.key
        source = self.scans.readable(definition)
        scan = self.scans.get(source)
        digest = load_digest(scan.source_digest, source.compartments)
        if source.send == "changed" and is_delta_of(load, loads, scan.source_digest, source):
            failed = load.seal.failed if load.seal else 0
            raise Refused(
                f"{key.title} has only the rows that changed, so which rows of the source its {many(failed, 'failed command')} came "
                "from cannot be found again; the next load of new content sends those rows",
                help=f"--reload '{self.change.address}' sends all rows now, and the failed ones with them",
            )
        if digest is None or digest[:12] != key.load12:
            raise Refused(
                f"the source of {self.change.address} changed since {key.title} was loaded; the failed rows cannot be found",
                help="`reconciler apply` loads the present contents",
            )
        return source, scan

    def failed_of(
        self, load: Generation, source: SourceDefinition, scan: Scan
    ) -> tuple[SourceDefinition, Scan, int]:
        """What to send after a load: its failed lines as a source of their own, and how many cannot be placed."""
        executions = self._executions(load)
        cut = cut_of(load, executions, source)
        source = as_cut(source, cut)
        scan = self.scans.get(source)
        view = load_view(load.key, cut, scan, executions, self.notes)
        if why := cut.mismatch(load.key, scan) or unfit(load, view):
            raise Refused(why, help="`reconciler apply --reload` sends all rows again")
        folder = self._folder(load.key)
        unplaced = 0
        try:
            with private_file(folder / "0000.ndjson") as file:
                for chunk, seen in zip(scan.chunks, view.chunks, strict=True):
                    wanted, missing = self._failed(chunk, seen, source, scan)
                    unplaced += missing
                    last = max(wanted, default=0)
                    for line in sent_lines(self.root, scan.files, source, chunk) if last else ():
                        if line.number in wanted:
                            file.write(line.data)
                        if line.number >= last:
                            break
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        made = failed_rows(source, os.path.relpath(folder / "0000.ndjson", self.root))
        if self.scans.spools is not None:
            self.scans.spools.use(made)
        return made, self.scans.get(made), unplaced

    def _folder(self, key: LoadKey) -> Path:
        folder = self.root / place_of(key.source, self.change.datamart_id, key.generation, key.retry + 1)
        private_folder(folder.parent)  # before anything is removed there
        shutil.rmtree(folder, ignore_errors=True)
        private_folder(folder)
        if self.scans.spools is not None:
            self.scans.spools.hold(folder)
        return folder

    def _executions(self, load: Generation) -> dict[str, Listing[Execution]]:
        """Executions under all imports of a load, by import id; every listing was read."""
        ids = load.import_ids
        listings: list[Listing[Execution]] = list(
            self.io.map(lambda i: resources.executions(self.reader, self.change.datamart_id, i), ids)
        )
        return {i: listing.require() for i, listing in zip(ids, listings, strict=True)}

    def _failed(
        self, chunk: Chunk, seen: ChunkView, source: SourceDefinition, scan: Scan
    ) -> tuple[set[int], int]:
        """Numbers of the lines of a chunk that failed: all of an upload that was refused, else what its error file says."""
        keep = winner(seen.executions)
        if seen.marked_sent:
            return set(), 0
        if keep is None:
            return set(range(1, chunk.lines + 1)), 0
        if not keep.total_failure:
            return set(), 0
        found = failed_lines(self.reader, self.root, scan.files, source, chunk, keep)
        return set(found.lines), found.unplaced


def _change(change: LoadChange, source: SourceDefinition, scan: Scan, retry: int, unplaced: int) -> Retry:
    if scan.rejected:
        raise ReconcilerError("commands that were sent are not valid; this is a bug in reconciler")
    words = f"{many(scan.sent, 'failed command')} of load {change.generation}"
    if not scan.replay_safe:
        words += "; sending a command again is not safe if the platform applied a part of it: merged arrays can grow"
    made = msgspec.structs.replace(
        change,
        source_digest=scan.source_digest,
        load_digest=load_digest(scan.source_digest, {}),
        chunks=len(scan.chunks),
        lines=scan.lines,
        bytes=scan.bytes,
        upserts=scan.upserts,
        deletes=scan.deletes,
        rejected=0,
        replay_safe=scan.replay_safe,
        unfinished={},
        actions=("execute",),
        reason=words,
        requires=(),
        tokens={},
        after_unknown={},
        definition=msgspec.to_builtins(source),
        retry=retry,
        previous_lines=0,
    )
    return Retry(made, unplaced)
