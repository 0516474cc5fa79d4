"""The sent indexes of a workspace: written, opened, compared and removed (design 11)."""

import re
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import msgspec

from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.difference import Counts, difference
from reconciler.bulk.sent.digests import Key, SourceRows
from reconciler.bulk.sent.index_file import ENTRY, Description, Unusable, read_index, write_index
from reconciler.bulk.sent.store import Store
from reconciler.bulk.sent.stored import IDENTITIES, Stored, number_of
from reconciler.bulk.sources import enciphered
from reconciler.errors import DiskFailed, ReconcilerError
from reconciler.kinds.names import SealName
from reconciler.model.load import Scan
from reconciler.model.sent import KeptIndex
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import identified, load_digest
from reconciler.planning.loads.delta import index_name, index_of, prefix, scope
from reconciler.planning.loads.generations import Generation

_INDEX = re.compile(rf"g\d+\.[0-9a-f]+(?:{IDENTITIES})?")  # what follows the prefix in the name of either


class SentIndexes:
    """The sent indexes of one workspace.

    Args of the constructor:
        scans: reads sources.
        store: where indexes lie.
        key: gives the key of the digests; with True it is made where there is none. None where there is none. Where other
            processes read, it can be pickled, and finds the key there.
        origin: of the platform, as text.
        organisation_id: of the platform.
        lists: gives a folder that only its owner can read, until it is closed.
    """

    def __init__(
        self,
        scans: Scans,
        store: Store,
        key: Key,
        origin: str,
        organisation_id: str,
        lists: Callable[[], AbstractContextManager[Path | str]],
    ) -> None:
        self.scans, self.store, self._key, self._new_lists = scans, store, key, lists
        self._about, self._stored = (origin, organisation_id), Stored(store, key)
        self._lists: Path | str | None = None
        self._made, self._making = ExitStack(), threading.Lock()
        self._tracked: tuple[SourceDefinition, str, SourceRows] | None = None

    def close(self) -> None:
        """Remove the lists of lines, and digests."""
        self._forget()
        self._made.close()
        self._lists = None

    def new_list(self) -> Path:
        """A new file for the length of a run, in a folder that only its owner can read.

        Raises:
            DiskFailed: it cannot be made.
        """
        with self._making:  # loads are carried out side by side
            if self._lists is None:
                self._lists = self._made.enter_context(self._new_lists())
        try:
            with tempfile.NamedTemporaryFile(dir=self._lists, delete=False) as file:
                return Path(file.name)
        except OSError as e:
            raise DiskFailed.of("write", Path(self._lists), e) from None

    def _scope(self, datamart_id: str, workspace: str) -> str:
        """What indexes of a workspace and a datamart have in their names."""
        return scope(*self._about, datamart_id, workspace)

    @contextmanager
    def rows(self, source: SourceDefinition, *, make_key: bool = False) -> Iterator[tuple[Scan, SourceRows]]:
        """A scan of all rows, and their digests, for as long as they are needed.

        Args:
            source: to read.
            make_key: an index is made of them: where there is no key, one is made, and identities are kept where they are needed.

        Raises:
            ReconcilerError: it cannot be read, or there is no key.
        """
        with closing(self._rows(source, make_key=make_key)) as rows:
            yield self.scans.read(source, tracker=rows), rows

    def _rows(self, source: SourceDefinition, *, make_key: bool) -> SourceRows:
        """A place for the digests of a source.

        Raises:
            ReconcilerError: there is no key, or the library for identities is not installed.
        """
        deletes = source.gone == "delete"
        if deletes:
            enciphered.require()
        if make_key:
            self._key(True)
        return SourceRows(self._key, identities=make_key and deletes)

    def scan(self, source: SourceDefinition, datamart_id: str) -> Scan:
        """A scan of all rows; if the source is read for it, and there is an index to compare them with, their digests are kept.

        Raises:
            ReconcilerError: it cannot be read.
        """
        if source.gone == "delete":
            enciphered.require()
        if source.send != "changed" or self._key(False) is None or not self._has_one(source, datamart_id):
            return self.scans.get(source)
        rows = self._rows(source, make_key=False)
        scan = self.scans.get(source, rows)
        if not rows.fed:
            rows.close()
            return scan
        self._forget()  # those of one source at a time
        self._tracked = (source, scan.source_digest, rows)
        return scan

    def _has_one(self, source: SourceDefinition, datamart_id: str) -> bool:
        """True if there is an index of a source; an object store that does not answer is told of when it is compared."""
        try:
            return bool(self._names(source, datamart_id))
        except ReconcilerError:
            return False

    def _forget(self) -> None:
        if self._tracked is not None:
            self._tracked[2].close()
        self._tracked = None

    def tracked(self, source: SourceDefinition, scan: Scan) -> SourceRows | None:
        """The digests of a source, if it was the last that was read by `scan`."""
        if self._tracked is None or self._tracked[:2] != (source, scan.source_digest):
            return None
        return self._tracked[2]

    @contextmanager
    def opened(
        self, source: SourceDefinition, load: Generation, datamart_id: str
    ) -> Iterator[tuple[Description, Iterator[bytes]]]:
        """The index of a finished load; with `gone: delete`, each entry is followed by whom it is about.

        Raises:
            Unusable: it is not there, or cannot be believed; also while entries are read.
        """
        name = index_of(self._scope(datamart_id, load.key.workspace), load)
        with self._opened(source, name, load.number, datamart_id) as found:
            yield found

    @contextmanager
    def _opened(
        self,
        source: SourceDefinition,
        name: str,
        number: int,
        datamart_id: str,
        resolved: Callable[[Description, str], SourceDefinition] | None = None,
    ) -> Iterator[tuple[Description, Iterator[bytes]]]:
        title = f"load {number}"
        try:
            found = self.store.open(name)
            others = self._names(source, datamart_id) if found is None else []
        except ReconcilerError as e:
            raise Unusable(f"the sent index cannot be read: {e}") from None
        if found is None:
            words = f"; there is one of {_loads(others)}" if others else ""
            raise Unusable(f"there is no sent index of {title}{words}")
        with ExitStack() as stack:
            file = stack.enter_context(found)
            try:
                said, read = read_index(file, self._key(False), name)
            except Unusable as e:
                raise Unusable(f"the sent index of {title} cannot be used: {e}") from None
            if source.gone == "delete":
                known = source if resolved is None else resolved(said, title)
                read = self._stored.with_identities(known, said, title, read, stack)
            yield said, read

    def keep(
        self,
        source: SourceDefinition,
        scan: Scan,
        seal: SealName,
        imports: Mapping[str, Sequence[str]],
        found: Callable[[], Iterable[bytes]],
        since_full: int,
        datamart_id: str,
    ) -> str:
        """Write the index of a load that is about to be sealed, durably; gives its name. It counts once the seal is there.

        Args:
            source: as it was read.
            scan: what was sent of it.
            seal: that the load is about to get.
            imports: ids by name of its chunk imports.
            found: gives its entries (`difference.entries`), as often as it is called.
            since_full: how many deltas follow the last load of all rows.
            datamart_id: of the datamart.

        Raises:
            ReconcilerError: it cannot be written.
        """
        secret = self._key(True)
        assert secret is not None  # noqa: S101 - it is made
        content = load_digest(scan.source_digest, source.compartments) or ""
        name = index_name(self._scope(datamart_id, seal.load.workspace), seal.load, seal, imports)
        about = Description(
            name=name,
            content=content,
            compartment_ids=tuple(str(v) for _, v in sorted(source.compartments.items())),
            since_full=since_full,
            identified=identified(source),
            rows=0,
            unknown=0,
        )

        if source.gone == "delete":
            identities = self._keep_identities(secret, name, found)
            about = msgspec.structs.replace(about, identities=identities)

        def fill(file: IO[bytes]) -> None:
            write_index(file, secret, found(), about)

        self.store.write(name, fill)
        return name

    def _keep_identities(self, secret: bytes, name: str, found: Callable[[], Iterable[bytes]]) -> str:
        """Write whom the entries are about; the id of the file."""
        ids = list[bytes]()

        def fill(file: IO[bytes]) -> None:
            ids.append(enciphered.write(file, secret, name, (x[ENTRY:] for x in found())))

        self.store.write(name + IDENTITIES, fill)
        return ids[-1].hex()

    def kept(self, source: SourceDefinition, datamart_id: str) -> list[KeptIndex]:
        """What is kept of a source on a datamart; each file is read to its end.

        Raises:
            ReconcilerError: the place cannot be read.
        """
        return [x for n in self._names(source, datamart_id) if (x := self._stored.shown(n)) is not None]

    def look(self, source: SourceDefinition, datamart_id: str) -> tuple[int, Counts] | None:
        """A source compared with the newest index that is here, whatever the platform has: its load's number, and counts.

        Args:
            source: as it can be read.
            datamart_id: of the datamart.

        Raises:
            Unusable: the index cannot be believed.
            ReconcilerError: the source cannot be read.
        """
        try:
            name = max(self._names(source, datamart_id), key=number_of, default=None)
        except ReconcilerError as e:
            raise Unusable(f"the sent index cannot be read: {e}") from None
        if name is None:
            return None
        number, counts = number_of(name), Counts()

        def resolved(about: Description, title: str) -> SourceDefinition:
            """Which compartments are meant is known offline from the index alone."""
            names_of_ids = sorted(source.compartments)
            if len(names_of_ids) != len(about.compartment_ids):
                raise Unusable(f"{title} was of other compartments")
            ids: dict[str, str | None] = dict(zip(names_of_ids, about.compartment_ids, strict=True))
            return replace(source, compartments=ids)

        with (
            self._opened(source, name, number, datamart_id, resolved) as (about, sent),
            self.rows(resolved(about, f"load {number}")) as (_, rows),
        ):
            for _ in difference(rows, sent, counts, lambda _: None):
                pass
        return number, counts

    def drop(self, source: SourceDefinition, datamart_id: str) -> None:
        """Remove all indexes of a source on a datamart.

        Raises:
            ReconcilerError: one cannot be removed.
        """
        for name in self._files(source, datamart_id):
            self.store.delete(name)

    def only(self, source: SourceDefinition, datamart_id: str, name: str) -> None:
        """Remove the other indexes of a source on a datamart: they are of loads before, or of seals that never came.

        Args:
            source: whose indexes they are.
            datamart_id: of the datamart.
            name: of the index that stays.

        Raises:
            ReconcilerError: one cannot be removed.
        """
        for other in self._files(source, datamart_id):
            if other.removesuffix(IDENTITIES) != name:
                self.store.delete(other)

    def _names(self, source: SourceDefinition, datamart_id: str) -> list[str]:
        """Names of the indexes of a source on a datamart."""
        return [n for n in self._files(source, datamart_id) if not n.endswith(IDENTITIES)]

    def _files(self, source: SourceDefinition, datamart_id: str) -> list[str]:
        """Names of all that is kept of a source on a datamart, also under names that workspace and source had before."""
        every = dict.fromkeys(((source.workspace, source.source), *source.former))
        starts = [prefix(self._scope(datamart_id, workspace), name) for workspace, name in every]
        return [n for start in starts for n in self.store.names(start) if _INDEX.fullmatch(n, len(start))]


def _loads(names: Sequence[str]) -> str:
    """The loads that indexes are of, by their names."""
    numbers = sorted({number_of(n) for n in names})
    return "load " + ", ".join(map(str, numbers))
