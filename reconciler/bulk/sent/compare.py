"""A source that sends only what changed, compared with the index of what was sent (design 11).

The table of `reconciler.planning.loads.delta` decides; here is what it asks for. What is on disk beside the index, for as long
as a run takes, are numbers of lines, keyed digests without a name, and identities enciphered with a key of the run.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace

from reconciler.bulk.scan import removals
from reconciler.bulk.scan.duplicates import PLACE
from reconciler.bulk.scan.external_sort import SortedRecords, SortedTexts
from reconciler.bulk.sent.difference import Counts, difference, in_words, to_delete
from reconciler.bulk.sent.digests import AT_ONCE, BYTES_AT_ONCE, SourceRows
from reconciler.bulk.sent.index_file import Description, Unusable
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import many
from reconciler.kinds.names import LoadKey
from reconciler.model.load import Scan
from reconciler.model.plan import Delta
from reconciler.model.source import Removals, SourceDefinition
from reconciler.planning.loads.changes import content_of
from reconciler.planning.loads.delta import Sends, base_of, grows, is_delta_of, is_of_all_rows, newest
from reconciler.planning.loads.generations import Decision, Do, Generation

CHANGED = "the source changed while it was read"


@dataclass(frozen=True, slots=True)
class Compared:
    """What is to be sent of a source.

    Attributes:
        source: as it is to be read: with its base, the list of lines to send, and whom to delete.
        scan: so read.
        delta: counts of a load that is made against another one; None for a load of all rows alone.
        finished: the finished load that has all of this already, and why that is known.
        why: why all rows are sent although a load was finished before.
        lost: because the platform's newest load has no index that can be used.
        refused: sending all rows might make lists longer, so it takes `--reload`.
        since_full: how many deltas follow the last load of all rows, this one counted.
        left: identities that no accepted row is about: what the next index keeps of them depends on this load.
        kept: why identities that are gone are not deleted.
        known: identities of the index that it was compared with; 0 without one.
    """

    source: SourceDefinition
    scan: Scan
    delta: Delta | None = None
    finished: tuple[Generation, str] | None = None
    why: str = ""
    lost: bool = False
    refused: bool = False
    since_full: int = 0
    left: Removals | None = None
    kept: str = ""
    known: int = 0


@dataclass(frozen=True, slots=True)
class _Found:
    """What an index says of the rows.

    Attributes:
        listed: places of the rows that differ, in order.
        deleted: identities that are gone and may be deleted.
        left: those, and those that stay in the index.
        kept: why some stay.
    """

    about: Description
    counts: Counts
    listed: SortedRecords
    deleted: int = 0
    left: Removals | None = None
    kept: str = ""


def compare(
    indexes: SentIndexes,
    source: SourceDefinition,
    scan: Scan,
    found: Sequence[Generation],
    executed: Collection[LoadKey],
    datamart_id: str,
    rows: SourceRows | None = None,
    *,
    reload: bool = False,
) -> Compared:
    """What of a source is to be sent, by the table.

    Args:
        indexes: of the workspace.
        source: with the remote ids of its compartments.
        scan: of all of its rows.
        found: all loads of it on the datamart.
        executed: keys of those with an execution.
        datamart_id: of the datamart.
        rows: digests of its rows, where they are at hand.
        reload: all rows are to be sent.

    Raises:
        ReconcilerError: the source cannot be read.
    """
    loads = newest(found, executed)
    top, base = loads.top, loads.finished
    whole = Compared(source, scan)
    if scan.repeated or None in source.compartments.values():
        return whole
    if top is None:
        two = source.gone == "delete" and any(g.seal for g in found)
        return replace(whole, kept=_unknown("two loads have the newest number")) if two else whole
    plain = not reload and is_of_all_rows(top, scan.source_digest, source)
    if (plain and top.seal) or (source.gone == "keep" and (plain or reload)):
        return whole
    if not reload and top.seal and is_delta_of(top, found, scan.source_digest, source):
        return replace(whole, finished=(top, f"load {top.number} is finished"))
    if base is None:
        return _all_rows(whole, f"load {top.number} is unfinished", plain=plain, reload=reload)
    case = _Case(indexes, whole, top, base, plain=plain, reload=reload)
    try:
        with indexes.opened(source, base, datamart_id) as (about, sent):
            every = source.full_every
            due = top.seal and every and about.since_full + 1 >= every
            if due and source.gone == "keep":
                return replace(whole, why=_due(every), known=about.rows)
            rows = rows or indexes.tracked(source, scan)
            with nullcontext((scan, rows)) if rows is not None else indexes.rows(source) as (again, made):
                if again.source_digest != scan.source_digest:
                    raise ReconcilerError(CHANGED)
                return case.decide(about, sent, made, _due(every) if due else "")
    except Unusable as e:
        return _all_rows(whole, str(e), plain=plain, reload=reload)


def _all_rows(whole: Compared, why: str, *, plain: bool, reload: bool) -> Compared:
    """Where there is nothing to compare with.

    Args:
        whole: all rows.
        why: there is nothing.
        plain: the newest load is unfinished and has all rows alone.
        reload: all rows are to be sent.
    """
    kept = _unknown(why) if whole.source.gone == "delete" else ""
    if plain or reload:
        return replace(whole, kept="" if plain else kept)
    refused = grows(whole.source, replay_safe=whole.scan.replay_safe)
    return replace(whole, why=why, lost=True, refused=refused, kept=kept)


def _unknown(why: str) -> str:
    return f"nothing is deleted, for it is not known which identities are no longer in the source: {why}"


def _due(every: int) -> str:
    return f"every {every} loads, all rows are sent"


@dataclass(frozen=True, slots=True)
class _Case:
    """One load that is compared.

    Attributes:
        top: the newest load that counts.
        base: the newest finished load.
        plain: `top` is unfinished and has all rows alone.
        reload: all rows are to be sent.
    """

    indexes: SentIndexes
    whole: Compared
    top: Generation
    base: Generation
    plain: bool
    reload: bool

    @property
    def _deletes(self) -> bool:
        return self.whole.source.gone == "delete"

    def decide(self, about: Description, sent: Iterable[bytes], rows: SourceRows, due: str) -> Compared:
        """The table, once the index is read."""
        with closing(SortedRecords(PLACE.size, AT_ONCE)) as listed:
            found = self._find(about, sent, rows, listed)
            if self.plain:
                return replace(self.whole, left=found.left, known=about.rows)
            if self.reload or due:
                return self._all(found, due)
            nothing = not found.counts.sent and not found.deleted
            if self.top is self.base:
                return self._finished(found) if nothing else self._changed(found)
            unfinished = f"load {self.top.number} is unfinished and of other rows"
            made = None if nothing else self._changed(found)
            if made is None or not self._is_top(made):
                made = self._all(found, unfinished)
                if not (found.deleted and self._is_top(made)):
                    refused = grows(self.whole.source, replay_safe=made.scan.replay_safe)
                    made = replace(made, lost=True, refused=refused)
            return made

    def _is_top(self, made: Compared) -> bool:
        content = content_of(made.scan, made.source)
        return content is not None and content.is_of(self.top)

    def _find(
        self, about: Description, sent: Iterable[bytes], rows: SourceRows, listed: SortedRecords
    ) -> _Found:
        """The rows that differ from an index, and whom no row is about."""
        counts = Counts()
        with closing(SortedTexts(BYTES_AT_ONCE)) as gone:
            keep = gone.add if self._deletes else _forget
            for place in difference(rows, sent, counts, keep):
                listed.add(place)
            if not self._deletes or not counts.gone:
                return _Found(about, counts, listed)
            return self._removals(_Found(about, counts, listed), gone, rows)

    def _removals(self, found: _Found, gone: Iterable[bytes], rows: SourceRows) -> _Found:
        """Write whom no accepted row is about."""
        certain = not rows.unreadable and not self.plain
        count = [0, 0]

        def told() -> Iterator[removals.Entry]:
            for entry in to_delete(gone, rows.rejected, certain=certain):
                count[entry.deleted] += 1
                yield entry

        left = removals.written(told(), self.indexes.new_list(), os.urandom(32))
        stay, deleted = count
        kept = ""
        if rows.unreadable and stay:
            kept = (
                f"{many(stay, 'identity is', 'identities are')} no longer in the source, and are not deleted: {many(rows.unreadable, 'rejected row')} "
                "do not say whom they are about"
            )
        elif stay and not self.plain:
            kept = f"{many(stay, 'identity is', 'identities are')} named by rejected rows alone; they are not deleted"
        return replace(found, deleted=deleted, left=left if stay or deleted else None, kept=kept)

    def _finished(self, found: _Found) -> Compared:
        words = (
            f"no row changed since load {self.base.number}; {found.counts.gone:,} are no longer in the source"
        )
        return replace(self.whole, finished=(self.base, words), kept=found.kept)

    def _changed(self, found: _Found) -> Compared:
        """Rows that changed, and the DELETE commands."""
        path = self.indexes.new_list()
        with path.open("wb") as file:
            for place in found.listed:
                file.write(place)
        sends = Sends.CHANGED_AND_DELETES if self._deletes else Sends.CHANGED
        made = self._made(found, sends, str(path))
        return replace(made, since_full=found.about.since_full + 1)

    def _all(self, found: _Found, why: str) -> Compared:
        """All rows, and the DELETE commands."""
        if not found.deleted:
            return replace(self.whole, why=why, left=found.left, kept=found.kept, known=found.about.rows)
        return replace(self._made(found, Sends.ALL_AND_DELETES, ""), why=why)

    def _made(self, found: _Found, sends: Sends, listed: str) -> Compared:
        whole, counts = self.whole, found.counts
        deletes = found.left if found.deleted else None
        source = replace(whole.source, base=base_of(self.base, sends), listed=listed, removals=deletes)
        scan = self.indexes.scans.get(source)
        rows = counts.sent if listed else whole.scan.sent
        if scan.source_digest != whole.scan.source_digest or scan.sent != rows + found.deleted:
            raise ReconcilerError(CHANGED)
        delta = Delta(
            base=self.base.number,
            added=counts.added,
            changed=counts.changed,
            unchanged=counts.unchanged,
            gone=counts.gone,
            retried=counts.retried,
            known=found.about.rows,
            deleted=found.deleted,
            all_rows=not listed,
        )
        return Compared(source, scan, delta, left=found.left, kept=found.kept, known=found.about.rows)


def _forget(entry: bytes) -> None:
    """Whom a row was about is not needed."""


def known(compared: Compared) -> Decision | None:
    """The decision about a load, where comparing made it; None where the digests decide."""
    if compared.finished is not None:
        load, why = compared.finished
        return Decision(Do.NOTHING, why, load.key, load)
    if compared.refused:
        words = f"{compared.why}; sending all rows again can make merged lists longer. --reload sends them"
        return Decision(Do.REFUSE, words)
    return None


def told(compared: Compared) -> str:
    """What comparing found, to be added to the reason of a load."""
    all_rows = f"; all rows are sent: {compared.why}" if compared.why and not compared.refused else ""
    found = compared.delta
    if found is None:
        return all_rows
    deletes = compared.source.gone == "delete"
    return f"{all_rows}; compared with load {found.base}: {in_words(found, deletes=deletes)}"
