"""Where the bytes of a source are: files of the workspace, named by paths relative to it, and objects, named by URLs.

A place is a text; `open_place` gives its decompressed bytes from the beginning, and `state` what must be equal for them to
count as unchanged. Memory is bounded by a buffer.
"""

import gzip
import io
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from reconciler.beneath import LeadsOutside, open_regular, real_beneath
from reconciler.bulk.sources import files, meant, object_store
from reconciler.bulk.sources.patterns import natural
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.model.packed import PACKED
from reconciler.model.source import SourceDefinition

BUFFER = 1 << 16


def find(root: Path, source: SourceDefinition) -> list[str]:
    """Places of a source in natural order (part-2 before part-10), each once.

    Raises:
        ReconcilerError: a pattern matches nothing, or leaves the workspace; or something it covers cannot be read.
    """
    objects: set[str] = set()
    local: list[files.File] = []
    for pattern in source.files:
        if object_store.is_url(pattern):
            objects.update(object_store.find(pattern))
            continue
        matches = files.matching(root, pattern)
        if not matches:
            raise ReconcilerError(f"no file matches {pattern!r}", help=meant.advice(root, pattern))
        _require_text(matches)
        if not source.outside:
            _require_inside(root, matches)
        local += matches
    return sorted((*files.each_once(root, local), *objects), key=natural)


def _require_text(matches: list[files.File]) -> None:
    """Names of files stand in plans, reports and the ledger, which are UTF-8."""
    for match in matches:
        try:
            match.path.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(match.path).decode("utf-8", "backslashreplace")
            words = f"the name of the file {shown} is not UTF-8"
            raise ReconcilerError(words, help="rename the file, or exclude it from `files`") from None


def _require_inside(root: Path, matches: list[files.File]) -> None:
    for match in matches:
        try:
            real_beneath(root, match.path)
        except LeadsOutside:
            raise ReconcilerError(
                f"{match.path} lies outside the workspace",
                help="to allow this, set allow_outside_paths: true in reconciler.yaml",
            ) from None


def state(root: Path, place: str) -> tuple[str | int, ...]:
    """What is equal while a place's content is taken to be.

    Raises:
        ReconcilerError: it is not there.
    """
    if object_store.is_url(place):
        return tuple(str(x) for x in object_store.head(place))
    try:
        s = (root / place).stat()
    except OSError as e:
        raise ReconcilerError(f"cannot read {place}: {e.strerror}") from None
    return s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino


def size(root: Path, place: str) -> int:
    """Its bytes as it lies there.

    Raises:
        ReconcilerError: an object is not there, or its store does not answer.
        OSError: a file is not there.
    """
    return object_store.head(place).size if object_store.is_url(place) else (root / place).stat().st_size


def youngest(root: Path, place: str) -> int:
    """When a file last changed, in nanoseconds; 0 for objects, whose tags tell."""
    if object_store.is_url(place):
        return 0
    s = (root / place).stat()
    return max(s.st_mtime_ns, s.st_ctime_ns)


def compression_of(place: str, said: str) -> str:
    """none, gzip or zstd: as said, or by suffix."""
    if said != "suffix":
        return said
    return PACKED.get(Path(place).suffix, "none")


def is_plain(place: str, said: str) -> bool:
    """True if a process can read any part of it by itself, and at once."""
    return compression_of(place, said) == "none" and not object_store.is_url(place)


def open_place(root: Path, place: str, compression: str) -> IO[bytes]:
    """The decompressed bytes of one place.

    Raises:
        MissingExtra: the library for its compression is not installed.
        OSError: it cannot be opened.
        ReconcilerError: an object cannot be read.
    """
    where = object_store.open_object(place) if object_store.is_url(place) else root / place
    match compression_of(place, compression):
        case "gzip":
            return gzip.open(where)  # type: ignore[return-value]
        case "zstd":
            return _zstd().open(where)  # type: ignore[no-any-return]
        case _:
            pass
    if isinstance(where, Path):
        return io.BufferedReader(open_regular(os.path.realpath(where)), BUFFER)  # type: ignore[type-var]
    return where


@contextmanager
def as_file(root: Path, place: str) -> Iterator[Path]:
    """A path at which one place can be read, for readers that need one; of an object, a copy without a name.

    Raises:
        OSError: it cannot be opened.
        ReconcilerError: an object cannot be read.
    """
    if not object_store.is_url(place):
        yield root / place
        return
    with object_store.open_object(place) as remote, tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(remote, copy, BUFFER)
        copy.flush()
        yield Path(f"/dev/fd/{copy.fileno()}")


def damage() -> tuple[type[Exception], ...]:
    """What reading a damaged place, or one that is not packed as said, may raise."""
    zstd = sys.modules.get("backports.zstd") or sys.modules.get("compression.zstd")
    return (OSError, EOFError, zlib.error, *((zstd.ZstdError,) if zstd else ()))


def damage_words(e: Exception) -> str:
    """What is wrong with a damaged place, without a byte of it."""
    if isinstance(e, gzip.BadGzipFile) and str(e).startswith("Not a gzipped file"):
        return "it is not packed by gzip, or other data follows what is"
    if isinstance(e, EOFError):
        return "it ends before what is packed in it does: it is not whole, or is still being written"
    return getattr(e, "strerror", None) or str(e)


def _zstd() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        raise MissingExtra("zstd compression", "files") from None
    return zstd
