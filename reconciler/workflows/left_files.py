"""Single files that earlier runs left: which of them anything that the specs declare may still use.

The rule is the same for all: what nobody declares and nobody holds can be removed. What is in use is not shown.
"""

import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.beneath import within
from reconciler.bulk.scan import scan_cache
from reconciler.bulk.sources import object_store
from reconciler.model.leftover import Left
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.delta import prefix, scope
from reconciler.private_folder import leads_straight
from reconciler.workspace import rejected_rows

_REPLACED = re.compile(r".+\.\d+")  # NAME.PROCESS, by `private_folder.replace_file`
_PARTIAL = re.compile(r".+\.partial-\d+")  # by `bulk.sent.store`
_INDEX = re.compile(r".+\.[0-9a-f]{12}\.g\d+\.[0-9a-f]{20}(-identities)?")  # by `delta.index_name`
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Declared:
    """What the specs declare, in every environment.

    Attributes:
        indexes: how the names of sent indexes of each load begin.
        scans: names of the files that scans of each load are kept in.
    """

    indexes: frozenset[str]
    scans: frozenset[str]


@dataclass(frozen=True, slots=True)
class Places:
    """Where files may lie.

    Attributes:
        ledger: the file; None where it is on a server.
        index: the folder of sent indexes; None where it is an object store, or outside the workspace and so perhaps of others, too.
        cache: the workspace's folder in the user's cache; None where nothing is kept.
    """

    root: Path
    ledger: Path | None
    index: Path | None
    cache: Path | None


def index_folder(root: Path, index: str) -> Path | None:
    """Where sent indexes lie, if that is a folder of this workspace alone."""
    if object_store.is_url(index):
        return None
    folder = root / Path(index).expanduser()
    return folder if within(os.path.realpath(root), os.path.realpath(folder)) else None


def index_prefixes(
    origin: str, organisation_id: str, datamart_id: str, source: SourceDefinition
) -> Iterator[str]:
    """How the names of sent indexes of a load begin, also of those that were made under names it had before.

    Args:
        origin: of the platform, as text.
        organisation_id: of the platform.
        datamart_id: of the datamart.
        source: as specs declare it.
    """
    for workspace, name in {(source.workspace, source.source), *source.former}:
        yield prefix(scope(origin, organisation_id, datamart_id, workspace), name)


def found(places: Places, declared: Declared | None, now: float) -> Iterator[Left]:
    """Files that were left.

    Args:
        places: where to look.
        declared: by the specs; None if that is not known: then all that they may declare is in use.
        now: seconds since 1970.
    """
    yield from _temporary(places.root / ".reconciler", _REPLACED, places.root, now)
    if places.ledger is not None:
        for path in _files(places.ledger.parent, f"{places.ledger.name}.damaged-*"):
            yield left("ledger", path, places.root, "it was set aside, and nothing reads it", removable=True)
    if places.index is not None:
        yield from _temporary(places.index, _PARTIAL, places.root, now)
        if declared is not None:
            words = "no environment of reconciler.yaml declares its source on its datamart any more"
            yield from _undeclared("sent-index", places.index, "*", places.root, _of_index(declared), words)
    if places.cache is not None:
        yield from _temporary(places.cache, _REPLACED, places.root, now)
        for path in rejected_rows.noted(places.cache):
            yield left(
                "rejected-rows", path, places.root, "--rejects wrote it; no load needs it", removable=True
            )
        if declared is not None:
            words, names = (
                "no spec declares its source like this any more",
                {Path(n).stem for n in declared.scans},
            )
            stays = lambda name: Path(name).stem in names  # noqa: E731
            yield from _undeclared("scan", places.cache, f"{scan_cache.PREFIX}*", places.root, stays, words)


def left(kind: str, path: Path, root: Path, why: str, *, removable: bool) -> Left:
    """What is shown of a file or folder.

    Args:
        kind: of `model.leftover.Left`.
        path: of it.
        root: of the workspace.
        why: what it is there for, in words.
        removable: nobody needs it.
    """
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    states = [p.lstat() for p in files]
    modified = max((s.st_mtime for s in states), default=path.lstat().st_mtime)
    named = os.path.relpath(path, root) if within(str(root), str(path)) else str(path)
    return Left(kind, named, len(files), sum(s.st_size for s in states), modified, why, removable)


def _of_index(declared: Declared) -> Callable[[str], bool]:
    def stays(name: str) -> bool:
        return not _INDEX.fullmatch(name) or _begins(name, declared.indexes)

    return stays


def _begins(name: str, prefixes: Collection[str]) -> bool:
    return any(name.startswith(p) for p in prefixes)


def _undeclared(
    kind: str, folder: Path, pattern: str, root: Path, stays: Callable[[str], bool], why: str
) -> Iterator[Left]:
    for path in _files(folder, pattern):
        if not stays(path.name):
            yield left(kind, path, root, why, removable=True)


def _temporary(folder: Path, name: re.Pattern[str], root: Path, now: float) -> Iterator[Left]:
    for path in _files(folder, "*"):
        if name.fullmatch(path.name) and now - path.lstat().st_mtime > _HOUR:
            yield left("temporary", path, root, "the process that was writing it has ended", removable=True)


def _files(folder: Path, pattern: str) -> list[Path]:
    if not leads_straight(folder):
        return []
    return sorted(p for p in folder.glob(pattern) if p.is_file() and not p.is_symlink())
