"""Scans of sources, kept in the user's cache folder so that no run reads again what an earlier one has read.

A scan holds counts, digests and reasons, never contents (G9). It holds for as long as its files' names, sizes, inodes and
times are the same, read by the same definition with the same code; a file that is younger than a clock's tick when its
reading begins is not kept, since a later edit could hide there. An edit that hides all the same, with a clock set back, is never sent: every sender compares
the bytes of its chunk with the digest in the chunk's name before the last block. A folder that cannot be written costs the
cache, never the plan.
"""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import msgspec

from reconciler.bulk.sources.locations import state, youngest
from reconciler.errors import DiskFailed
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Scan
from reconciler.model.source import SourceDefinition
from reconciler.private_folder import replace_file
from reconciler.workspace.cache import TICK_NS, clock_of, code_digest, kept_file

CODE = ("bulk", "kinds", "model", "planning", "workspace")  # what decides a scan
PREFIX = "scan-"  # begins the names of kept scans
READINGS = (
    4  # of one source: by the cut of loads on several datamarts, by the compartments of several environments
)
LIBRARIES = ("msgspec", "polars")  # what they make of the same bytes may differ by version


class _Kept(msgspec.Struct, frozen=True):
    key: str
    states: list[tuple[str, list[str | int]]]
    digest: str  # of `scan`: a file that a disk or a hand has altered is not believed
    scan: msgspec.Raw


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _scan_of(kept: _Kept) -> Scan | None:
    if kept.digest != _digest(bytes(kept.scan)):
        return None
    with suppress(msgspec.MsgspecError):
        return msgspec.json.decode(kept.scan, type=Scan)
    return None


def compared(scan: Scan, schemas: Sequence[DatamartSchema]) -> bool:
    """Whether a scan says how its profiles fit all of these schemas."""
    return all(schema.digest in scan.schema for schema in schemas)


class KeptScans:
    """Where the scans of one workspace are kept.

    Args:
        root: the workspace.
        folder: what was kept lies there (`workspace.cache.cache_folder`).
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder

    @cached_property
    def _code(self) -> str:
        """What the scans of other code are told apart by; found only where a source is looked at."""
        return code_digest(CODE, LIBRARIES)

    def get(
        self,
        source: SourceDefinition,
        names: Sequence[str],
        read: Callable[[], Scan],
        schemas: Sequence[DatamartSchema] = (),
    ) -> Scan:
        """The kept scan if it still holds; else what `read` gives, kept.

        Args:
            source: what is read; names under which earlier loads were made have no part in it.
            names: its places.
            read: reads them.
            schemas: those that its profiles must have been compared with.

        Raises:
            ReconcilerError: a place is not there, or `read` says so.
        """
        key = hashlib.sha256(f"{self._code} {source!r}".encode()).hexdigest()
        states = [(p, list(state(self.root, p))) for p in names]
        place = self.place(source)
        readings = [r for r in self._readings(place) if r.states == states]
        for reading in readings:
            found = _scan_of(reading) if reading.key == key else None
            if found is not None and compared(found, schemas):
                return found
        began = clock_of(place)
        scan = read()
        if self._settled(names, began):
            with suppress(OSError, DiskFailed):
                plain = msgspec.json.encode(scan)
                new = _Kept(key, states, _digest(plain), msgspec.Raw(plain))
                others = [r for r in readings if r.key != key]
                replace_file(place, msgspec.json.encode([new, *others][:READINGS]))
        return scan

    def _readings(self, place: Path) -> list[_Kept]:
        """What is kept of a source, newest first."""
        with suppress(OSError, DiskFailed, msgspec.MsgspecError):
            return msgspec.json.decode(kept_file(self.folder, place.name), type=list[_Kept])
        return []

    def forget(self, source: SourceDefinition) -> None:
        """What was read of a source is not to be believed any more."""
        with suppress(OSError):
            self.place(source).unlink(missing_ok=True)

    def _settled(self, names: Sequence[str], began: int) -> bool:
        """True if no later edit can hide in the timestamp tick of an earlier one."""
        return max((youngest(self.root, p) for p in names), default=0) < began - TICK_NS

    def place(self, source: SourceDefinition) -> Path:
        """The file in which the scans of a source are kept, one for each way in which it is read."""
        files = hashlib.sha256("\0".join(source.files).encode()).hexdigest()[:12]
        return self.folder / f"{PREFIX}{source.source}-{files}.json"
