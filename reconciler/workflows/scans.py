"""Read each source once: scans are kept for as long as the files behind them are the same."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reconciler.bulk.scan import scan
from reconciler.bulk.sources import find_files
from reconciler.model.load import Scan
from reconciler.model.source import SourceDefinition
from reconciler.workflows.kept_scans import KeptScans

Signature = tuple[tuple[str, int, int, int], ...]


class Scans:
    """A cache in memory; several datamarts with one source share its scan.

    Attributes:
        kept: where scans outlive the process, for `plan`.
    """

    def __init__(
        self, root: Path, progress: Callable[[str, int], None], kept: KeptScans | None = None
    ) -> None:
        self.root, self._progress, self.kept = root, progress, kept
        self._kept: dict[str, tuple[Signature, Scan]] = {}
        self._lock = (
            threading.Lock()
        )  # loads of one source on many datamarts ask at once; one of them reads it

    def get(self, source: SourceDefinition) -> Scan:
        """The scan of a source as its files are now.

        Raises:
            ReconcilerError: it cannot be read.
        """
        with self._lock:
            return self._get(source)

    def _get(self, source: SourceDefinition) -> Scan:
        plain = replace(source, former=(), allow="0")  # neither shapes what is read
        key = repr(plain)
        signature = self._signature(source)
        kept = self._kept.get(key)
        if kept is None or kept[0] != signature:
            kept = (signature, self._read(plain))
            self._kept[key] = kept
        return kept[1]

    def _read(self, source: SourceDefinition) -> Scan:
        def read() -> Scan:
            return scan(self.root, source, lambda n: self._progress(source.source, n))

        return self.kept.get(source, find_files(self.root, source), read) if self.kept else read()

    def _signature(self, source: SourceDefinition) -> Signature:
        stats = ((p, p.stat()) for p in find_files(self.root, source))
        return tuple((str(p), s.st_size, s.st_mtime_ns, s.st_ino) for p, s in stats)
