"""Read each source once: scans are kept for as long as the places behind them are the same."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import IO

import msgspec

from reconciler.bulk.scan.duplicates import ListedLines
from reconciler.bulk.scan.read_once import once_only
from reconciler.bulk.scan.scan import (
    OnSent,
    Tracker,
    find_superseded,
    scan,
    scan_elsewhere,
    superseded,
)
from reconciler.bulk.scan.scan_cache import KeptScans, compared
from reconciler.bulk.scan.spool import Spools
from reconciler.bulk.scan.spread import Spread, divisible
from reconciler.bulk.scan.workers import Workers
from reconciler.bulk.sources import locations, object_store
from reconciler.bulk.sources.segments import alone
from reconciler.errors import Interrupted
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Reject, Scan
from reconciler.model.source import SourceDefinition

SHARED_FROM = 32_000_000  # bytes from which on starting processes pays
Signature = tuple[tuple[str, tuple[str | int, ...]], ...]


class Scans:
    """A cache in memory; several datamarts with one source share its scan.

    Attributes:
        kept: where scans outlive the process, for `plan`.
        rejects: is given every rejected line as one line of JSON, with its contents; what was read before says too little then.
        schemas: those that profiles are compared with, by the name of their source.
        spools: where sources that cannot be read twice are kept, for `apply`.
    """

    def __init__(
        self,
        root: Path,
        progress: Callable[[str, int], None],
        kept: KeptScans | None = None,
        workers: Callable[[], AbstractContextManager[Executor]] | None = None,
        spools: Spools | None = None,
        rejects: Callable[[str], None] | None = None,
        cluster: Callable[[Callable[[], bool]], Workers | None] = lambda _: None,
    ) -> None:
        self.root, self._progress, self.kept, self._workers = root, progress, kept, workers
        self.spools, self._rejects, self._cluster = spools, rejects, cluster
        self.schemas: Mapping[str, Sequence[DatamartSchema]] = {}
        self._kept: dict[str, tuple[Signature, Scan]] = {}
        self._told = set[tuple[str, Signature]]()  # of what rejected lines were given; it may be read again
        # Loads of one source on many datamarts ask at once; one of them reads it.
        self._lock = threading.Lock()
        self._stopping: Callable[[], bool] = lambda: False

    def names(self, source: SourceDefinition) -> list[str]:
        """Places of the source as they are now.

        Raises:
            ReconcilerError: a pattern matches nothing, or leaves the workspace.
        """
        return locations.find(self.root, source)

    def once_only(self, source: SourceDefinition) -> bool:
        """True if only apply may read it.

        Raises:
            ReconcilerError: a web server cannot be asked.
        """
        return once_only(source)

    def pinned(self, source: SourceDefinition) -> SourceDefinition:
        """The source with its query's text pinned by a digest.

        Raises:
            ReconcilerError: the query cannot be read.
        """
        if source.sql is None or self.spools is None:
            return source
        text = self.spools.resolve("query of a source", source.sql.query, source.outside)
        return replace(source, sql=replace(source.sql, digest=hashlib.sha256(text.encode()).hexdigest()))

    def readable(self, source: SourceDefinition, approval: str = "") -> SourceDefinition:
        """The source as something that can be read again; one that cannot is read into a spool, now or before.

        Args:
            source: any.
            approval: of a plan that asks for it to be read anew.

        Raises:
            ReconcilerError: it cannot be read.
        """
        if self.spools is None:
            return source
        with self._lock:
            self.spools.use(source)
            found = self.spools.readable(source, approval) if once_only(source) else source
            if found.duplicates != "keep_last":
                return found
            return replace(found, superseded=str(self.spools.superseded(found, self._find_superseded)))

    def stop_when(self, stopping: Callable[[], bool]) -> None:
        """Read on only for as long as this is false; `Interrupted` is raised then."""
        self._stopping = stopping
        if self.spools is not None:
            self.spools.stopping = stopping

    def abandon(self) -> None:
        """The process ends now: nothing stays of what was not read to its end."""
        if self.spools is not None:
            self.spools.abandon()

    @contextmanager
    def for_once(self, source: SourceDefinition) -> Iterator[SourceDefinition]:
        """The source as something that can be read, for a look; nothing of what was read stays.

        Raises:
            ReconcilerError: it cannot be read.
        """
        if self.spools is None or not once_only(source):
            yield source
            return
        with self.spools.aside() as aside:
            yield aside.readable(source)

    def forget(self, source: SourceDefinition) -> None:
        """Read a source anew the next time, in this process or a later one: its bytes were not those of its scan."""
        with self._lock:
            self._kept.clear()
            if self.kept is not None:
                self.kept.forget(source)

    def get(self, source: SourceDefinition, tracker: Tracker | None = None) -> Scan:
        """The scan of a source as its places are now.

        Args:
            source: what to read.
            tracker: remembers all rows, if the source is read for this; where its scan is known, it is not.

        Raises:
            ReconcilerError: it cannot be read.
        """
        with self._lock:
            return self._get(source, tracker)

    def _get(self, source: SourceDefinition, tracker: Tracker | None) -> Scan:
        plain = replace(
            source,
            former=(),
            allow="0",
            verify=0,
            keep_generations=None,
            send="all",
            full_every=0,
            gone="keep",
            base="",
            schema="warn",
        )  # what does not shape what is read
        key = repr(plain)
        object_store.forget()
        names = locations.find(self.root, source)
        signature = tuple((p, locations.state(self.root, p)) for p in names)
        kept = self._kept.get(key)
        if kept is None or kept[0] != signature or not compared(kept[1], self._against(source)):
            try:
                kept = (signature, self._read(plain, signature, source.gone, tracker))
            except Interrupted:
                raise
            except Exception:
                if self.spools is not None:
                    self.spools.drop(source)
                raise
            self._kept[key] = kept
        return kept[1]

    def _read(
        self, source: SourceDefinition, signature: Signature, gone: str, tracker: Tracker | None
    ) -> Scan:
        keep, tracked, names = self._rejects, replace(source, gone=gone), [name for name, _ in signature]
        if keep is not None and (source.source, signature) not in self._told:
            read = self.read(
                tracked,
                lambda reject, data: keep(with_contents(reject, data)),
                contents=True,
                tracker=tracker,
            )
            self._told.add((source.source, signature))
            return read
        if self.kept is None or source.of_this_run:
            return self.read(tracked, tracker=tracker)
        return self.kept.get(
            source, names, lambda: self.read(tracked, tracker=tracker), self._against(source)
        )

    def _against(self, source: SourceDefinition) -> Sequence[DatamartSchema]:
        return self.schemas.get(source.source, ())

    def read(
        self,
        source: SourceDefinition,
        on_reject: Callable[[Reject, object], None] | None = None,
        *,
        contents: bool = False,
        on_sent: OnSent | None = None,
        tracker: Tracker | None = None,
    ) -> Scan:
        """Read a source, whatever is known of it.

        Args:
            source: what to read.
            on_reject: is given every rejected line.
            contents: with its data, too.
            on_sent: is given the commands of each segment.
            tracker: remembers all rows.

        Raises:
            ReconcilerError: it cannot be read.
            Interrupted: the run is to end.
        """
        names, schemas = locations.find(self.root, source), self._against(source)

        def progress(lines: int) -> None:
            if self._stopping():
                raise Interrupted
            self._progress(source.source, lines)

        stays = on_sent is not None or (tracker is not None and tracker.stays)
        stays = stays or (source.duplicates == "keep_last" and not source.superseded)
        if contents:  # what is rejected is read here, from where it stands
            packed = source.format != "parquet" and not all(alone(name, source) for name in names)
            stays = stays or packed or bool(source.superseded)
        workers = None if stays else self._of_cluster(source, names)
        if workers is not None:
            with self._spread(workers, names, source, schemas) as spread:
                return scan_elsewhere(
                    spread,
                    names,
                    source,
                    progress,
                    on_reject,
                    contents=contents,
                    tracker=tracker,
                    schemas=schemas,
                )
        with self._pool(names) as pool:
            return scan(
                self.root,
                source,
                progress,
                on_reject,
                pool,
                contents=contents,
                on_sent=on_sent,
                tracker=tracker,
                schemas=schemas,
            )

    def _find_superseded(self, source: SourceDefinition, into: IO[bytes]) -> None:
        """Write the places of lines that a later one replaces."""
        names = locations.find(self.root, source)

        def check_stop() -> None:
            if self._stopping():
                raise Interrupted

        if (workers := self._of_cluster(source, names)) is not None:
            with self._spread(workers, names, source) as spread:
                superseded(spread, names, source, into, check_stop)
            return
        with self._pool(names) as pool:
            find_superseded(self.root, source, into, pool, check_stop)

    def _small(self, names: Sequence[str]) -> bool:
        return self._workers is None or sum(locations.size(self.root, p) for p in names) < SHARED_FROM

    def _pool(self, names: Sequence[str]) -> AbstractContextManager[Executor | None]:
        """Processes of this machine, where they pay."""
        return nullcontext() if self._workers is None or self._small(names) else self._workers()

    def _of_cluster(self, source: SourceDefinition, names: Sequence[str]) -> Workers | None:
        if self._small(names) or not divisible(source, names):
            return None
        return self._cluster(self._stopping)

    @contextmanager
    def _spread(
        self,
        workers: Workers,
        names: Sequence[str],
        source: SourceDefinition,
        schemas: Sequence[DatamartSchema] = (),
    ) -> Iterator[Spread]:
        """A pass by workers, with the lists that say which lines are sent."""
        with ExitStack() as stack:

            def listed(path: str) -> ListedLines | None:
                return ListedLines(stack.enter_context(Path(path).open("rb"))) if path else None

            lists = listed(source.superseded), listed(source.listed)
            yield stack.enter_context(closing(Spread(workers, self.root, names, source, schemas, *lists)))


def with_contents(reject: Reject, data: object) -> str:
    """One line of the file of rejected lines."""
    said = {
        "path": reject.path,
        "line": reject.line,
        "row": reject.row,
        "column": reject.column,
        "code": reject.code,
        "reason": reject.reason,
    }
    kept = {k: v for k, v in said.items() if v is not None}
    return msgspec.json.encode({**kept, "data": data}).decode()
