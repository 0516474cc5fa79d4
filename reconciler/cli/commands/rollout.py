"""`rollout status`, `rollout pause`, `rollout resume`, `rollout abort`."""

import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import plan_files, run_pages, session
from reconciler.cli.applying import authority, execute
from reconciler.cli.applying.waves import newest
from reconciler.cli.flags import PLATFORM, WORKSPACE, Flags, takes
from reconciler.cli.output import output_file
from reconciler.cli.output.console import data, out, say, shown, style
from reconciler.cli.wiring import actor, ledgers, real_clock
from reconciler.errors import Refused
from reconciler.ledger.rollouts import ACCEPTED, Recorded
from reconciler.model.exit_code import Exit
from reconciler.model.plan import Plan
from reconciler.model.seal import Seal
from reconciler.reports.folded import wrapped
from reconciler.reports.plan import undo
from reconciler.reports.rollout import json as rollout_json
from reconciler.reports.rollout import text as rollout_text
from reconciler.reports.times import utc
from reconciler.settings import Settings
from reconciler.workflows.gates import check_specs

rollout_app = typer.Typer(help="Rollouts: plans applied in waves.", no_args_is_help=True)
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Reason; `rollout status` shows it.")]
OPEN = ("running", "stopped", "paused")


@rollout_app.command("status")
@takes(*WORKSPACE)
def rollout_status(
    flags: Flags,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar="ROLLOUT",
            help="Number of a rollout; `runs` names the rollout of each run. Default: the newest rollout.",
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Refresh on a terminal until the rollout ends or stops.")
    ] = False,
    output: opt.SourceOutput = opt.SourceFormat.TEXT,
) -> int:
    """Show the state of a rollout, by default the newest. Waves, datamarts, states, counts."""
    return run_status(flags.with_plan_format(opt.PlanFormat(output.value)), number, follow=follow)


@rollout_app.command("pause")
@takes(*WORKSPACE)
def rollout_pause(
    flags: Flags,
    why: Why = "",
) -> int:
    """Start no further waves. A process that carries it out stops at its next step and releases the lock."""
    return run_pause(flags, why)


@rollout_app.command("resume")
@takes(*PLATFORM, "lock_timeout", "events")
def rollout_resume(
    flags: Flags,
    output: opt.ResultOutput = opt.ResultFormat.TEXT,
) -> int:
    """Continue a rollout with the reviewed plan. It was paused, stopped by a gate or interrupted."""
    return resume_rollout(flags.with_result_format(output))


@rollout_app.command("abort")
@takes(*WORKSPACE)
def rollout_abort(
    flags: Flags,
    why: Why = "",
    file: Annotated[
        Path | None,
        typer.Option("--inverse", metavar="FILE", help="Save the plan that undoes the applied waves."),
    ] = None,
) -> int:
    """Cancel the remaining waves. Shows what is applied, and saves the plan that undoes it; with --inverse, of a finished rollout, too."""
    return run_abort(flags, why, file)


def run_status(flags: Flags, number: int | None = None, *, follow: bool) -> int:
    """`rollout status`: the newest rollout, or the one with a number; 0 whatever its state."""
    settings = session.settings_only(flags).settings
    if follow and flags.shape is opt.PlanFormat.TEXT and sys.stdout.isatty():
        _live(flags, settings, number)
        return Exit.DONE
    if flags.output is opt.Format.JSON:
        found, plan = newest(flags.root, settings, number)
        data(rollout_json.render(found, plan, run_pages.journal_of(flags.root, settings, found)))
    elif flags.shape is opt.PlanFormat.HTML:
        data(run_pages.rollout_page(flags.root, settings, *newest(flags.root, settings, number)))
    else:
        out(_table(flags, settings, number)[1])
    return Exit.DONE


def _table(
    flags: Flags, settings: Settings, number: int | None = None, *, todo: bool = True
) -> tuple[Recorded, str]:
    """A rollout, where it is, and what can be done; only the newest is continued."""
    found, plan = newest(flags.root, settings, number)
    todo = todo and (number is None or number == newest(flags.root, settings)[0].id)
    journal, marks = (
        run_pages.journal_of(flags.root, settings, found),
        style(sys.stdout, no_color=flags.no_color),
    )
    table = rollout_text.table(found, plan, journal, marks, real_clock.CLOCK.wall())
    told = wrapped(rollout_text.todo(found), marks.width) if todo else []
    return found, "\n".join([table, *told, ""]) if told else table


def _live(flags: Flags, settings: Settings, number: int | None) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(refresh_per_second=2) as live:
        while True:
            found, text = _table(flags, settings, number)
            live.update(Text.from_ansi(shown(text)))
            if found.state != "running":
                return
            time.sleep(1.0)


def run_pause(flags: Flags, why: str) -> int:
    """`rollout pause`: whatever walks it ends at its next step; nothing further is begun."""
    return _move(
        flags,
        "paused",
        why,
        "A process that carries it out stops at its next step. `reconciler rollout resume` continues the rollout.",
        ("running", "stopped"),
    )


def run_abort(flags: Flags, why: str, file: Path | None) -> int:
    """`rollout abort`: it is never gone on with; a report, and the plan that would undo what was applied.

    Of one that is aborted already, by a gate with `on_failure: abort`, just those two; of one that is finished, too, where a file
    for the plan is named.

    Raises:
        Refused: it is finished, and no file is named.
    """
    if file is not None:
        output_file.check_plan_file(file)
    settings = session.settings_only(flags).settings
    found, _ = newest(flags.root, settings)
    if found.state == "finished":
        if file is None:
            raise Refused(
                "the rollout is finished: no wave is left to cancel",
                help="`reconciler rollout abort --inverse FILE` saves the plan that undoes all its waves",
            )
        say("The rollout is finished: no wave is left to cancel.")
    elif found.state == "aborted" and why:
        if found.why:
            raise Refused(
                f"the rollout was aborted already, because: {found.why}",
                help="the reason that is recorded stays; `reconciler rollout abort` without --why shows what is applied",
            )
        with ledgers.rollouts(flags.root, settings) as board:
            board.move(found.id, "aborted", why, found.who)
        say("The rollout is aborted. The reason is recorded.")
    elif found.state != "aborted":
        _move(flags, "aborted", why, "Remaining waves are canceled.", OPEN)
    found, text = _table(flags, settings, todo=False)
    if file is None or not output_file.is_stdout(file):
        out(text)
    back = session.under_key(authority.undoing(found), settings)
    where = file or flags.root / ".reconciler" / f"rollout-{found.id}-undo.plan"
    plan_files.write(back, where)
    _tell_undo(back, where)
    if todo := rollout_text.todo(found):
        say(todo)
    return Exit.DONE


def _tell_undo(back: Plan, where: Path) -> None:
    """What of the applied waves is undone by a plan, and what cannot be."""
    say("")
    for line in undo.lines(back.diagnostics):
        say(f"  {line}")
    if back.has_changes:
        say(f"The plan that undoes what was applied is saved: `reconciler apply {shlex.quote(str(where))}`.")
    else:
        say(f"Nothing that was applied can be undone; the plan that is saved in {where} has no changes.")


def resume_rollout(flags: Flags) -> int:
    """`rollout resume`: go on where it stopped, with the plan that was reviewed. What closed a gate is accepted by that.

    Raises:
        Refused: the specs changed since, or it has ended.
    """
    settings = session.settings_only(flags).settings
    found, plan = newest(flags.root, settings)
    flags = replace(flags, environment=flags.environment or plan.environment)
    if found.state not in OPEN:
        raise Refused(f"the rollout is {found.state}", help="make a new plan")
    if authority.seal_of(plan, settings) is not Seal.RIGHT:
        check_specs(plan, session.read_workspace(flags).rollout())
    by = f"{actor.who()} at {utc(flags.clock.wall())} UTC"
    with ledgers.rollouts(flags.root, settings) as board:
        for name, wave in found.waves.items():
            if wave.state == "closed":  # a person says to go on all the same
                board.note(found.id, name, "accepted", f"{wave.why}{ACCEPTED}{by}", wave.runs)
        board.move(found.id, "running", "", actor.who(), unless=("aborted", "finished"))
    return execute.apply_saved(plan, flags)


def _move(flags: Flags, state: str, why: str, then: str, allowed: tuple[str, ...]) -> int:
    settings = session.settings_only(flags).settings
    found, _ = newest(flags.root, settings)
    if found.state not in allowed:
        raise Refused(f"the rollout is {found.state}", help="`reconciler rollout status` shows it")
    with ledgers.rollouts(flags.root, settings) as board:
        board.move(found.id, state, why, actor.who(), unless=("aborted", "finished"))
    say(f"The rollout is {state}. {then}")
    return Exit.DONE
