"""`reconciler runs …`: what the ledger recorded. Reads the ledger alone; the remote is not asked."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli import exit_codes, ledgers, output_file, steps, wiring
from reconciler.cli.console import data, out, say, show_findings, style
from reconciler.cli.options import Format
from reconciler.errors import ReconcilerError, UsageError
from reconciler.ledger.history import History, Recorded
from reconciler.model.load import ManualVerdict
from reconciler.model.plan import Plan
from reconciler.planning.plan import document
from reconciler.reports.plan.decision import ordered
from reconciler.reports.runs import json as runs_json
from reconciler.reports.runs import table as runs_table
from reconciler.reports.runs import text as runs_text
from reconciler.reports.runs.story import State, Told, told
from reconciler.settings import seconds

READ_RUNS = 1000  # what completed a run, and filters, are looked for among so many


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs to list: the newest so many that began within some seconds, are in a state, and acted on an address."""

    limit: int
    since: float | None = None
    state: State | None = None
    address: str | None = None

    def of(self, told: Sequence[Told], now: float) -> list[Told]:
        """Those of them, newest first."""
        found = [
            x
            for x in told
            if (self.since is None or x.run.started >= now - self.since)
            and (self.state is None or x.state is self.state)
            and (self.address is None or any(s.address == self.address for s in x.steps))
        ]
        return found[: self.limit]


def wanted(limit: int, since: str | None, state: str | None, address: str | None) -> Wanted:
    """The filters as given.

    Raises:
        UsageError: one of them makes no sense.
    """
    if state is not None and state not in list(State):
        raise UsageError(f"--state {state!r} is not one of {', '.join(State)}")
    within = None if since is None else seconds(since)
    return Wanted(limit, within, State(state) if state else None, address)


def runs(flags: steps.Flags, wanted: Wanted) -> int:
    """The newest runs of this workspace's organisation that are wanted."""
    found = wanted.of(_told(flags), wiring.CLOCK.wall())
    if flags.output is Format.JSON:
        data(runs_json.render(found))
    else:
        out(runs_table.render(found, style(sys.stdout, no_color=flags.no_color)))
    return exit_codes.DONE


def show(flags: steps.Flags, run_id: int | None) -> int:
    """One run; the newest by default.

    Raises:
        ReconcilerError: there is none.
    """
    told = next((x for x in _told(flags) if run_id in (None, x.run.id)), None)
    if told is None:
        raise ReconcilerError("the ledger has no run with this id", help="`reconciler runs` lists the runs")
    if flags.output is Format.JSON:
        data(runs_json.render([told], steps=True))
    else:
        marks = style(sys.stdout, no_color=flags.no_color)
        out(runs_text.one(told.run, told.plan, told.steps, runs_table.state(told), marks))
    return exit_codes.DONE


def _told(flags: steps.Flags) -> list[Told]:
    history, settings = _history(flags), steps.settings_only(flags).settings
    found = []
    for run in history.runs(READ_RUNS):
        plan = _plan(run)
        found.append((run, plan, runs_text.steps(plan, history.journal(run.id))))
    running = bool(found) and found[0][0].state == "running"
    return told(found, ledgers.locked_since(flags.root, settings) if running else None)


def undo(flags: steps.Flags, run_id: int | None, file: Path) -> int:
    """Save and show the plan that would undo a run; what cannot be undone is told.

    Raises:
        ReconcilerError: there is no such run, or it recorded none.
    """
    output_file.check_plan_file(file)
    told = _history(flags)
    run = told.run(run_id) if run_id is not None else next(iter(told.runs(1)), None)
    text = told.inverse(run.id) if run is not None else None
    if run is None or not text:
        raise ReconcilerError(
            "the ledger has no run with this id, or the run recorded no plan that undoes it"
        )
    made = document.decode(text.encode(), f"the plan that undoes run {run.id}")
    made = steps.under_key(made, steps.settings_only(flags).settings)
    show_findings(ordered(made.diagnostics), flags.root, style(sys.stderr, no_color=flags.no_color))
    if not output_file.is_stdout(file):
        steps.show_plan(made, flags)
    steps.save(made, file)
    return exit_codes.DONE


def resolve(flags: steps.Flags, chunk: str, *, sent: bool | None) -> int:
    """Record a person's word on a chunk.

    Raises:
        UsageError: there is no such chunk, or no word.
        Refused: nothing about it is unknown.
    """
    from reconciler.workflows.settle import unresolved_chunk

    address, _, index = chunk.rpartition("#")
    if not address or not index.isdigit():
        raise UsageError(f"{chunk!r} is not ADDRESS#CHUNK", help="for example ProfileSource/crm@retail-fr#3")
    if sent is None:
        raise UsageError(
            "--sent or --not-sent is required", help="add --sent if the chunk was sent, --not-sent if not"
        )
    checked = steps.read_workspace(flags)
    load = checked.desired().loads.get(address)
    if load is None:
        raise UsageError(
            f"no spec declares {address}", help="examples of addresses: ProfileSource/crm@retail-fr"
        )
    where = wiring.target(flags.root, checked.settings, flags.token_file)
    with (
        ledgers.locked(flags.root, checked.settings, seconds(flags.lock_timeout), say) as (
            _,
            ledger,
            _at,
        ),
        wiring.reader(where, checked.settings.parallelism) as reader,
        wiring.threads(checked.settings.parallelism) as io,
    ):
        found = unresolved_chunk(load, int(index), reader, io)
        said = ManualVerdict(found.attempt, sent)
        ledger.record_manual_verdict(load.datamart_id, str(found.load), int(index), said, wiring.who())
    then = (
        "the chunk counts as loaded" if sent else f"the chunk is sent again, as attempt {found.attempt + 1}"
    )
    out(f"Recorded: {chunk} of {found.load.title}, shown by the platform as {found.seen.value}: {then}.")
    return exit_codes.DONE


def _history(flags: steps.Flags) -> History:
    return ledgers.history(flags.root, steps.settings_only(flags).settings)


def _plan(run: Recorded) -> Plan:
    return document.decode(run.plan.encode(), f"the plan of run {run.id}")
