"""Sources that send only what changed: compared with the index of what was sent, and the index of a load written (design 11).

The table of `reconciler.planning.loads.delta` decides; here is what it asks for. What is on disk beside the index, for as long
as a run takes, are numbers of lines and keyed digests without a name.
"""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import IO

from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.scan import Rows
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.difference import Counts, difference, entries, in_words
from reconciler.bulk.sent.digests import AT_ONCE, PLACE, Digester, SourceRows
from reconciler.bulk.sent.index_file import Description, Unusable, read_index, write_index
from reconciler.bulk.sent.store import Store
from reconciler.errors import ReconcilerError
from reconciler.kinds.names import LoadKey, SealName
from reconciler.model.load import Scan
from reconciler.model.plan import Delta
from reconciler.model.sent import KeptIndex
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import load_digest
from reconciler.planning.loads.changes import content_of
from reconciler.planning.loads.delta import (
    base_of,
    grows,
    index_name,
    index_of,
    is_delta_of,
    is_of_all_rows,
    newest,
    prefix,
    scope,
)
from reconciler.planning.loads.generations import Decision, Do, Generation

CHANGED = "the source changed while it was read"


@dataclass(frozen=True, slots=True)
class Compared:
    """What is to be sent of a source.

    Attributes:
        source: as it is to be read: of a delta with its base, and with the list of lines to send.
        scan: so read.
        delta: counts of a delta; None for a load of all rows.
        finished: the finished load that has all of this already, and why that is known.
        why: why all rows are sent although a load was finished before.
        lost: because the platform's newest load has no index that can be used.
        refused: sending all rows might make lists longer, so it takes `--reload`.
        since_full: how many deltas follow the last load of all rows, this one counted.
    """

    source: SourceDefinition
    scan: Scan
    delta: Delta | None = None
    finished: tuple[Generation, str] | None = None
    why: str = ""
    lost: bool = False
    refused: bool = False
    since_full: int = 0


class SentIndexes:
    """The sent indexes of one workspace.

    Args of the constructor:
        scans: reads sources.
        store: where indexes lie.
        key: gives the key of the digests; with True it is made where there is none. None where there is none.
        origin: of the platform, as text.
        organisation_id: of the platform.
    """

    def __init__(
        self,
        scans: Scans,
        store: Store,
        key: Callable[[bool], bytes | None],
        origin: str,
        organisation_id: str,
    ) -> None:
        self._scans, self.store, self._key = scans, store, key
        self._about = (origin, organisation_id)
        self._lists: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """Remove the lists of lines."""
        if self._lists is not None:
            self._lists.cleanup()
            self._lists = None

    def scope(self, datamart_id: str) -> str:
        """What indexes of a datamart have in their names."""
        return scope(*self._about, datamart_id)

    @contextmanager
    def rows(self, source: SourceDefinition, *, make_key: bool = False) -> Iterator[tuple[Scan, SourceRows]]:
        """A scan of all rows, and their digests, for as long as they are needed.

        Args:
            source: to read.
            make_key: where there is no key, one is made.

        Raises:
            ReconcilerError: it cannot be read, or there is no key.
        """
        key = self._key(make_key)
        if key is None:
            raise ReconcilerError("the key of the sent index is not here")
        names = Rows(self._scans.names(source), source).names
        with closing(SourceRows(Digester(key), names)) as rows:
            yield self._scans.read(source, on_sent=rows.add), rows

    def compare(
        self,
        source: SourceDefinition,
        scan: Scan,
        found: Sequence[Generation],
        executed: Collection[LoadKey],
        datamart_id: str,
        rows: SourceRows | None = None,
    ) -> Compared:
        """What of a source is to be sent, by the table.

        Args:
            source: with the remote ids of its compartments.
            scan: of all of its rows.
            found: all loads of it on the datamart.
            executed: keys of those with an execution.
            datamart_id: of the datamart.
            rows: digests of its rows, where they are at hand.

        Raises:
            ReconcilerError: the source cannot be read.
        """
        loads = newest(found, executed)
        top, base = loads.top, loads.finished
        whole = Compared(source, scan)
        if top is None or scan.repeated or None in source.compartments.values():
            return whole
        if is_of_all_rows(top, scan.source_digest, source):
            return whole
        if top.seal and is_delta_of(top, found, scan.source_digest, source):
            return replace(whole, finished=(top, f"load {top.number} is finished"))
        if base is None:
            return self._all(whole, f"load {top.number} is unfinished")
        try:
            with self._opened(source, base, datamart_id) as (about, sent):
                every = source.full_every
                if top.seal and every and about.since_full + 1 >= every:
                    return replace(whole, why=f"every {every} loads, all rows are sent")
                if rows is not None:
                    return self._against(whole, top, base, about, sent, rows)
                with self.rows(source) as (again, made):
                    if again.source_digest != scan.source_digest:
                        raise ReconcilerError(CHANGED)
                    return self._against(whole, top, base, about, sent, made)
        except Unusable as e:
            return self._all(whole, str(e))

    def _all(self, whole: Compared, why: str) -> Compared:
        refused = grows(whole.source, replay_safe=whole.scan.replay_safe)
        return replace(whole, why=why, lost=True, refused=refused)

    def _against(
        self,
        whole: Compared,
        top: Generation,
        base: Generation,
        about: Description,
        sent: Iterable[bytes],
        rows: Iterable[bytes],
    ) -> Compared:
        """The rows that differ from an index."""
        counts, ordered = Counts(), SortedRecords(PLACE.size, AT_ONCE)
        with closing(ordered):
            for place in difference(rows, sent, counts):
                ordered.add(place)
            if not counts.sent:
                if top is base:
                    words = f"no row changed since load {base.number}"
                    return replace(
                        whole, finished=(base, f"{words}; {counts.gone:,} are no longer in the source")
                    )
                return self._all(whole, f"load {top.number} is unfinished and of other rows")
            listed = self._list(ordered)
        source = replace(whole.source, base=base_of(base), listed=listed)
        scan = self._scans.get(source)
        if scan.source_digest != whole.scan.source_digest or scan.sent != counts.sent:
            raise ReconcilerError(CHANGED)
        content = content_of(scan, source)
        if top is not base and not (content and content.is_of(top)):
            return self._all(whole, f"load {top.number} is unfinished and of other rows")
        delta = Delta(
            base=base.number,
            added=counts.added,
            changed=counts.changed,
            unchanged=counts.unchanged,
            gone=counts.gone,
            retried=counts.retried,
            known=about.rows,
        )
        return Compared(source, scan, delta, since_full=about.since_full + 1)

    def _list(self, places: Iterable[bytes]) -> str:
        """A file with places of lines, in order; it holds numbers only."""
        if self._lists is None:
            self._lists = tempfile.TemporaryDirectory(prefix="reconciler-")
        with tempfile.NamedTemporaryFile(dir=self._lists.name, delete=False) as file:
            for place in places:
                file.write(place)
            return file.name

    @contextmanager
    def _opened(
        self, source: SourceDefinition, load: Generation, datamart_id: str
    ) -> Iterator[tuple[Description, Iterator[bytes]]]:
        """The index of a finished load.

        Raises:
            Unusable: it is not there, or cannot be believed.
        """
        about, title = self.scope(datamart_id), f"load {load.number}"
        key = self._key(False)
        try:
            file = self.store.open(index_of(about, source.source, load))
            others = self.store.names(prefix(about, source.source)) if file is None else []
        except ReconcilerError as e:
            raise Unusable(f"the sent index cannot be read: {e}") from None
        if file is None:
            words = f"; there is one of {_loads(others)}" if others else ""
            raise Unusable(f"there is no sent index of {title}{words}")
        with file:
            try:
                opened = read_index(file, key)
            except Unusable as e:
                raise Unusable(f"the sent index of {title} cannot be used: {e}") from None
            yield opened

    def keep(
        self,
        source: SourceDefinition,
        scan: Scan,
        key: LoadKey,
        seal: SealName,
        imports: Mapping[str, Sequence[str]],
        rows: Iterable[bytes],
        not_taken: Iterable[bytes],
        since_full: int,
        datamart_id: str,
    ) -> str:
        """Write the index of a load that is about to be sealed, durably; gives its name. It counts once the seal is there.

        Args:
            source: as it was read.
            scan: what was sent of it.
            key: of the load.
            seal: that it is about to get.
            imports: ids by name of its chunk imports.
            rows: digests of all rows of the source.
            not_taken: sorted identities of rows that the platform did not certainly take.
            since_full: how many deltas follow the last load of all rows.
            datamart_id: of the datamart.

        Raises:
            ReconcilerError: it cannot be written.
        """
        secret = self._key(True)
        assert secret is not None  # noqa: S101 - it is made
        content = load_digest(scan.source_digest, source.compartments) or ""
        about = Description(
            load=str(key),
            content=content,
            compartment_ids=tuple(str(v) for _, v in sorted(source.compartments.items())),
            since_full=since_full,
            rows=0,
            unknown=0,
        )
        name = index_name(self.scope(datamart_id), source.source, key, seal, imports)

        def fill(file: IO[bytes]) -> None:
            write_index(file, secret, entries(rows, not_taken), about)

        self.store.write(name, fill)
        return name

    def kept(self, source: str, datamart_id: str) -> list[KeptIndex]:
        """What is kept of a source on a datamart; each file is read to its end.

        Raises:
            ReconcilerError: the place cannot be read.
        """
        key, found = self._key(False), []
        for name in self.store.names(prefix(self.scope(datamart_id), source)):
            file = self.store.open(name)
            if file is None:
                continue
            with file:
                try:
                    about, _ = read_index(file, key)
                    found.append(KeptIndex(_number(name), about.rows, about.unknown, about.since_full))
                except Unusable as e:
                    found.append(KeptIndex(_number(name), trouble=str(e)))
        return found

    def look(self, source: SourceDefinition, name: str, datamart_id: str) -> tuple[int, Counts] | None:
        """A source compared with the newest index that is here, whatever the platform has: its load's number, and counts.

        Args:
            source: as it can be read.
            name: of the source.
            datamart_id: of the datamart.

        Raises:
            ReconcilerError: the source or the place of the indexes cannot be read.
        """
        names = self.store.names(prefix(self.scope(datamart_id), name))
        newest_name = max(names, key=_number, default=None)
        file = self.store.open(newest_name) if newest_name is not None else None
        if newest_name is None or file is None:
            return None
        counts = Counts()
        with file:
            try:
                about, sent = read_index(file, self._key(False))
            except Unusable:
                return None
            names_of_ids = sorted(source.compartments)
            if len(names_of_ids) != len(about.compartment_ids):
                return None
            ids: dict[str, str | None] = dict(zip(names_of_ids, about.compartment_ids, strict=True))
            resolved = replace(source, compartments=ids)
            with self.rows(resolved) as (_, rows):
                for _ in difference(rows, sent, counts):
                    pass
        return _number(newest_name), counts

    def drop(self, source: str, datamart_id: str) -> None:
        """Remove all indexes of a source on a datamart.

        Raises:
            ReconcilerError: one cannot be removed.
        """
        for name in self.store.names(prefix(self.scope(datamart_id), source)):
            self.store.delete(name)

    def only(self, source: str, datamart_id: str, name: str) -> None:
        """Remove the other indexes of a source on a datamart: they are of loads before, or of seals that never came.

        Args:
            source: its name.
            datamart_id: of the datamart.
            name: of the index that stays.

        Raises:
            ReconcilerError: one cannot be removed.
        """
        for other in self.store.names(prefix(self.scope(datamart_id), source)):
            if other != name:
                self.store.delete(other)


def _number(name: str) -> int:
    """The number of the load that an index is of, by its name."""
    return int(name.split(".")[-2].removeprefix("g"))


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
    found = compared.delta
    if found is not None:
        return f"; compared with load {found.base}: {in_words(found)}"
    return f"; all rows are sent: {compared.why}" if compared.why and not compared.refused else ""


def _loads(names: Sequence[str]) -> str:
    """The loads that indexes are of, by their names."""
    numbers = sorted({_number(n) for n in names})
    return "load " + ", ".join(map(str, numbers))
