"""Find spec files. Imports no YAML: a run that finds nothing changed never parses anything.

Links are followed as long as they stay inside the workspace; each real folder and each real file counts once, and a search
ends after `MAX_ENTRIES` names.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reconciler.beneath import open_regular, within
from reconciler.errors import ReconcilerError
from reconciler.kinds.nearest import closest_name, nearest_path, proposal
from reconciler.model.address import WORKSPACE_FILE, Span
from reconciler.model.diagnostic import Diagnostic, error, warning

MAX_ENTRIES = 200_000
MAX_BYTES = 5_000_000  # of a file
_SUFFIXES = (".yaml", ".yml")
_LOOK_ALIKE = (".yaml", ".yml", ".json", ".yaml.txt", ".yml.txt")


class State(NamedTuple):
    """What the file system said of a file when it was found; a file that says the same later is the same file."""

    size: int
    inode: int
    modified_ns: int
    changed_ns: int


class SpecFile(NamedTuple):
    """A file.

    Attributes:
        path: where it really is.
        shown: its name as users write it: relative to the workspace where it lies inside.
        state: taken before it is read.
    """

    path: str
    shown: str
    state: State


def find(root: Path, folders: Sequence[str]) -> tuple[list[SpecFile], list[Diagnostic]]:
    """All spec files below the folders, in a stable order; hidden files and folders are other tools'."""
    search = _Search(root)
    for folder in folders:
        start = os.path.abspath(os.path.join(root, folder))  # noqa: PTH100, PTH118
        search.add(start, search.inside, Span(WORKSPACE_FILE))
    return search.done()


def find_named(root: Path, paths: Sequence[Path]) -> tuple[list[SpecFile], list[Diagnostic]]:
    """The files named on the command line, and all below the folders named there; a user may name some elsewhere."""
    search = _Search(root)
    for path in paths:
        start = os.path.abspath(path)  # noqa: PTH100 - links are not followed: names stay as users wrote them
        search.add(start, search.inside if within(search.above, start) else os.path.realpath(start))
    return search.done()


def content_of(file: SpecFile) -> bytes:
    """What a file holds; of one that is too large `MAX_BYTES` and one more, however large it is.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    with open_regular(file.path) as opened:
        content = opened.read(min(max(file.state.size, 0), MAX_BYTES) + 1)
        if len(content) > file.state.size:  # it has grown since it was found
            content += opened.read(MAX_BYTES)
    return content[: MAX_BYTES + 1]


def spec_file(path: str, shown: str) -> SpecFile:
    """A file as it is now; one that cannot be looked at has no state, and reading it will say why."""
    try:
        s = os.stat(path)  # noqa: PTH116 - ten thousand of them
    except OSError:
        return SpecFile(path, shown, State(-1, 0, 0, 0))
    return SpecFile(path, shown, State(s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns))


def workspace_file(root: Path) -> SpecFile:
    """The workspace file, where it really is."""
    return spec_file(os.path.realpath(root / WORKSPACE_FILE), WORKSPACE_FILE)


def check_is_workspace(root: Path) -> None:
    """That there is a workspace file, if only a broken one.

    Raises:
        ReconcilerError: there is none; a folder above that has one is named.
    """
    if os.path.lexists(root / WORKSPACE_FILE):
        return
    todo = (
        "run the command in a workspace, name a workspace with -C DIR, or create one with `reconciler init`"
    )
    here = os.path.abspath(root)  # noqa: PTH100 - names stay as users wrote them
    above = next((p for p in Path(here).parents if os.path.lexists(p / WORKSPACE_FILE)), None)
    if above is not None:
        import shlex  # only where the command stops

        name = os.path.relpath(above)
        todo = f"{name} has one: put -C {shlex.quote(name)} before the command, or run the command there"
    if (other := _misnamed(root)) is not None:
        todo = f"{other} is not read: rename it to {WORKSPACE_FILE}"
    raise ReconcilerError(f"no {WORKSPACE_FILE} in {root}", help=todo)


def _misnamed(root: Path) -> str | None:
    """A file that is meant as the workspace's, by its name."""
    try:
        names = [n for n in os.listdir(root) if n.lower().endswith((".yml", ".yaml"))]  # noqa: PTH208
    except OSError:
        return None
    return closest_name(WORKSPACE_FILE, names)


class _Search:
    """A walk over folders, real ones before those that links lead to: a file is shown by its own name if it has one here.

    Attributes:
        above: the workspace, as the user wrote it.
        inside: the workspace, where it really is.
    """

    def __init__(self, root: Path) -> None:
        self.above = os.path.abspath(root)  # noqa: PTH100
        self.inside = os.path.realpath(root)
        self.workspace = os.path.join(self.inside, WORKSPACE_FILE)  # noqa: PTH118
        self.files: dict[str, str] = {}  # shown names by real path
        self.findings: list[Diagnostic] = []
        self.seen: set[tuple[int, int]] = set()
        self.entries = 0

    def done(self) -> tuple[list[SpecFile], list[Diagnostic]]:
        return [spec_file(real, shown) for real, shown in self.files.items()], self.findings

    def add(self, start: str, bound: str, asked_by: Span | None = None) -> None:
        """A file, or all below a folder; nothing that really lies outside of the bound.

        Args:
            start: its path.
            bound: the real folder that it has to lie in.
            asked_by: the place that names it; None for the command line.
        """
        real = os.path.realpath(start)
        shown = self._shown(start)
        if not within(bound, real):
            self._outside(shown)
        elif os.path.isdir(real):  # noqa: PTH112
            before = len(self.files)
            self._walk(start, real, bound)
            found = list(self.files.items())
            self.files = dict(found[:before] + sorted(found[before:], key=lambda f: f[1]))
        elif os.path.lexists(real):
            self._file(real, shown)
        else:
            words = f"there is no file or folder {shown}"
            self.findings.append(
                error(
                    "spec-no-such-path",
                    words,
                    asked_by,
                    help=_beside(start, shown, self.above if asked_by is None else None),
                )
            )

    def _walk(self, start: str, real: str, bound: str) -> None:
        folders, links = [(start, real)], list[tuple[str, str]]()
        while folders or links:
            folder, where = folders.pop() if folders else links.pop()
            for entry in self._entries(folder, where):
                path, target = f"{folder}{os.sep}{entry.name}", f"{where}{os.sep}{entry.name}"
                if entry.is_symlink():
                    self._link(path, os.path.realpath(target), bound, links)
                elif entry.is_dir():
                    folders.append((path, target))
                elif entry.name.endswith(_SUFFIXES):
                    self._file(target, self._shown(path), regular=entry.is_file())
                elif entry.name.lower().endswith(_LOOK_ALIKE):
                    words = f"{self._shown(path)} is not read: specs are files that end in .yaml or .yml"
                    hint = "rename the file, or move it out of the folder of specs"
                    self.findings.append(
                        warning("spec-look-alike", words, Span(self._shown(path)), help=hint)
                    )

    def _link(self, path: str, target: str, bound: str, links: list[tuple[str, str]]) -> None:
        named = path.endswith(_SUFFIXES)
        if not within(bound, target):
            if named or os.path.isdir(target):  # noqa: PTH112
                self._outside(self._shown(path))
        elif os.path.isdir(target):  # noqa: PTH112
            links.append((path, target))
        elif named:
            self._file(target, self._shown(path))

    def _entries(self, folder: str, real: str) -> list[os.DirEntry[str]]:
        """What a folder holds; nothing if it was seen before, or too much was."""
        try:
            s = os.stat(real)  # noqa: PTH116
            if (s.st_dev, s.st_ino) in self.seen or self.entries > MAX_ENTRIES:
                return []
            self.seen.add((s.st_dev, s.st_ino))
            found = []
            with os.scandir(real) as entries:
                for entry in entries:
                    self.entries += 1
                    if self.entries > MAX_ENTRIES:
                        words = f"more than {MAX_ENTRIES:,} files and folders; the rest was not looked at"
                        self._unreadable(self._shown(folder), words)
                        break
                    if not entry.name.startswith("."):
                        found.append(entry)
        except OSError as e:
            self._unreadable(self._shown(folder), f"cannot read the folder: {e.strerror}")
            return []
        return found

    def _file(self, real: str, shown: str, *, regular: bool | None = None) -> None:
        if regular is None:
            regular = os.path.isfile(real) or not os.path.lexists(real)  # noqa: PTH113 - a link that leads nowhere: reading says so
        if not regular:
            self._unreadable(shown, "not a regular file; it was not read")
        elif real != self.workspace:
            self.files.setdefault(real, shown)

    def _outside(self, shown: str) -> None:
        words = f"{shown} leads outside the workspace; nothing there was read"
        hint = "keep the specs in the workspace; a link may lead to another place inside it"
        self.findings.append(error("spec-outside", words, Span(shown), help=hint))

    def _unreadable(self, shown: str, words: str) -> None:
        self.findings.append(error("spec-unreadable", words, Span(shown)))

    def _shown(self, path: str) -> str:
        inside = path.startswith(self.above + os.sep)
        return path[len(self.above) + 1 :] if inside else path


def _beside(start: str, shown: str, root: str | None) -> str | None:
    """What lies beside a path that does not exist, and may be meant; written as the path is.

    Args:
        start: the whole path.
        shown: as it was written.
        root: the workspace, where a path may be meant to begin that was written for the present folder; None where it does begin there.
    """
    with suppress(OSError):
        return nearest_path(shown, (x.name for x in Path(start).parent.iterdir()))
    if root is None:
        return None
    there = os.path.join(os.path.relpath(root), os.path.relpath(start))  # noqa: PTH118 - as users write them
    if os.path.lexists(there):
        return f"paths begin in the present folder: {proposal(there)}"
    with suppress(OSError):
        return nearest_path(there, (x.name for x in Path(there).parent.iterdir()))
    return None
