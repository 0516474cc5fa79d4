"""`apply`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import plan_files, plan_pages, session
from reconciler.cli.applying import authority, execute
from reconciler.cli.applying.carrying import Means
from reconciler.cli.flags import OVERRIDES, PLATFORM, SELECTION, Flags, takes
from reconciler.cli.output.console import out, say, show_findings, style
from reconciler.cli.wiring import connections, ledgers
from reconciler.errors import Refused, UsageError
from reconciler.model.exit_code import Exit
from reconciler.model.plan import Plan
from reconciler.planning.plan.obstacles import stopped
from reconciler.reports.plan.decision import ordered


@takes(
    *PLATFORM,
    *SELECTION,
    *OVERRIDES,
    "parallelism",
    "upload_rate",
    "only",
    "skip_stale",
    "sealed",
    "no_wait",
    "wave",
    "lock_timeout",
    "events",
)
def apply(
    flags: Flags,
    file: Annotated[Path | None, typer.Argument(help="A saved plan; applied without asking.")] = None,
    output: opt.ResultOutput = opt.ResultFormat.TEXT,
    auto_approve: opt.AutoApprove = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check", metavar="FILE", help="Check whether a saved plan is still valid; writes nothing."
        ),
    ] = None,
) -> int:
    """Apply a saved plan; without one, plan, show, ask and apply."""
    flags = flags.with_result_format(output)
    if check is not None:
        return check_saved(plan_files.read_to_apply(check), flags)
    if file is not None:
        return execute.apply_saved(plan_files.read_to_apply(file), flags)
    if flags.sealed:
        raise UsageError("--sealed goes with a saved plan: apply FILE --sealed")
    return apply_fresh(flags, auto=auto_approve)


def apply_fresh(flags: Flags, *, auto: bool) -> int:
    """`apply`: plan, show, ask, carry out."""
    checked = session.read_workspace(flags)
    where = session.seeded_target(flags, checked)
    with session.progress(flags) as reading:
        scans = session.new_scans(flags, reading, kept=True)
        made = session.plan(flags, checked, where, lambda: scans)
    if flags.output is opt.Format.TEXT:
        plan_pages.show(made, flags)
    plan_pages.tell_findings(made, flags)
    if made.errored or not made.applyable:
        if flags.shape is opt.PlanFormat.HTML:
            plan_pages.show(made, flags)
        if flags.output is opt.Format.JSON:
            show_findings(ordered(made.diagnostics), flags.root, style(sys.stderr, no_color=flags.no_color))
        say(f"Nothing was written: {stopped(made)}.\n{plan_files.AGAIN}")
        return plan_pages.exit_code(made, detailed=False)
    if made.has_changes:
        session.approve(made, auto=auto)
    return execute.apply(made, Means(flags, checked, scans, where, session.progress(flags)), saved=False)


def check_saved(made: Plan, flags: Flags) -> int:
    """`apply --check FILE`: 0 if it would apply, 4 if something moved.

    Raises:
        Refused: the plan is stale, or its actions are not declared here.
    """
    from reconciler.workflows.preflight import preflight
    from reconciler.workflows.rollout import check_record

    flags = execute.in_its_environment(flags, made)
    checked = authority.authorised(made, flags)
    with ledgers.reading_rollouts(flags.root, checked.settings) as board:
        begun = board.find(made.plan_digest) if board is not None else None
    if begun is not None:
        check_record(begun)
    where = session.seeded_target(flags, checked)
    with (
        session.progress(flags) as shown,
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
    ):
        found = preflight(made, reader, io, session.new_scans(flags, shown, kept=True), from_file=True)
    for words in found.schemas.notes:
        say(f"Note: {words}.")
    if found.stale:
        raise Refused(
            "the plan is stale:\n" + "\n".join(f"  {a}: {why}" for a, why in sorted(found.stale.items())),
            help="make a new plan",
        )
    out("The plan was applied already." if found.verdicts and found.done else "The plan is still valid.")
    return Exit.DONE
