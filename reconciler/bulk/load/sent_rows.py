"""The sent index of a load, written before its seal: which of its rows the platform certainly took (design 11).

A row is entered as taken only if the platform says so of its whole chunk, or its error file says of every failed command which
row it was. Of any other row the next load assumes nothing, and sends it again.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings
from reconciler.bulk.load.prepare import Ready, Tracked
from reconciler.bulk.load.results.failed_lines import failed_lines, sent_lines
from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.removals import Left
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.digests import AT_ONCE, SIZE
from reconciler.errors import ReconcilerError
from reconciler.kinds.execution import Phase, phase
from reconciler.kinds.names import ChunkName, SealName, parse
from reconciler.model.load import Chunk
from reconciler.planning.loads.protocol import ChunkView, LoadView, winner


@dataclass(frozen=True, slots=True)
class SentRows:
    """Writes the index of one load."""

    context: Context
    listings: LoadListings
    ready: Ready
    tracked: Tracked

    def keep(self, view: LoadView, seal: SealName) -> str:
        """Write the index, durably, and give its name; it counts once the seal is there.

        Args:
            view: every chunk of it ended.
            seal: that the load is about to get.

        Raises:
            ReconcilerError: it cannot be written.
        """
        ready, tracked = self.ready, self.tracked
        with closing(SortedRecords(SIZE, AT_ONCE)) as not_taken:
            for chunk in view.chunks:
                for identity in self._not_taken(chunk):
                    not_taken.add(identity)
            return self.context.sent.keep(
                ready.source,
                ready.scan,
                seal,
                self._imports(),
                lambda: entries(tracked.digests, not_taken, Left(tracked.left)),
                tracked.since_full,
                self.listings.datamart_id,
            )

    def _imports(self) -> dict[str, tuple[str, ...]]:
        """Ids by name of all chunk imports of the load, as a later listing shows them."""
        return {
            name: ids
            for name, ids in self.listings.imports.items()
            if isinstance(found := parse(name), ChunkName) and found.load == self.ready.key
        }

    def _not_taken(self, seen: ChunkView) -> Iterator[bytes]:
        """Identities of a chunk of which it is not certain that the platform took the command."""
        chunk, ready = self.ready.scan.chunks[seen.index - 1], self.ready
        failed = self._failed(seen, chunk)
        if failed is not None and not failed:
            return
        for line in sent_lines(self.context.root, ready.scan.files, ready.source, chunk):
            if failed is None or line.number in failed:
                yield self.tracked.digests.identity(line.data)

    def _failed(self, seen: ChunkView, chunk: Chunk) -> set[int] | None:
        """Numbers of the commands that failed; None where nobody can say which did."""
        won = winner(seen.executions)
        if won is None or seen.marked_sent or phase(won) not in (Phase.SUCCEEDED, Phase.PARTIAL):
            return None
        bad = won.total_failure or 0
        if won.total_success is not None and won.total_success + bad < chunk.lines:
            return None
        if not bad:
            return set()
        ready = self.ready
        try:
            found = failed_lines(
                self.context.writer, self.context.root, ready.scan.files, ready.source, chunk, won
            )
        except ReconcilerError:
            return None
        return None if found.unplaced or len(found.lines) != bad else set(found.lines)
