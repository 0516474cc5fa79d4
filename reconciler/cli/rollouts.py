"""`rollout status | pause | resume | abort`."""

import sys
import time
from dataclasses import replace
from pathlib import Path

from reconciler.cli import applying, authority, exit_codes, ledgers, output_file, steps, wiring
from reconciler.cli.console import data, out, say, shown, style
from reconciler.cli.options import Format
from reconciler.cli.waves import journal_of, newest
from reconciler.errors import Refused
from reconciler.ledger.rollouts import Recorded
from reconciler.model.seal import Seal
from reconciler.reports.rollout import json as rollout_json
from reconciler.reports.rollout import text as rollout_text
from reconciler.settings import Settings
from reconciler.workflows.gates import check_specs

OPEN = ("running", "stopped", "paused")


def status(flags: steps.Flags, *, follow: bool) -> int:
    """`rollout status`: the newest rollout; 0 whatever its state."""
    settings = steps.settings_only(flags).settings
    if follow and flags.output is Format.TEXT and sys.stdout.isatty():
        _live(flags, settings)
        return exit_codes.DONE
    if flags.output is Format.JSON:
        found, plan = newest(flags.root, settings)
        data(rollout_json.render(found, plan, journal_of(flags.root, settings, found)))
    else:
        out(_table(flags, settings)[1])
    return exit_codes.DONE


def _table(flags: steps.Flags, settings: Settings) -> tuple[Recorded, str]:
    """The newest rollout, and where it is."""
    found, plan = newest(flags.root, settings)
    journal, marks = journal_of(flags.root, settings, found), style(sys.stdout, no_color=flags.no_color)
    return found, rollout_text.table(found, plan, journal, marks, wiring.CLOCK.wall())


def _live(flags: steps.Flags, settings: Settings) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(refresh_per_second=2) as live:
        while True:
            found, text = _table(flags, settings)
            live.update(Text.from_ansi(shown(text)))
            if found.state != "running":
                return
            time.sleep(1.0)


def pause(flags: steps.Flags, why: str) -> int:
    """`rollout pause`: whatever walks it ends at its next step; nothing further is begun."""
    return _move(
        flags,
        "paused",
        why,
        "The running process stops at its next step. `reconciler rollout resume` continues the rollout.",
        ("running", "stopped"),
    )


def abort(flags: steps.Flags, why: str, file: Path | None) -> int:
    """`rollout abort`: it is never gone on with; a report, and the plan that would undo what was applied.

    Of one that is aborted already, by a gate with `on_failure: abort`, just those two.
    """
    if file is not None:
        output_file.check_plan_file(file)
    settings = steps.settings_only(flags).settings
    found, _ = newest(flags.root, settings)
    if found.state != "aborted":
        _move(flags, "aborted", why, "Remaining waves are cancelled.", OPEN)
    found, text = _table(flags, settings)
    if file is None or not output_file.is_stdout(file):
        out(text)
    back = steps.under_key(authority.undoing(found), settings)
    where = file or flags.root / ".reconciler" / f"rollout-{found.id}-back.plan"
    steps.write_plan(back, where)
    for finding in back.diagnostics:
        say(f"  {finding.message}")
    say(f"The plan that undoes the applied waves, as far as possible, is saved in {where}.")
    return exit_codes.DONE


def resume(flags: steps.Flags) -> int:
    """`rollout resume`: go on where it stopped, with the plan that was reviewed. What closed a gate is accepted by that.

    Raises:
        Refused: the specs changed since, or it has ended.
    """
    settings = steps.settings_only(flags).settings
    found, plan = newest(flags.root, settings)
    flags = replace(flags, environment=flags.environment or plan.environment)
    if found.state not in OPEN:
        raise Refused(f"the rollout is {found.state}", help="make a new plan")
    if authority.seal_of(plan, settings) is not Seal.RIGHT:
        check_specs(plan, steps.read_workspace(flags).rollout())
    with ledgers.rollouts(flags.root, settings) as board:
        for name, wave in found.waves.items():
            if wave.state == "closed":  # a person says to go on all the same
                board.note(found.id, name, "accepted", f"{wave.why}; continued by {wiring.who()}", wave.runs)
        board.move(found.id, "running", "", wiring.who(), unless=("aborted", "finished"))
    return applying.apply_saved(plan, flags)


def _move(flags: steps.Flags, state: str, why: str, then: str, allowed: tuple[str, ...]) -> int:
    settings = steps.settings_only(flags).settings
    found, _ = newest(flags.root, settings)
    if found.state not in allowed:
        raise Refused(f"the rollout is {found.state}", help="`reconciler rollout status` shows it")
    with ledgers.rollouts(flags.root, settings) as board:
        board.move(found.id, state, why, wiring.who(), unless=("aborted", "finished"))
    say(f"The rollout is {state}. {then}")
    return exit_codes.DONE
