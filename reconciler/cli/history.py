"""`reconciler runs …`: what the ledger recorded. Reads the ledger alone; the remote is not asked."""

import sys
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
from reconciler.reports.runs import text as runs_text
from reconciler.settings import seconds


def runs(flags: steps.Flags, limit: int) -> int:
    """The newest runs of this workspace's organisation."""
    found = [(run, _plan(run)) for run in _history(flags).runs(limit)]
    if flags.output is Format.JSON:
        data(runs_json.render(found))
    else:
        out(runs_text.table(found, style(sys.stdout, no_color=flags.no_color)))
    return exit_codes.DONE


def show(flags: steps.Flags, run_id: int | None) -> int:
    """One run; the newest by default.

    Raises:
        ReconcilerError: there is none.
    """
    history = _history(flags)
    run = next(iter(history.runs(1)), None) if run_id is None else history.run(run_id)
    if run is None:
        raise ReconcilerError("the ledger has no run with this id", help="`reconciler runs` lists the runs")
    plan = _plan(run)
    found = runs_text.steps(plan, history.journal(run.id))
    if flags.output is Format.JSON:
        data(runs_json.render([(run, plan)], found))
    else:
        out(runs_text.one(run, plan, found, style(sys.stdout, no_color=flags.no_color)))
    return exit_codes.DONE


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
