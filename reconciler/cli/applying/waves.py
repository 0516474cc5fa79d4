"""`apply` of a plan with waves, and the rollout that the ledger has of it."""

import os
from dataclasses import replace
from pathlib import Path

from reconciler.api.redaction import without_token
from reconciler.bulk.scan.source_scans import Scans
from reconciler.cli import run_pages, session
from reconciler.cli.applying import late
from reconciler.cli.flags import Flags
from reconciler.cli.options import PlanFormat
from reconciler.cli.output.console import say
from reconciler.cli.output.progress import Display
from reconciler.cli.wiring import (
    actor,
    connections,
    destination,
    interruption,
    ledgers,
    user_command,
)
from reconciler.errors import ReconcilerError, SpecError
from reconciler.ledger.rollouts import Recorded
from reconciler.model.desired import Desired
from reconciler.model.exit_code import Exit
from reconciler.model.plan import Plan
from reconciler.model.rollout import Wave
from reconciler.planning.plan import document
from reconciler.reports.result import text as result_text
from reconciler.reports.rollout import text as rollout_text
from reconciler.settings import Settings
from reconciler.workflows import gates
from reconciler.workflows.check import Checked
from reconciler.workflows.preflight import preflight
from reconciler.workflows.rollout import RolloutResult, RolloutRun, run_rollout


def apply_in_waves(
    made: Plan,
    flags: Flags,
    checked: Checked,
    scans: Scans,
    where: destination.Target,
    shown: Display,
    *,
    from_file: bool,
) -> tuple[RolloutResult, int]:
    """Run a plan's waves, or the one that `--wave` names, and tell what came late; the result and the exit code.

    Args:
        made: the plan.
        flags: as given.
        checked: the checked workspace.
        scans: reads sources, each once.
        where: endpoint and token.
        shown: what shows the progress.
        from_file: the plan was read from a file.
    """
    assert made.rollout is not None  # noqa: S101 - the caller's case
    settings, rollout, clock = checked.settings, made.rollout, flags.clock
    interrupt = interruption.Interrupt(say, scans.abandon)
    with (
        interrupt.installed(),
        ledgers.rollouts(flags.root, settings) as board,
        connections.writer(where, settings.parallelism) as writer,
        connections.threads(settings.parallelism) as io,
        shown,
    ):
        _need_programs(made, board.find(made.plan_digest), flags)
        record = board.begin(made.plan_digest, document.encode(made), actor.who())

        def applied(part: Plan) -> bool:
            return preflight(part, writer, io, scans, from_file=False).done

        def told(wave: Wave, state: str, why: str) -> None:
            shown.wave(wave.name, len(wave.datamarts), state, why)

        found = run_rollout(
            RolloutRun(
                plan=made,
                rollout=rollout,
                board=board,
                record=record,
                who=actor.who(),
                carry_out=lambda part: session.carried(
                    part,
                    flags,
                    checked,
                    scans,
                    where,
                    shown,
                    interrupt,
                    writer,
                    io,
                    saved=False,
                    from_file=from_file,
                ),
                applied=applied,
                seen=lambda wave: gates.activations_seen(made, wave, writer, _declared(checked)),
                command=lambda wave: _gate_command(made, wave, flags.root, where.token),
                clock=clock,
                stopping=interrupt.stopping,
                told=told,
                skipped=shown.unbegun,
            ),
            flags.wave,
        )
        code = interrupt.code or int(found.exit)
        came = () if code else late.tell(made, found.outcomes, flags, settings, where, shown)
        if came:
            found, code = replace(found, outcomes=(*found.outcomes, *came)), Exit.PARTLY
        shown.ended(code, result_text.counted(found.outcomes))
    return found, code


def _declared(checked: Checked) -> Desired:
    """What the specs declare; nothing where there are none: a sealed plan may be applied without them."""
    try:
        return checked.desired()
    except SpecError:
        return Desired()


def _need_programs(made: Plan, before: Recorded | None, flags: Flags) -> None:
    """The programs of gates that are still to be opened are there, before anything of a wave is written.

    Args:
        made: the plan.
        before: what the ledger has of its rollout.
        flags: as given.

    Raises:
        ReconcilerError: one is not there, or cannot be started.
    """
    assert made.rollout is not None  # noqa: S101 - the caller's case
    passed = {name for name, record in before.waves.items() if record.state == "passed"} if before else set()
    for wave in made.rollout.waves:
        if not wave.gates.command or wave.name in passed or flags.wave not in (None, wave.name):
            continue
        env = gates.gate_environment(os.environ, wave.gates.command_env)
        if why := user_command.why_not(wave.gates.command, flags.root, env):
            raise ReconcilerError(
                f"the gate of the wave '{wave.name}': {wave.gates.command[0]} cannot be run: {why}; nothing was written",
                help="correct the gate's command, or make the program; paths are relative to the workspace",
            )


def _gate_command(made: Plan, wave: Wave, root: Path, token: str) -> tuple[bool, str]:
    """Run a wave's command in the workspace; of the environment it sees only what programs need to start (no secret).

    Args:
        made: the plan.
        wave: whose gate it is.
        root: of the workspace.
        token: is shown as `…`, should the command say it.
    """
    wanted = wave.gates
    env = gates.gate_environment(os.environ, wanted.command_env) | gates.gate_variables(made, wave)
    name = wanted.command[0]
    try:
        done = user_command.run(
            wanted.command,
            root,
            wanted.command_timeout,
            env=env,
            show=lambda line: say(
                f"{name}: {without_token(line.decode('utf-8', 'replace').rstrip(), token)}"
            ),
        )
    except OSError as e:
        return False, f"{name} cannot be run: {e.strerror}"
    return done.code == 0, f"{name} {done.why or f'ended with {done.code}'}"


def newest(root: Path, settings: Settings, number: int | None = None) -> tuple[Recorded, Plan]:
    """The newest rollout of the ledger, or the one with a number, and its plan.

    Args:
        root: of the workspace.
        settings: of the workspace.
        number: of a rollout; None is the newest.

    Raises:
        ReconcilerError: there is none.
    """
    with ledgers.reading_rollouts(root, settings) as board:
        last = board.newest() if board is not None else None
        found = board.numbered(number) if board is not None and number is not None else last
    if found is None and last is not None:
        raise ReconcilerError(
            f"the ledger has no rollout {number}; the newest is {last.id}",
            help="`reconciler runs` names the rollout of each run",
        )
    if found is None:
        raise ReconcilerError(
            "the ledger has no rollout", help="`reconciler apply` of a plan with waves starts a rollout"
        )
    return found, document.decode(found.plan.encode(), f"the plan of rollout {found.id}")


def tell_left(flags: Flags, settings: Settings) -> None:
    """What to run next, once one wave was applied and others are left."""
    found, _ = newest(flags.root, settings)
    if found.state == "running" and flags.shape is PlanFormat.TEXT:
        say(
            "Next: `reconciler rollout resume` applies the waves that are left; `reconciler rollout status` shows them."
        )


def earlier(flags: Flags, settings: Settings) -> dict[str, bool]:
    """Of each action that runs of the newest rollout tried, whether it succeeded."""
    found, _ = newest(flags.root, settings)
    return rollout_text.succeeded(run_pages.journal_of(flags.root, settings, found))
