"""`apply` of a plan with waves, and the rollout that the ledger has of it."""

import os
from dataclasses import replace
from pathlib import Path

from reconciler.api.redaction import without_token
from reconciler.cli import run_pages
from reconciler.cli.applying import late
from reconciler.cli.applying.carrying import Means, Opened, carry_out, opened
from reconciler.cli.flags import Flags
from reconciler.cli.options import PlanFormat
from reconciler.cli.output.console import say
from reconciler.cli.wiring import (
    actor,
    ledgers,
    user_command,
)
from reconciler.errors import ReconcilerError, SpecError
from reconciler.ledger.rollouts import Recorded, Rollouts
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


def apply_in_waves(made: Plan, means: Means, *, from_file: bool) -> tuple[RolloutResult, int]:
    """Run a plan's waves, or the one that `--wave` names, and tell what came late; the result and the exit code.

    Args:
        made: the plan.
        means: what to do it with.
        from_file: the plan was read from a file.

    Raises:
        ReconcilerError: a gate's program cannot be run, the ledger cannot be used; or see `run_rollout`.
    """
    flags, shown = means.flags, means.shown
    with ledgers.rollouts(flags.root, means.settings) as board, opened(means) as held:
        _need_programs(made, board.find(made.plan_digest), flags)
        run = _rollout_run(made, means, board, held, from_file=from_file)
        found = run_rollout(run, flags.wave)
        code = held.interrupt.code or int(found.exit)
        came = () if code else late.tell(made, found.outcomes, means)
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


def _rollout_run(made: Plan, means: Means, board: Rollouts, held: Opened, *, from_file: bool) -> RolloutRun:
    """What a rollout is handed; from here on the ledger has it on record.

    Args:
        made: the plan.
        means: what to do it with.
        board: where rollouts are on record.
        held: what is open for it.
        from_file: the plan was read from a file.
    """
    assert made.rollout is not None  # noqa: S101 - the caller's case

    def applied(part: Plan) -> bool:
        return preflight(part, held.writer, held.io, means.scans, from_file=False).done

    def told(wave: Wave, state: str, why: str) -> None:
        means.shown.wave(wave.name, len(wave.datamarts), state, why)

    return RolloutRun(
        plan=made,
        rollout=made.rollout,
        board=board,
        record=board.begin(made.plan_digest, document.encode(made), actor.who()),
        who=actor.who(),
        carry_out=lambda part: carry_out(part, means, held, saved=False, from_file=from_file),
        applied=applied,
        seen=lambda wave: gates.activations_seen(made, wave, held.writer, _declared(means.checked)),
        command=lambda wave: _gate_command(made, wave, means.flags.root, means.where.token),
        clock=means.flags.clock,
        stopping=held.interrupt.stopping,
        told=told,
        skipped=means.shown.unbegun,
    )


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
