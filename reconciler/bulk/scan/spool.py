"""Sources that cannot be read twice: what they gave is kept in a file until it is loaded (design 6).

A source is read into a spool once, by apply; from there on it is like any other: scanned, cut, sent, resumed. Spools hold
profile data: they lie below `.reconciler/spool/`, are readable by their owner only, and go when their load is sealed. A spool
that a killed run left behind is used before anything newer is read, so that what was begun ends with the same bytes; it is
used for the environment, endpoint and organisation that it was read for, and for no other.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO

import msgspec

from reconciler.bulk.scan import held
from reconciler.bulk.scan.held import Holds, Owner, Use
from reconciler.bulk.scan.read_once import Resolve, read_once
from reconciler.bulk.sources import object_store
from reconciler.model.source import SPOOL, SourceDefinition
from reconciler.planning.digests import canonical, shape
from reconciler.private_folder import leads_straight, not_usable, private_file, private_folder

LISTS = "lists"  # begins the names of folders with lists of lines
_PREFIX = "reconciler-"  # before that, in the temporary folder


class Spools:
    """The spools of one workspace.

    Attributes:
        resolve: gives the text behind a typed reference; with True, of a file anywhere.
        owner: for what sources are read.
        stopping: true once nothing more is to be read.
    """

    def __init__(
        self,
        folder: Path,
        root: Path,
        resolve: Resolve,
        owner: Callable[[], Owner] = Owner,
        flock: held.Flock = fcntl.flock,
    ) -> None:
        self.folder, self.root, self.resolve, self.owner = folder, root, resolve, owner
        self._used: set[Path] = set()
        self._kept: set[Path] = set()
        self._left: set[Path] = set()
        self._lists: Path | None = None
        self._flock = flock
        self._holds = Holds(flock)
        self._open = ExitStack()
        self._unfinished: set[Path] = set()
        self.stopping: Callable[[], bool] = lambda: False

    def abandon(self) -> None:
        """The process ends now: remove what it has not finished writing, as nobody waits for who writes it."""
        for path in tuple(self._unfinished):
            _remove(path)

    def remove_abandoned(self) -> None:
        """Remove what processes that are gone had not finished writing; it may hold profile data (G9)."""
        for path in self.partial():
            self._holds.alone(path, _remove)

    def partial(self) -> list[Path]:
        """Folders that were not finished: somebody writes them, or did."""
        return [p for p in self._folders() if ".partial-" in p.name] + _own_folders()

    def complete(self) -> list[Path]:
        """Folders that were filled to their end."""
        return [p for p in self._folders() if ".partial-" not in p.name]

    def _folders(self) -> list[Path]:
        """Folders in the one of spools, in order; none where a link leads there, or is one of them."""
        if not leads_straight(self.folder):
            return []
        return sorted(p for p in self.folder.glob("*") if p.is_dir() and not p.is_symlink())

    def in_use(self, place: Path) -> Use:
        """Whether somebody holds a folder."""
        return self._holds.use(place)

    def remove(self, place: Path) -> Use:
        """Remove a folder that nobody holds, and tell whether that was so."""
        return self._holds.alone(place, _remove)

    def places(self, source: SourceDefinition, approval: str = "") -> set[Path]:
        """Where a source may lie: as read without a plan that asks for it anew, by such a plan, or as it is given."""
        return {self._place(source), self._place(source, approval), *self._own(source)}

    def has(self, source: SourceDefinition, approval: str = "") -> bool:
        """True if the source was read before, and what it gave is still kept."""
        return self._place(source, approval).exists()

    def readable(self, source: SourceDefinition, approval: str = "") -> SourceDefinition:
        """The source as something that can be read as often as needed; reads it now unless its spool is there.

        Args:
            source: one that is `once_only`.
            approval: of a plan that asks for it to be read anew; its spool is that plan's own.

        Raises:
            ReconcilerError: it cannot be read to its end; nothing is left of what was read.
            Interrupted: the run is to end.
        """
        place = self._place(source, approval)
        if place.exists() and leads_straight(place) and self._holds.read(place):
            self._left |= {place} - self._used
        else:
            private_folder(self.folder)
            self.remove_abandoned()
            with self._partial(place.name) as partial:
                read_once(source, partial, self.root, self.resolve, self.stopping)
                partial.rename(place)
                self._holds.moved(partial, place)
        self._used.add(place)
        names = sorted(os.path.relpath(p, self.root) for p in place.iterdir() if p.name != held.NAME)
        made = SPOOL if source.sql is not None else source.format
        return replace(source, sql=None, files=tuple(names), format=made, outside=True)

    @contextmanager
    def aside(self) -> Iterator["Spools"]:
        """Spools for one look, removed at its end; what a killed process leaves of them is removed by the next sweep.

        Raises:
            DiskFailed: the folder cannot be made.
        """
        private_folder(self.folder)
        self.remove_abandoned()
        with self._partial("look") as folder:
            yield Spools(folder, self.root, self.resolve, self.owner, self._flock)

    @contextmanager
    def lists(self) -> Iterator[Path]:
        """A folder for lists of lines, removed at its end; what a killed process leaves of it is removed by the next sweep.

        It lies in the temporary folder where the workspace cannot be written: plans and looks write nothing else there.

        Raises:
            DiskFailed: the folder cannot be made.
        """
        place, name = self.folder, LISTS
        if not_usable(place) is not None:
            place, name = Path(tempfile.gettempdir()), f"{_PREFIX}{LISTS}"
        else:
            private_folder(place)
        self.remove_abandoned()
        with self._partial(name, place) as folder:
            yield folder

    def superseded(
        self, source: SourceDefinition, find: Callable[[SourceDefinition, IO[bytes]], None]
    ) -> Path:
        """A list of the lines that later ones replace, for this run; it holds numbers only.

        Args:
            source: whose lines they are.
            find: writes the list.

        Raises:
            ReconcilerError: the source cannot be read.
        """
        if self._lists is None:
            self._lists = self._open.enter_context(self.lists())
        if not (path := self._lists / self._place(source).name).exists():
            try:
                with private_file(path) as file:
                    find(source, file)
            except BaseException:  # what is not whole is no list
                path.unlink(missing_ok=True)
                raise
        return path

    def use(self, source: SourceDefinition) -> None:
        """Note that this run reads a source that lies in a spool already, so that `sweep` knows of it.

        Raises:
            DiskFailed: the spool cannot be held.
        """
        for place in self._own(source):
            self.hold(place)
            self._used.add(place)

    def hold(self, place: Path) -> None:
        """Hold a folder that this process fills or reads, so that nobody removes it.

        Raises:
            DiskFailed: it cannot be held.
        """
        if not (place / held.NAME).exists():
            self._holds.write(place, self.owner())
            self._holds.moved(place, place)
        else:
            self._holds.read(place)

    def _own(self, source: SourceDefinition) -> set[Path]:
        """The spool that a source lies in, if it does."""
        parents = {(self.root / f).parent for f in source.files if not object_store.is_url(f)}
        return {p for p in parents if p.parent == self.folder}

    def keep(self, source: SourceDefinition, approval: str = "") -> None:
        """A load of this source is unfinished: its spool must outlive this run."""
        self._kept |= {self._place(source, approval), *self._own(source)}

    def drop(self, source: SourceDefinition) -> None:
        """What this source lies in could not be read: the next run reads the source anew, not that again."""
        for place in self._own(source):
            self._remove_own(place)

    def is_kept(self, source: SourceDefinition, approval: str = "") -> bool:
        """True if an earlier run left the spool that this run reads: a load may have begun from it."""
        return self._place(source, approval) in self._left

    def sweep(self) -> None:
        """At the end of a run: remove the spools it used and no unfinished load needs, and what killed processes were writing."""
        for place in self._used - self._kept:
            self._remove_own(place)
        self.release()

    def _remove_own(self, place: Path) -> None:
        """Remove what this process held, unless another does."""
        self._holds.release(place)
        if self.remove(place) is Use.UNTOLD:  # the lock of the run excludes the others then
            _remove(place)

    def release(self) -> None:
        """At the end of a run of which nobody knows how far it came: its spools stay, for the next."""
        for place in self._used:
            self._holds.release(place)
        self._used.clear()
        self._lists = None
        self._open.close()
        self.remove_abandoned()

    @contextmanager
    def _partial(self, name: str, place: Path | None = None) -> Iterator[Path]:
        """A new folder that is held while it is written, and removed at the end unless it was renamed."""
        path = (place or self.folder) / f"{name}.partial-{secrets.token_hex(6)}"
        private_folder(path)
        while not self._holds.write(path, self.owner()):  # removed by a sweep before it was held
            path = path.with_name(f"{name}.partial-{secrets.token_hex(6)}")
            private_folder(path)
        self._unfinished.add(path)
        try:
            yield path
        finally:
            _remove(path)
            self._unfinished.discard(path)
            self._holds.release(path)

    def _place(self, source: SourceDefinition, approval: str = "") -> Path:
        what = {"shape": shape(source), "files": source.files, "sql": msgspec.to_builtins(source.sql)}
        what |= {"approval": approval, "owner": asdict(self.owner())}
        return self.folder / f"{source.source}-{hashlib.sha256(canonical(what)).hexdigest()[:12]}"


def _own_folders() -> list[Path]:
    """Folders for lists that this user has in the temporary folder, of whichever workspace; none where there is no such folder."""
    found = list[Path]()
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError:
        return found
    for path in sorted(temporary.glob(f"{_PREFIX}{LISTS}.partial-*")):
        with suppress(OSError):
            seen = path.lstat()
            if stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid():
                found.append(path)
    return found


def _remove(place: Path) -> None:
    if leads_straight(place):
        shutil.rmtree(place, ignore_errors=True)
