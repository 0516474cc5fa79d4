"""What a pattern that matches no file may be meant to be: it is walked part by part, and a part that leads nowhere is corrected.

Nothing outside the workspace is looked at, and a bounded number of names.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from reconciler.beneath import within
from reconciler.bulk.sources.patterns import accepts, has_wildcard
from reconciler.kinds.counts import few
from reconciler.kinds.nearest import closest, closest_name, proposal
from reconciler.model.packed import PACKED

_COMPARED = 1000  # names of one folder, and folders
_LISTED = 5  # names in a message


class Names(NamedTuple):
    """What a folder holds; nothing where it is none, or none to look into."""

    folders: Sequence[str] = ()
    files: Sequence[str] = ()


Look = Callable[[str], Names]


def advice(root: Path, pattern: str) -> str:
    """What to do about a pattern that matches no file of the workspace."""

    def look(folder: str) -> Names:
        return _names(root, folder)

    found = _deeper(pattern, look) or _corrected(pattern, look)
    return " ".join(filter(None, (found and found.rstrip(), "Paths are relative to the workspace")))


def _deeper(pattern: str, look: Look) -> str | None:
    """Files of this name in folders below that of the pattern: a placeholder or a folder may be forgotten. Pure."""
    folder, _, name = pattern.rpartition("/")
    if has_wildcard(pattern):
        return None
    found = [_join(f, name) for f in _below([folder], look)[1:] if name in look(f).files]
    return f"Files of this name: {few(found, _LISTED)}." if found else None


def _corrected(pattern: str, look: Look) -> str | None:
    """The pattern that may be meant, else the part of it that leads to something, else what is where it ends. Pure."""
    parts = [p for p in pattern.split("/") if p]
    folders, written, right, wrong = ["/" if pattern.startswith("/") else ""], [], 0, False
    for n, part in enumerate(parts):
        last = n == len(parts) - 1
        if part == "**" and not last:
            folders = _below(folders, look)
            written.append(part)
            continue
        here = [(f, name) for f in folders for name in (look(f).files if last else look(f).folders)]
        matching = [x for x in here if accepts(part, x[1])]
        near = None
        if not matching:
            near = _near(part, {name for _, name in here if not name.startswith(".")})
            if near is None:
                return _told(pattern, written, right) if wrong else _there(folders, here if last else ())
            matching, wrong, right = [x for x in here if accepts(near, x[1])], True, n + 1
        written.append(part if near is None else near)
        folders = [_join(f, name) for f, name in matching][:_COMPARED]
    return _told(pattern, written, len(parts)) if wrong else None


def _told(pattern: str, written: Sequence[str], count: int) -> str:
    return proposal(("/" if pattern.startswith("/") else "") + "/".join(written[:count]))


def _there(folders: Sequence[str], here: Sequence[tuple[str, str]]) -> str | None:
    """What lies in the one folder to which all but the last part of a pattern leads."""
    if len(folders) != 1 or not folders[0] or not here:
        return None
    names = sorted(name for _, name in here)
    return f"{folders[0]} has {few(names, _LISTED)}."


def _near(part: str, names: set[str]) -> str | None:
    """What one part of a pattern may be meant to be, of which no name is."""
    known = sorted(names)
    if not has_wildcard(part):
        return closest_name(part, known)
    return _other_suffix(part, known) or _other_beginning(part, known)


def _other_suffix(part: str, known: Sequence[str]) -> str | None:
    """The pattern with the suffix that names have which it matches but for that: `*.cvs`."""
    head = part.split(".", 1)[0] if has_wildcard(part.split(".", 1)[0]) else part.rpartition(".")[0]
    if not has_wildcard(head):
        return None
    suffixes = {_suffix(n) for n in known if accepts(f"{head}*", n)} - {""}
    found = closest(part.removeprefix(head), suffixes)
    return None if found is None else head + found


def _suffix(name: str) -> str:
    """The last ending, with the one before it where the last one tells how it is packed."""
    path = PurePosixPath(name)
    return PurePosixPath(path.stem).suffix + path.suffix if path.suffix in PACKED else path.suffix


def _other_beginning(part: str, known: Sequence[str]) -> str | None:
    """The pattern with the beginning that names have which it matches but for that: `custmers-*.csv`."""
    first = next(i for i, character in enumerate(part) if has_wildcard(character))
    written, rest = part[:first], part[first:]
    lengths = range(max(1, first - 1), first + 3)
    beginnings = sorted({n[:k] for n in known for k in lengths if accepts(n[:k] + rest, n)})
    found = closest(written, beginnings) if written else None
    return None if found is None else found + rest


def _below(folders: Sequence[str], look: Look) -> list[str]:
    """Folders and all folders below them."""
    found = list(folders)
    for folder in found:  # grows while it is walked
        if len(found) < _COMPARED:
            found += [_join(folder, name) for name in look(folder).folders if not name.startswith(".")]
    return found[:_COMPARED]


def _names(root: Path, folder: str) -> Names:
    folders: list[str] = []
    files: list[str] = []
    with suppress(OSError):
        real = os.path.realpath(root / folder)
        if within(os.path.realpath(root), real):
            with os.scandir(real) as entries:
                for entry in islice(entries, _COMPARED):
                    if entry.name.isprintable():
                        (folders if entry.is_dir() else files).append(entry.name)
    return Names(sorted(folders), sorted(files))


def _join(folder: str, name: str) -> str:
    return f"{folder}{name}" if folder in ("", "/") else f"{folder}/{name}"
