"""Specs that exist, matched with what exists on the platform, and changed to say what is there. Sends nothing but GET."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from reconciler.api.client import Reader
from reconciler.beneath import real_beneath
from reconciler.errors import DiskFailed, ReconcilerError
from reconciler.model.adoption import Adoption, SpecEdit
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.plan import Unmanaged
from reconciler.planning.config.removals import Pruning
from reconciler.planning.config.unmanaged import unmanaged
from reconciler.planning.export.bound import adoption
from reconciler.planning.plan.planner import plan_config
from reconciler.spec import adopting
from reconciler.spec.edits import Edit, edited
from reconciler.whole_file import write_whole
from reconciler.workflows.check import Checked
from reconciler.workflows.export import differences, observe_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """One adoption.

    Attributes:
        edits: what differs, and how specs would say it.
        by_hand: of these, those that no tool can make without losing something, for example a value that an alias shares.
        written: files that were changed.
        differing: addresses that a plan would still change, once the edits are made; None where they were not.
        diagnostics: findings of a plan before it.
    """

    found: Adoption
    edits: tuple[SpecEdit, ...]
    by_hand: tuple[SpecEdit, ...]
    written: tuple[str, ...]
    unmanaged: tuple[Unmanaged, ...]
    differing: tuple[str, ...] | None
    diagnostics: tuple[Diagnostic, ...]


def adopt_workspace(
    checked: Checked,
    reader: Reader,
    io: Executor,
    known: Mapping[str, str],
    recheck: Callable[[], Checked],
    *,
    write: bool,
    accept: Callable[[str], bool] = lambda _: True,
) -> Adopted:
    """Match, list, and where asked write; then compare again.

    Args:
        checked: the workspace as it is.
        reader: sends GET requests.
        io: threads for small requests.
        known: remote ids at the last apply, by address.
        recheck: reads the workspace again.
        write: change the spec files; not where something is ambiguous.
        accept: false for an address whose difference stays, and is not compared.

    Raises:
        ReadFailed: a listing could not be read; nothing was written.
        ReconcilerError: the token is for another organisation, or a file cannot be written.
    """
    observed = observe_all(checked, reader, io)
    desired, organisation = checked.desired(), checked.settings.organisation_id
    found = adoption(desired, observed, organisation, known)
    planned = plan_config(desired, observed, organisation, Pruning(frozenset(), lambda _: False), known)
    edits = adopting.edits(checked.specs, found, accept)
    files, by_hand = _texts(checked, edits)
    written: tuple[str, ...] = ()
    differing = None
    if write and not found.ambiguous:
        after = write_specs(checked.root, files, recheck)
        written = tuple(files)
        differing = tuple(a for a in differences(after, observed, known, found.missing) if accept(a))
    return Adopted(
        found=found,
        edits=tuple(edits),
        by_hand=tuple(by_hand),
        written=written,
        unmanaged=tuple(unmanaged(desired, observed, planned.ids, organisation, checked.settings.ignore)),
        differing=differing,
        diagnostics=tuple(planned.diagnostics),
    )


def _texts(
    checked: Checked, edits: Sequence[SpecEdit]
) -> tuple[dict[str, tuple[bytes, bytes]], list[SpecEdit]]:
    """Old and new content of each file that changes, and the edits that are not made."""
    contents = {d.path: d.file.content for d in checked.declared}
    by_file: dict[str, dict[tuple[int, tuple[str | int, ...]], SpecEdit]] = defaultdict(dict)
    for edit in edits:
        by_file[edit.file][edit.index, edit.path] = edit
    files: dict[str, tuple[bytes, bytes]] = {}
    left: list[SpecEdit] = []
    for name, wanted in by_file.items():
        plain = [Edit(e.index, e.path, e.value) for e in wanted.values()]
        new, refused = edited(name, contents[name], plain)
        left += [wanted[e.index, e.path] for e in refused]
        if new != contents[name]:
            files[name] = contents[name], new
    return files, left


def write_specs(
    root: Path, files: Mapping[str, tuple[bytes, bytes]], recheck: Callable[[], Checked]
) -> Checked:
    """Write the new contents, and read the workspace again; where that does not come to its end, put the old ones back.

    Args:
        root: of the workspace.
        files: old and new content by path.
        recheck: reads the workspace again.

    Raises:
        ReconcilerError: a file cannot be written, was changed meanwhile, or lies outside of the workspace.
        SpecError: the changed specs have errors; they are as before.
    """
    places = {name: Path(real_beneath(root, name)) for name in files}
    for name, (old, _) in files.items():
        if places[name].read_bytes() != old:
            raise ReconcilerError(
                f"{name} was changed while this ran; nothing was written", help="run it again"
            )
        if not (os.access(places[name], os.W_OK) and os.access(places[name].parent, os.W_OK)):
            raise ReconcilerError(
                f"{name} cannot be written; nothing was written", help="make the file and its folder writable"
            )
    try:
        for name, (_, new) in files.items():
            _replace(places[name], new)
        return recheck()
    except BaseException:  # Ctrl-C, too: a command that says that it was interrupted has changed no spec
        for name, (old, new) in files.items():
            if places[name].read_bytes() == new:
                _replace(places[name], old)
        raise


def _replace(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as e:
        raise DiskFailed.of("write", path, e) from None
