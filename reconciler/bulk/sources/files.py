"""Files of the disk that a pattern names. What cannot be looked at is an error, never taken for nothing (G6)."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.bulk.sources.patterns import accepts, has_wildcard, holds_no_rows, may_be_literal, natural
from reconciler.errors import ReconcilerError


class File(NamedTuple):
    """A file that was found: its path as the pattern gives it, and what it is on disk."""

    path: str
    device: int
    inode: int
    size: int


def matching(root: Path, pattern: str) -> list[File]:
    """All files that match; a path is relative to `root` if the pattern is.

    Raises:
        ReconcilerError: a folder or a link on the way cannot be read, or what a name without wildcards means is no file.
    """
    if may_be_literal(pattern) and os.path.lexists(root / pattern):
        return [_named(root, pattern)]
    parts = [p for p in pattern.split("/") if p]
    found = {f.path: f for f in _Walk(root).files("/" if pattern.startswith("/") else "", parts)}
    if not has_wildcard(pattern):
        return list(found.values()) or ([_named(root, pattern)] if os.path.lexists(root / pattern) else [])
    return [f for f in found.values() if not holds_no_rows(f.path, f.size)]


def each_once(root: Path, files: Iterable[File]) -> list[str]:
    """Paths in natural order, one for each file however many names lead to it: the one that is no link, else the first."""
    best: dict[object, tuple[bool, tuple[list[str | int], str], str]] = {}
    for file in files:
        same = (file.device, file.inode) if file.inode else file.path
        linked = (root / file.path).resolve() != root.resolve() / file.path
        candidate = (linked, natural(file.path), file.path)
        best[same] = min(best.get(same, candidate), candidate)
    return sorted((path for _, _, path in best.values()), key=natural)


def _named(root: Path, path: str) -> File:
    seen = _stat(root, path)
    if seen is None:
        raise ReconcilerError(f"cannot read {path}: No such file or directory")
    return _regular(path, seen)


def _regular(path: str, seen: os.stat_result) -> File:
    if stat.S_ISDIR(seen.st_mode):
        raise ReconcilerError(f"{path} is a folder", help="name its files, such as folder/*.csv")
    if not stat.S_ISREG(seen.st_mode):
        raise ReconcilerError(f"{path} is not a file, but the pattern of the source means it")
    return File(path, seen.st_dev, seen.st_ino, seen.st_size)


class _Walk:
    """One expansion of a pattern; folders that links lead to again are read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: set[tuple[int, int, int]] = set()

    def files(self, folder: str, parts: Sequence[str]) -> Iterator[File]:
        """Files below a folder that match the rest of a pattern."""
        part, rest = parts[0], parts[1:]
        if part == "**":
            yield from self.files(folder, rest or ["*"])
            for name in self._names(folder, "*"):
                yield from self._entered(_join(folder, name), parts)
            return
        for name in self._names(folder, part):
            path = _join(folder, name)
            if rest:
                yield from self._entered(path, rest)
            elif found := self._file(path, folders=part == "*"):
                yield found

    def _names(self, folder: str, part: str) -> list[str]:
        literal = not has_wildcard(part) or (
            may_be_literal(part) and os.path.lexists(self.root / folder / part)
        )
        if literal:
            return [part]
        try:
            return [n for n in os.listdir(self.root / folder) if accepts(part, n)]  # noqa: PTH208 - names
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as e:
            raise ReconcilerError(f"cannot read the folder {folder or '.'}: {e.strerror}") from None

    def _entered(self, path: str, parts: Sequence[str]) -> Iterator[File]:
        seen = _stat(self.root, path)
        if seen is None or not stat.S_ISDIR(seen.st_mode):
            return
        place = (seen.st_dev, seen.st_ino, len(parts))
        if seen.st_ino and place in self.seen:
            return
        self.seen.add(place)
        yield from self.files(path, parts)

    def _file(self, path: str, *, folders: bool) -> File | None:
        """What matches; where every name does, `folders` that lie between the files are none of them."""
        seen = _stat(self.root, path)
        if seen is None or (folders and stat.S_ISDIR(seen.st_mode)):
            return None
        return _regular(path, seen)


def _join(folder: str, name: str) -> str:
    return f"{folder}{name}" if folder in ("", "/") else f"{folder}/{name}"


def _stat(root: Path, path: str) -> os.stat_result | None:
    """What a path leads to; None if there is nothing of that name.

    Raises:
        ReconcilerError: there is, but it cannot be looked at.
    """
    try:
        return (root / path).stat()
    except (FileNotFoundError, NotADirectoryError):
        if not os.path.lexists(root / path):
            return None
        raise ReconcilerError(
            f"the target of the link {path} does not exist",
            help="remove the link, or restore its target; the rows of the target would be missing",
        ) from None
    except OSError as e:
        raise ReconcilerError(f"cannot read {path}: {e.strerror}") from None
