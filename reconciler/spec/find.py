"""Find spec files. Imports no YAML: a run that finds nothing changed never parses anything."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error

WORKSPACE_FILE = "reconciler.yaml"
_SUFFIXES = (".yaml", ".yml")


class State(NamedTuple):
    """What the file system said of a file when it was found; a file that says the same later is the same file."""

    size: int
    inode: int
    modified_ns: int
    changed_ns: int


class SpecFile(NamedTuple):
    """A file.

    Attributes:
        shown: its name as users write it: relative to the workspace where it lies inside.
        state: taken before it is read.
    """

    path: str
    shown: str
    state: State


def find(root: Path, folders: Sequence[str]) -> tuple[list[SpecFile], list[Diagnostic]]:
    """All spec files below the folders, in a stable order; hidden files and folders are other tools'."""
    return _find(root, [os.path.join(root, f) for f in folders])  # noqa: PTH118 - ten thousand of them


def find_named(root: Path, paths: Sequence[Path]) -> tuple[list[SpecFile], list[Diagnostic]]:
    """The files named on the command line, and all below the folders named there."""
    return _find(root, [str(p) for p in paths])


def spec_file(path: str, shown: str) -> SpecFile:
    """A file as it is now; one that cannot be looked at has no state, and reading it will say why."""
    try:
        s = os.stat(path)  # noqa: PTH116 - ten thousand of them
    except OSError:
        return SpecFile(path, shown, State(-1, 0, 0, 0))
    return SpecFile(path, shown, State(s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns))


def workspace_file(root: Path) -> SpecFile:
    """The workspace file."""
    return spec_file(str(root / WORKSPACE_FILE), WORKSPACE_FILE)


def _find(root: Path, bases: Sequence[str]) -> tuple[list[SpecFile], list[Diagnostic]]:
    files: dict[str, SpecFile] = {}
    findings: list[Diagnostic] = []
    above = os.path.abspath(root)  # noqa: PTH100 - links are not followed: names stay as users wrote them
    workspace = os.path.join(above, WORKSPACE_FILE)  # noqa: PTH118
    for base in bases:
        start = os.path.abspath(base)  # noqa: PTH100
        if os.path.isdir(start):  # noqa: PTH112
            found = sorted(p for p in _walk(start, above, findings, frozenset()) if p.endswith(_SUFFIXES))
        elif os.path.isfile(start):  # noqa: PTH113
            found = [start]
        else:
            shown = _shown(above, start)
            findings.append(error("spec-no-such-path", f"there is no file or folder {shown}", Span(shown)))
            continue
        for path in found:
            if path != workspace:
                files.setdefault(path, spec_file(path, _shown(above, path)))
    return list(files.values()), findings


def _walk(folder: str, above: str, findings: list[Diagnostic], within: frozenset[str]) -> Iterator[str]:
    """Files at any depth. Links are followed, but not into a folder that one is within already."""
    real = os.path.realpath(folder)
    if real in within:
        return
    try:
        with os.scandir(folder) as entries:
            found = [e for e in entries if not e.name.startswith(".")]
    except OSError as e:
        words = f"cannot read the folder: {e.strerror}"
        findings.append(error("spec-unreadable", words, Span(_shown(above, folder))))
        return
    for entry in found:
        if entry.is_dir():
            yield from _walk(entry.path, above, findings, within | {real})
        elif entry.is_file() or entry.is_symlink():  # a link that leads nowhere is a file that cannot be read
            yield entry.path


def _shown(above: str, path: str) -> str:
    inside = path.startswith(above + os.sep)
    return path[len(above) + 1 :] if inside else path
