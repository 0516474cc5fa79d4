"""`reconciler runs …`: what the ledger recorded. Reads the ledger alone; the remote is not asked."""

import sys

from reconciler.cli import exit_codes, steps, wiring
from reconciler.cli.console import out, style
from reconciler.cli.options import Format
from reconciler.errors import ReconcilerError
from reconciler.ledger.history import History, Recorded
from reconciler.model.plan import Plan
from reconciler.planning import document
from reconciler.reports import runs_text


def runs(flags: steps.Flags, limit: int) -> int:
    """The newest runs of this workspace's organisation."""
    found = [(run, _plan(run)) for run in _history(flags).runs(limit)]
    if flags.output is Format.JSON:
        out(runs_text.as_json(found))
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
        raise ReconcilerError("the ledger has no such run", help="`reconciler runs` lists those it has")
    plan = _plan(run)
    found = runs_text.steps(plan, history.journal(run.id))
    if flags.output is Format.JSON:
        out(runs_text.as_json([(run, plan)], found))
    else:
        out(runs_text.one(run, plan, found, style(sys.stdout, no_color=flags.no_color)))
    return exit_codes.DONE


def _history(flags: steps.Flags) -> History:
    settings = steps.settings_only(flags).settings
    origin = wiring.origin(flags.root, settings)
    return History(wiring.ledger_path(flags.root, settings), origin, settings.organisation_id)


def _plan(run: Recorded) -> Plan:
    return document.decode(run.plan.encode(), f"the plan of run {run.id}")
