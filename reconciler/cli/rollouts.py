"""Rollouts: `apply` of a plan with waves, and `rollout status | pause | resume | abort`."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from reconciler.api import resources
from reconciler.api.client import Writer
from reconciler.bulk.scan.source_scans import Scans
from reconciler.cli import authority, exit_codes, ledgers, output_file, steps, user_command, wiring
from reconciler.cli.console import data, out, say, shown, style
from reconciler.cli.options import Format
from reconciler.cli.progress import Display
from reconciler.errors import ReadFailed, ReconcilerError, Refused, Unauthorized
from reconciler.ledger.history import Entry
from reconciler.ledger.rollouts import Recorded
from reconciler.model.listing import Listed, Listing
from reconciler.model.plan import Plan, ResourceChange
from reconciler.model.remote import Compartment
from reconciler.model.rollout import Wave
from reconciler.model.seal import Seal
from reconciler.planning.config import lookup
from reconciler.planning.plan import document, waves
from reconciler.reports.result import text as result_text
from reconciler.reports.rollout import json as rollout_json
from reconciler.reports.rollout import text as rollout_text
from reconciler.settings import Settings
from reconciler.workflows.check import Checked
from reconciler.workflows.preflight import preflight
from reconciler.workflows.rollout import RolloutResult, RolloutRun, run_rollout

Row = TypeVar("Row")
OPEN = ("running", "stopped", "paused")


def apply_in_waves(
    made: Plan, flags: steps.Flags, checked: Checked, scans: Scans, where: wiring.Target, shown: Display
) -> tuple[RolloutResult, int]:
    """Run a plan's waves, or the one that `--wave` names; the result and the exit code."""
    assert made.rollout is not None  # noqa: S101 - the caller's case
    settings, rollout, clock = checked.settings, made.rollout, wiring.CLOCK
    interrupt = wiring.Interrupt(say)
    with (
        interrupt.installed(),
        ledgers.rollouts(flags.root, settings) as board,
        wiring.writer(where, settings.parallelism) as writer,
        wiring.threads(settings.parallelism) as io,
        shown,
    ):
        record = board.begin(made.plan_digest, document.encode(made), wiring.who())

        def applied(part: Plan) -> bool:
            return preflight(part, writer, io, scans).done

        def told(wave: Wave, state: str, why: str) -> None:
            shown.wave(wave.name, len(wave.datamarts), state, why)

        found = run_rollout(
            RolloutRun(
                plan=made,
                rollout=rollout,
                board=board,
                record=record,
                who=wiring.who(),
                carry_out=lambda part: steps.carried(
                    part, flags, checked, scans, where, shown, interrupt, writer, io, saved=False
                ),
                applied=applied,
                seen=lambda wave: _seen(made, wave, writer),
                command=lambda wave: _gate_command(made, wave, flags.root),
                clock=clock,
                stopping=interrupt.stopping,
                told=told,
                skipped=shown.unbegun,
            ),
            flags.wave,
        )
        code = interrupt.code or int(found.exit)
        shown.ended(code, result_text.counted(found.outcomes))
    return found, code


def _seen(made: Plan, wave: Wave, writer: Writer) -> int:
    """Activations on the wave's datamarts that the plan declares, as listings show them now."""
    compartments = _rows(resources.compartments(writer, made.organisation_id))
    ids = {
        c.address: c.remote_id or _id_of(c, compartments, made)
        for c in made.resource_changes
        if c.kind == "Compartment"
    }
    wanted: dict[str, set[str]] = {}
    for change in made.resource_changes:
        after = change.change.after or {}
        if change.kind == "Activation" and waves.datamart_of(change.address) in wave.datamarts:
            identity = after.get("compartment_id") or next(
                (ids[r] for r in change.requires if r in ids), None
            )
            if identity:
                wanted.setdefault(str(after["datamart_id"]), set()).add(str(identity))
    return sum(
        len(identities & {a.compartment_id for a in _rows(resources.activations(writer, datamart_id)).rows})
        for datamart_id, identities in wanted.items()
    )


def _rows(listing: Listing[Row]) -> Listed[Row]:
    """A failed read is never an absence (G6)."""
    if isinstance(listing, Listed):
        return listing
    raise (Unauthorized if listing.unauthorized else ReadFailed)(
        listing.reason, help="the gate could not be evaluated; run again"
    )


def _id_of(change: ResourceChange, compartments: Listed[Compartment], made: Plan) -> str | None:
    """The id of a compartment that the plan made, if it is there."""
    token = (change.change.after or {}).get("token")
    row = lookup.compartment(compartments.by("token", token), made.organisation_id, token, None)
    return row.id if isinstance(row, Compartment) else None


# What a gate's command sees of the environment: secrets have many names, so what is not listed here is left out.
GATE_ENVIRONMENT = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TERM",
        "CI",
        "PYTHONPATH",
    }
)


def gate_environment(environ: Mapping[str, str], more: Sequence[str]) -> dict[str, str]:
    """What a gate's command sees: what programs need to start, and what the spec names; never the token."""
    named = GATE_ENVIRONMENT | set(more)
    return {
        k: v for k, v in environ.items() if (k in named or k.startswith("LC_")) and k != "RECONCILER_TOKEN"
    }


def _gate_command(made: Plan, wave: Wave, root: Path) -> tuple[bool, str]:
    """Run a wave's command in the workspace; of the environment it sees only what programs need to start (no secret)."""
    gates = wave.gates
    told = {
        "RECONCILER_WAVE": wave.name,
        "RECONCILER_WAVE_DATAMARTS": ",".join(wave.datamarts),
        "RECONCILER_PLAN_DIGEST": made.plan_digest,
    }
    env = gate_environment(os.environ, gates.command_env) | told
    name = gates.command[0]
    try:
        done = user_command.run(
            gates.command,
            root,
            gates.command_timeout,
            env=env,
            show=lambda line: say(line.decode("utf-8", "replace")),
        )
    except OSError as e:
        return False, f"{name} cannot be run: {e.strerror}"
    return done.code == 0, f"{name} {done.why or f'ended with {done.code}'}"


# -- rollout … ------------------------------------------------------------------------------------------------------


def status(flags: steps.Flags, *, follow: bool) -> int:
    """`rollout status`: the newest rollout; 0 whatever its state."""
    settings = steps.settings_only(flags).settings
    if follow and flags.output is Format.TEXT and sys.stdout.isatty():
        _live(flags, settings)
        return exit_codes.DONE
    if flags.output is Format.JSON:
        found, plan = _newest(flags.root, settings)
        data(rollout_json.render(found, plan, _journal(flags.root, settings, found)))
    else:
        out(_table(flags, settings)[1])
    return exit_codes.DONE


def _table(flags: steps.Flags, settings: Settings) -> tuple[Recorded, str]:
    """The newest rollout, and where it is."""
    found, plan = _newest(flags.root, settings)
    journal, marks = _journal(flags.root, settings, found), style(sys.stdout, no_color=flags.no_color)
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
    found, _ = _newest(flags.root, settings)
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
    found, plan = _newest(flags.root, settings)
    flags = replace(flags, environment=flags.environment or plan.environment)
    if found.state not in OPEN:
        raise Refused(f"the rollout is {found.state}", help="make a new plan")
    if authority.seal_of(plan, settings) is not Seal.RIGHT and (moved := _moved(plan, flags)):
        lines = "\n".join(f"  {line}" for line in moved)
        raise Refused(
            f"the specs changed since the rollout was planned; nothing was written\n{lines}",
            help="abort the rollout and make a new plan, or revert the specs",
        )
    with ledgers.rollouts(flags.root, settings) as board:
        for name, wave in found.waves.items():
            if wave.state == "closed":  # a person says to go on all the same
                board.note(found.id, name, "accepted", f"{wave.why}; continued by {wiring.who()}", wave.runs)
        board.move(found.id, "running", "", wiring.who(), unless=("aborted", "finished"))
    from reconciler.cli import commands

    return commands.apply_saved(plan, flags)


def _moved(plan: Plan, flags: steps.Flags) -> list[str]:
    """How the specs differ from those that the rollout was planned from."""
    assert plan.rollout is not None  # noqa: S101 - a rollout's plan
    now = steps.read_workspace(flags).rollout()
    return waves.moved_specs(plan.rollout.specs, now.specs if now else {})


def _move(flags: steps.Flags, state: str, why: str, then: str, allowed: tuple[str, ...]) -> int:
    settings = steps.settings_only(flags).settings
    found, _ = _newest(flags.root, settings)
    if found.state not in allowed:
        raise Refused(f"the rollout is {found.state}", help="`reconciler rollout status` shows it")
    with ledgers.rollouts(flags.root, settings) as board:
        board.move(found.id, state, why, wiring.who(), unless=("aborted", "finished"))
    say(f"The rollout is {state}. {then}")
    return exit_codes.DONE


def _newest(root: Path, settings: Settings) -> tuple[Recorded, Plan]:
    with ledgers.reading_rollouts(root, settings) as board:
        found = board.newest() if board is not None else None
    if found is None:
        raise ReconcilerError(
            "the ledger has no rollout", help="`reconciler apply` of a plan with waves starts a rollout"
        )
    return found, document.decode(found.plan.encode(), f"the plan of rollout {found.id}")


def earlier(flags: steps.Flags, settings: Settings) -> dict[str, bool]:
    """Of each action that runs of the newest rollout tried, whether it succeeded."""
    found, _ = _newest(flags.root, settings)
    return rollout_text.succeeded(_journal(flags.root, settings, found))


def _journal(root: Path, settings: Settings, found: Recorded) -> list[Entry]:
    """All that was noted of the rollout's waves."""
    history = ledgers.history(root, settings)
    runs = sorted({run for w in found.waves.values() for run in w.runs})
    return [entry for run in runs for entry in history.journal(run)]
