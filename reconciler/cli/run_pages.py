"""What the ledger tells of runs and rollouts, put together for a report: by `runs`, `rollout status`, and by `apply` of what it has done."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import completing, session
from reconciler.cli.flags import Flags
from reconciler.cli.wiring import ledgers, real_clock
from reconciler.errors import Refused
from reconciler.ledger.history import Entry, History
from reconciler.ledger.rollouts import Recorded as Rollout
from reconciler.model.plan import Plan
from reconciler.planning.plan import document
from reconciler.reports.runs import text as runs_text
from reconciler.reports.runs.story import Told, told
from reconciler.settings import Settings

FEW_RUNS = 5
READ_RUNS = 1000  # what completed a run, and filters, are looked for among so many


def history(flags: Flags) -> History:
    """The ledger of the workspace."""
    return ledgers.history(flags.root, session.settings_only(flags).settings)


def run_of(flags: Flags, plan_digest: str) -> Told | None:
    """The newest run that applied a plan; it is among the last few, where it has just ended."""
    for limit in (FEW_RUNS, READ_RUNS):
        for found in runs(flags, limit):
            if found.run.plan_digest == plan_digest:
                return found
    return None


def runs(flags: Flags, limit: int = READ_RUNS) -> list[Told]:
    """The newest runs, newest first, each with what became of it."""
    ledger, settings = history(flags), session.settings_only(flags).settings
    found, unread, interrupted = [], {}, set[int]()
    for run in ledger.runs(limit):
        try:
            plan = document.decode(run.plan.encode(), f"the plan of run {run.id}")
        except Refused as e:  # of another version, or damaged: the journal has what was done
            plan, unread[run.id] = runs_text.without_plan(run), str(e).splitlines()[0]
        journal = ledger.journal(run.id)
        if any((e.step, e.state) == ("run", "interrupted") for e in journal):
            interrupted.add(run.id)
        found.append((run, plan, runs_text.steps(plan, journal)))
    running = bool(found) and found[0][0].state == "running"
    with ledgers.reading_rollouts(flags.root, settings) as board:
        waves = board.of_runs() if board is not None else {}
    since = ledgers.locked_since(flags.root, settings) if running else None
    return told(found, since, waves, unread, interrupted)


def ids(context: typer.Context, incomplete: str) -> list[str]:
    """Ids of the newest runs, for a shell; whatever goes wrong gives no proposal.

    Args:
        context: of the command that is typed.
        incomplete: what of the id is typed.
    """
    with suppress(Exception):
        found = history(Flags(root=completing.folder_of(context))).runs(FEW_RUNS * 4)
        return [str(r.id) for r in found if str(r.id).startswith(incomplete)]
    return []


def run_page(flags: Flags, found: Told, notes: Sequence[str] = ()) -> str:
    """A run as a page.

    Args:
        flags: as given.
        found: the run.
        notes: what else is to be said of it.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    from reconciler.reports.runs import html

    return html.render(found, history(flags).journal(found.run.id), found.run.by, notes)


def list_page(flags: Flags, found: Sequence[Told], asked: Sequence[tuple[str, str]]) -> str:
    """Runs as a page.

    Args:
        flags: as given.
        found: newest first.
        asked: the flags that limit them, by name.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    from reconciler.reports.runs import list_html

    return list_html.render(found, session.settings_only(flags).settings.workspace, asked)


def rollout_page(root: Path, settings: Settings, found: Rollout, plan: Plan) -> str:
    """A rollout as a page.

    Args:
        root: of the workspace.
        settings: of the workspace.
        found: the rollout.
        plan: its plan.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    from reconciler.reports.rollout import html

    return html.render(found, plan, journal_of(root, settings, found), real_clock.CLOCK.wall())


def journal_of(root: Path, settings: Settings, found: Rollout) -> list[Entry]:
    """All that was noted of the rollout's waves."""
    ledger = ledgers.history(root, settings)
    numbers = sorted({run for w in found.waves.values() for run in w.runs})
    return [entry for run in numbers for entry in ledger.journal(run)]


RunId = Annotated[
    int | None,
    typer.Argument(metavar="RUN", autocompletion=ids, help="Id of a run. Default: the newest run."),
]
