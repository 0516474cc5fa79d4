"""`clean`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.bulk.scan.scan_cache import KeptScans
from reconciler.bulk.scan.spool import Spools
from reconciler.cli import approval, session
from reconciler.cli import options as opt
from reconciler.cli.flags import WORKSPACE, Flags, takes
from reconciler.cli.output.console import data, out, say, style
from reconciler.cli.wiring import destination, ledgers, real_clock
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import many
from reconciler.ledger.history import History
from reconciler.model.exit_code import Exit
from reconciler.model.leftover import Left
from reconciler.planning.loads.leftovers import Declared
from reconciler.reports.leftovers import json as leftovers_json
from reconciler.reports.leftovers import text as leftovers_text
from reconciler.reports.style import size
from reconciler.settings import Settings, seconds
from reconciler.spec.files import read_workspace
from reconciler.workflows import left_files
from reconciler.workflows.check import check
from reconciler.workflows.left_files import Places, index_folder, index_prefixes
from reconciler.workflows.leftovers import attempts, inventory, remove
from reconciler.workspace.cache import cache_folder


@takes(*WORKSPACE, "output", "lock_timeout")
def clean(
    flags: Flags,
    remove_: Annotated[
        bool, typer.Option("--remove", help="Remove what no load needs; asks before.")
    ] = False,
    auto_approve: opt.AutoApprove = False,
) -> int:
    """Show what earlier runs left on this machine. That may be rows with profile data; --remove removes what no load needs."""
    settings = session.settings_only(flags).settings
    if not remove_:
        _show(_found(flags, ledgers.history(flags.root, settings)), flags)
        return Exit.DONE
    return run_remove(flags, settings, auto=auto_approve)


def run_remove(flags: Flags, settings: Settings, *, auto: bool) -> int:
    """Show what is left, ask, and remove what no load needs; 1 if some of it could not be removed.

    Args:
        flags: as given.
        settings: of the workspace.
        auto: do not ask.

    Raises:
        ApprovalRefused: the answer is not yes.
        LockHeld: a run of this organisation is working.
    """
    spools = _spools(flags)
    with ledgers.locked(flags.root, settings, seconds(flags.lock_timeout), session.lock_waits(flags)):
        found = _found(flags, ledgers.history(flags.root, settings))
        goes = [x for x in found if x.removable]
        if flags.output is opt.Format.TEXT:
            _show(found, flags)
        if goes:
            help_ = "give --auto-approve, or run it on a terminal"
            approval.approve(f"Remove {many(len(goes), 'item')}?", auto=auto, help=help_)
        stays = {x.path: why for x in goes if (why := remove(x, spools))}
    for path, why in stays.items():
        say(f"error: {path} was not removed: {why}")
    gone = [x for x in goes if x.path not in stays]
    if flags.output is opt.Format.JSON:
        data(leftovers_json.render(found, {x.path for x in gone}))
    else:
        out(f"Removed {many(len(gone), 'item')}, {size(sum(x.size for x in gone))}.")
    return Exit.FAILED if stays else Exit.DONE


def _show(found: list[Left], flags: Flags) -> None:
    if flags.output is opt.Format.JSON:
        data(leftovers_json.render(found))
    else:
        out(leftovers_text.render(found, style(sys.stdout, no_color=flags.no_color)).rstrip("\n"))


def _spools(flags: Flags) -> Spools:
    spools = session.new_scans(flags, session.progress(flags)).spools
    assert spools is not None  # noqa: S101 - made with them
    return spools


def _found(flags: Flags, history: History) -> list[Left]:
    settings, spools = session.settings_only(flags).settings, _spools(flags)
    known, where = attempts(history, spools), ledgers.place(flags.root, settings)
    places = Places(
        flags.root,
        None if where.url else where.file,
        index_folder(flags.root, settings.index),
        cache_folder(flags.root, os.environ),
    )
    files = left_files.found(places, _declared_anywhere(flags, places.cache), real_clock.CLOCK.wall())
    return [*inventory(spools, known, _declared(flags)), *files]


def _declared(flags: Flags) -> Declared | None:
    """Where rows of the loads that specs declare may lie; None, with a word on stderr, where that cannot be told."""
    scans = session.new_scans(flags, session.progress(flags))
    spools = scans.spools
    assert spools is not None  # noqa: S101 - made with them
    checked = check(flags.root, flags.settings(), os.environ)
    if not checked.ok:
        say("warning: the specs have errors (`reconciler validate` shows them); what they may need is kept")
        return None
    try:
        loads = checked.desired().loads.items()
        return {a: {p.name for p in spools.places(scans.pinned(x.definition))} for a, x in loads}
    except ReconcilerError as e:
        say(f"warning: {e}; what specs may need is kept")
        return None


def _declared_anywhere(flags: Flags, cache: Path | None) -> left_files.Declared | None:
    """What specs declare in every environment; None where they have errors in one of them."""
    environments = read_workspace(flags.root).data["spec"].get("environments") or [None]
    indexes, kept, scans = set[str](), set[str](), KeptScans(flags.root, cache or flags.root)
    for name in environments:
        checked = check(flags.root, {**flags.settings(), "environment": name}, os.environ)
        try:
            loads = checked.desired().loads.values()
        except ReconcilerError:
            return None
        origin, organisation = (
            destination.origin_key(flags.root, checked.settings),
            checked.settings.organisation_id,
        )
        indexes |= {
            start
            for x in loads
            for start in index_prefixes(origin, organisation, x.datamart_id, x.definition)
        }
        kept |= {scans.place(x.definition).name for x in loads}
    return left_files.Declared(frozenset(indexes), frozenset(kept))
