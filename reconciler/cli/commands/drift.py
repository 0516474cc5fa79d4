"""`drift`."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import audits, plan_files, plan_pages, session
from reconciler.cli import options as opt
from reconciler.cli.flags import PLATFORM, SELECTION, Flags, takes
from reconciler.cli.output import output_file
from reconciler.cli.output.console import say
from reconciler.cli.remembered import remembered
from reconciler.cli.wiring import actor, connections, ledgers
from reconciler.model.exit_code import Exit
from reconciler.model.plan import Plan
from reconciler.planning.plan.drift import drifted_addresses
from reconciler.reports.adopt import text as adopt_text
from reconciler.reports.drift.moved import limited
from reconciler.workflows.adopt import adopt_workspace
from reconciler.workflows.check import Checked
from reconciler.workflows.drift import audited
from reconciler.workspace.cache import cache_folder


@takes(*PLATFORM, *SELECTION, "parallelism", "show_unmanaged")
def drift(
    flags: Flags,
    file: opt.Out = None,
    output: opt.DriftOutput = opt.DriftFormat.TEXT,
    detailed: opt.Detailed = False,
    write: Annotated[
        bool,
        typer.Option("--write", help="Accept the drift: change the spec files to say what the platform has."),
    ] = False,
) -> int:
    """Show what changed on the platform since the last apply. Shows also where specs and platform differ; corrects nothing."""
    flags = replace(flags.with_plan_format(opt.PlanFormat(output.value)), only=opt.Only.CONFIG)
    return run_drift(flags, file, detailed=detailed, write=write)


def run_drift(flags: Flags, file: Path | None, *, detailed: bool, write: bool) -> int:
    """`drift`: 1 for a failed read, or where specs still differ after --write; 2 for drift if asked.

    Args:
        flags: as given.
        file: where the audit is saved, if anywhere.
        detailed: 2 for drift.
        write: accept the drift, in the specs.
    """
    if file is not None:
        output_file.check_plan_file(file)
    checked = session.read_workspace(flags)
    where = session.seeded_target(flags, checked)
    with session.progress(flags) as shown:
        made = session.plan(flags, checked, where, lambda: session.new_scans(flags, shown, kept=True))
    found = audited(made, ledgers.expendable_history(flags.root, checked.settings))
    shared = file is not None and output_file.is_stdout(file)
    if not shared:
        audits.show(found, flags, actor.this(), accepting=write)
    plan_pages.tell_findings(made, flags)
    if file is not None:
        plan_files.write(found, file)
        if not shared:
            say(f"The audit is saved in {file}; it cannot be applied.")
    if made.errored:
        if write:
            say("Nothing was written into the specs: a read failed.")
        return Exit.FAILED
    if write and not _accepted(flags, checked, found):
        return Exit.FAILED
    drifted = made.has_changes or bool(found.resource_drift)
    return Exit.CHANGES if detailed and drifted else Exit.DONE


def _accepted(flags: Flags, checked: Checked, found: Plan) -> bool:
    """Write into the specs what the platform has, of what drift named; true if no difference is left there."""
    addresses = drifted_addresses(found)
    known = remembered(flags.root, checked.settings, cache_folder(flags.root, os.environ)).compartments
    with (
        connections.reader(session.target(flags, checked.settings), checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
    ):
        done = adopt_workspace(
            checked,
            reader,
            io,
            known,
            lambda: session.read_workspace(flags),
            write=True,
            accept=addresses.__contains__,
        )
    told = adopt_text.written_lines(
        done.found, done.edits, done.by_hand, done.written, done.differing, limited(found)
    )
    for line in told:
        say(line)
    return not (done.found.ambiguous or done.differing)
