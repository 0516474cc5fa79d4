"""`source retry`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import approval, plan_pages, selectors, session
from reconciler.cli import options as opt
from reconciler.cli.commands.source.declared import SourceName, declared
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import out, say
from reconciler.cli.remembered import remembered
from reconciler.cli.wiring import connections, real_clock
from reconciler.errors import Refused, UsageError
from reconciler.kinds.counts import many
from reconciler.model.exit_code import Exit
from reconciler.planning.plan.planner import Occasion, assemble
from reconciler.workflows.check import Checked

if TYPE_CHECKING:
    from reconciler.bulk.scan.source_scans import Scans

_NOTHING = "There is no failed command to send again."


@takes(*PLATFORM, "datamart", "output", "parallelism", "upload_rate", "lock_timeout", "events")
def source_retry(
    flags: Flags,
    name: SourceName,
    failed_lines: Annotated[
        bool,
        typer.Option("--failed-lines", help="Send the commands that the platform failed. Required."),
    ] = False,
    auto_approve: opt.AutoApprove = False,
) -> int:
    """Send the failed commands of the latest load again. They are a load of their own; shows a plan and asks first."""
    flags = replace(flags, only=opt.Only.LOADS)
    return run_retry(flags, name, failed_lines=failed_lines, auto=auto_approve)


def run_retry(flags: Flags, name: str, *, failed_lines: bool, auto: bool) -> int:
    """Send the failed lines of the latest load again; 0 if none failed.

    Args:
        flags: as given.
        name: of the source.
        failed_lines: the flag that is required.
        auto: do not ask.

    Raises:
        UsageError: there is no such source or datamart, or nothing is said to be retried.
        Refused: a load is not finished, or its source changed since.
        ApprovalRefused: the answer is not yes.
    """
    if not failed_lines:
        raise UsageError(
            "--failed-lines is required",
            help="add --failed-lines: it selects the commands that the platform failed",
        )
    checked = declared(flags, name)
    scans = session.new_scans(flags, session.progress(flags))
    try:
        return _retry(flags, checked, name, scans, auto=auto)
    finally:
        if scans.spools is not None:
            scans.spools.sweep()


def _retry(flags: Flags, checked: Checked, name: str, scans: "Scans", *, auto: bool) -> int:
    # Not for the other commands of `source`, which send nothing.
    from reconciler.cli.applying import execute
    from reconciler.cli.applying.carrying import Means
    from reconciler.workflows.retry import none_failed, plan_retry

    where = session.seeded_target(flags, checked)
    with (
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
    ):
        chosen = selectors.datamarts(checked, flags.datamart)
        mine = [
            load
            for load in checked.desired().loads.values()
            if load.source == name and (chosen is None or load.datamart in chosen)
        ]
        nothing = list(io.map(lambda load: none_failed(load, reader, scans), mine))
        targets = [str(load.address) for load, none in zip(mine, nothing, strict=True) if not none]
        if not targets:  # a source is read only where a command failed
            out(_NOTHING)
            return Exit.DONE
        made = session.plan(replace(flags, target=targets), checked, where, lambda: scans)
        plan_pages.tell_findings(made, flags)
        if made.errored or not made.applyable:
            return plan_pages.exit_code(made, detailed=False)
        if busy := [x.address for x in made.loads if x.actions != ("no-op",) and not x.unread]:
            raise Refused(
                f"{busy[0]} has rows to load, and --failed-lines sends rows of the load before, as they were sent",
                help="`reconciler apply` loads what the source holds now; corrected rows are sent with it",
            )
        notes = remembered(flags.root, checked.settings, None).uploads
        retries = [plan_retry(load, reader, io, scans, notes(load.datamart_id)) for load in made.loads]
        found = [x for x in retries if x is not None]
        unplaced = sum(x.unplaced for x in found)
        if unplaced:
            say(
                f"{many(unplaced, 'failed command is', 'failed commands are')} skipped: the platform does not report which rows they are."
            )
        loads = [x.change for x in found if x.change.lines]
        again = assemble(
            [], loads, [], checked.settings, made.spec_digest,
            Occasion(created_at=real_clock.created_at(), latency=reader.pace.mean), errored=False, complete=False,
        )  # fmt: skip
    if not loads:
        out(_NOTHING)
        return Exit.DONE
    if flags.output is opt.Format.TEXT:
        plan_pages.show(again, flags)
    approval.approve(
        "Apply this?",
        auto=auto,
        help="give --auto-approve; a retry has no saved plan, as its rows are read from the platform's error files",
    )
    return execute.apply(again, Means(flags, checked, scans, where, session.progress(flags)), saved=False)
