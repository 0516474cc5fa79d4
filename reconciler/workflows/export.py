"""What exists on the platform, written as specs that plan to nothing. Sends nothing but GET."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.control.observe import observe
from reconciler.errors import ReconcilerError
from reconciler.model.export import Export
from reconciler.model.remote import Observed
from reconciler.planning.config.datamarts import FOREIGN_HELP, foreign
from reconciler.planning.config.removals import Pruning
from reconciler.planning.export.declared import export
from reconciler.planning.plan.planner import plan_config
from reconciler.spec import exported
from reconciler.workflows.check import Checked


@dataclass(frozen=True, slots=True)
class Exported:
    """One export.

    Attributes:
        written: paths of the new files, in order.
        differing: addresses of what would still change; empty where specs and platform agree, None where the new files are no specs
            of the workspace.
    """

    export: Export
    written: tuple[Path, ...]
    differing: tuple[str, ...] | None


def export_workspace(
    checked: Checked,
    reader: Reader,
    io: Executor,
    folder: Path,
    layout: exported.Layout,
    recheck: Callable[[], Checked],
) -> Exported:
    """Declare what exists and no spec declares yet, in new files; then compare the specs with the platform.

    Args:
        checked: the workspace as it is.
        reader: sends GET requests.
        io: threads for small requests.
        folder: where the files are written.
        layout: one file for each compartment, or one for all.
        recheck: reads the workspace again, with the new files.

    Raises:
        ReadFailed: a listing could not be read; nothing was written.
        ReconcilerError: the token is for another organisation, or a file cannot be written.
    """
    settings = checked.settings
    observed = observe_all(checked, reader, io)
    found = export(observed, settings.organisation_id, checked.desired())
    texts = exported.files(found, layout, _free_name(checked), _free_path(folder))
    written = tuple(_write(folder / path, text) for path, text in texts.items())
    differing = differences(recheck(), observed, {}) if _is_read(checked, folder) else None
    return Exported(found, written, differing)


def _is_read(checked: Checked, folder: Path) -> bool:
    """Whether files of a folder are specs of the workspace."""
    places = [(checked.root / name).resolve() for name in checked.settings.specs]
    return any(folder.resolve().is_relative_to(place) for place in places)


def observe_all(checked: Checked, reader: Reader, io: Executor) -> Observed:
    """All that an organisation has, with imports, and the compartments of others that are active in it.

    Raises:
        ReadFailed: a listing could not be read.
        ReconcilerError: the token is for another organisation.
    """
    organisation_id, desired = checked.settings.organisation_id, checked.desired()
    pins = [c.id for c in desired.compartments.values() if c.id]
    observed = observe(reader, organisation_id, io, activations=(), imports=(), pins=pins, everywhere=True)
    if words := foreign(observed.datamarts.require("datamarts"), organisation_id):
        raise ReconcilerError(words, help=FOREIGN_HELP)
    known = {c.id for c in observed.compartments.require("compartments").rows} | observed.pinned.keys()
    active = {
        row.compartment_id
        for listing in observed.activations.values()
        for row in listing.require("activations").rows
    }
    # Shared compartments may be active and in no list of the organisation (contract 3.5).
    others = sorted(active - known)
    read = io.map(lambda i: resources.one_compartment(reader, i), others)
    return replace(observed, pinned={**observed.pinned, **dict(zip(others, read, strict=True))})


def differences(
    checked: Checked, observed: Observed, known: Mapping[str, str], missing: Collection[str] = ()
) -> tuple[str, ...]:
    """Addresses that a plan would change, or could not plan.

    Args:
        checked: the workspace.
        observed: listings of the platform.
        known: remote ids at the last apply, by address.
        missing: addresses of compartments that are still to be created; these and their activations are left out.
    """
    config = plan_config(
        checked.desired(),
        observed,
        checked.settings.organisation_id,
        Pruning(frozenset(), lambda _: False),
        known,
    )
    changed = {c.address for c in config.changes if c.change.actions != ("no-op",)} | config.blocked
    keys = {address.partition("/")[2] for address in missing}
    return tuple(sorted(a for a in changed if a.partition("/")[2].partition("@")[0] not in keys))


def _free_name(checked: Checked) -> Callable[[str], str]:
    used = {d.data["metadata"]["name"] for d in checked.declared if d.data["kind"] == "Datamarts"}
    return lambda wanted: next(n for n in _numbered(wanted, "") if n not in used)


def _free_path(folder: Path) -> Callable[[str], PurePosixPath]:
    def free(wanted: str) -> PurePosixPath:
        stem, dot, suffix = wanted.rpartition(".")
        return next(
            PurePosixPath(p) for p in _numbered(stem, dot + suffix) if not os.path.lexists(folder / p)
        )

    return free


def _numbered(stem: str, suffix: str) -> Iterator[str]:
    yield f"{stem}{suffix}"
    count = 2
    while True:
        yield f"{stem}-{count}{suffix}"
        count += 1


def _write(path: Path, text: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as e:
        raise ReconcilerError(f"cannot write {path}: {e.strerror}") from None
    return path
