"""`runs`, `runs show`, `runs resolve`."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import plan_files, plan_pages, run_pages, session
from reconciler.cli.flags import PLATFORM, WORKSPACE, Flags, takes
from reconciler.cli.options import Format
from reconciler.cli.output import output_file
from reconciler.cli.output.console import data, out, say, style
from reconciler.cli.wiring import actor, ledgers, real_clock
from reconciler.errors import ReconcilerError, SpecError, UsageError
from reconciler.kinds.nearest import nearest_or_known
from reconciler.kinds.selectors import nothing, require_form, selects
from reconciler.model.exit_code import Exit
from reconciler.model.load import ManualVerdict
from reconciler.planning.plan import document
from reconciler.reports.plan import undo
from reconciler.reports.runs import json as runs_json
from reconciler.reports.runs import table as runs_table
from reconciler.reports.runs import text as runs_text
from reconciler.reports.runs.story import State, Told
from reconciler.settings import seconds
from reconciler.whole import whole

runs_app = typer.Typer(help="Runs in the ledger.", invoke_without_command=True)


@runs_app.callback()
def runs(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="Number of runs, newest first.")
    ] = 20,
    since: Annotated[
        str | None, typer.Option("--since", metavar="7d", help="Only runs that started within this time.")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only these: succeeded, partial, failed, interrupted, running. May be given several times.",
        ),
    ] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(
            "--address",
            metavar="ADDRESS",
            help="Only runs that acted on it. * is any text; without a datamart, on any. May be given several times.",
        ),
    ] = None,
    output: opt.SourceOutput = opt.SourceFormat.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int | None:
    """List the runs in the ledger; `runs show [RUN]` shows one."""
    if context.invoked_subcommand is not None:
        return None
    flags = Flags(root=context.obj, no_color=no_color, environment=environment, endpoint=endpoint)
    asked = [("since", since)] if since else []
    asked += [("state", x) for x in state or ()] + [("address", x) for x in address or ()]
    return run_list(
        flags.with_plan_format(opt.PlanFormat(output.value)),
        wanted(limit, since, state or (), address or ()),
        asked,
    )


@runs_app.command("show")
@takes(*WORKSPACE)
def runs_show(
    flags: Flags,
    run_id: run_pages.RunId = None,
    inverse: Annotated[
        Path | None,
        typer.Option("--inverse", metavar="FILE", help="Save and show the plan that undoes the run."),
    ] = None,
    output: opt.SourceOutput = opt.SourceFormat.TEXT,
) -> int:
    """Show one run: its plan and the outcome of each action. With --inverse, the plan that undoes it."""
    flags = flags.with_plan_format(opt.PlanFormat(output.value))
    return show_run(flags, run_id) if inverse is None else run_undo(flags, run_id, inverse)


@runs_app.command("resolve")
@takes(*PLATFORM, "lock_timeout")
def runs_resolve(
    flags: Flags,
    chunk: Annotated[
        str, typer.Argument(metavar="ADDRESS#CHUNK", help="For example ProfileSource/crm@retail-fr#3.")
    ],
    sent: Annotated[
        bool | None,
        typer.Option(
            "--sent/--not-sent", help="--sent: do not send the chunk again. --not-sent: send the chunk again."
        ),
    ] = None,
) -> int:
    """Record whether a chunk was sent; the next apply uses it."""
    return run_resolve(flags, chunk, sent=sent)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs to list: the newest so many that began within some seconds, are in one of some states, and acted on one of some addresses."""

    limit: int
    since: float | None = None
    states: tuple[State, ...] = ()
    addresses: tuple[str, ...] = ()

    def of(self, told: Sequence[Told], now: float) -> list[Told]:
        """Those of them, newest first."""
        found = [
            x
            for x in told
            if (self.since is None or x.run.started >= now - self.since)
            and (not self.states or x.state in self.states)
            and (not self.addresses or any(selects(self.addresses, s.address) for s in x.steps))
        ]
        return found[: self.limit]


def wanted(limit: int, since: str | None, states: Sequence[str], addresses: Sequence[str]) -> Wanted:
    """The filters as given.

    Args:
        limit: how many runs, the newest first.
        since: how far back, such as `7d`; None is without limit.
        states: only runs in one of these; all where there are none.
        addresses: only runs that acted on one of these; the same.

    Raises:
        UsageError: one of them makes no sense.
    """
    for state in states:
        if state not in list(State):
            raise UsageError(f"--state {state!r} is not one of {', '.join(State)}")
    for address in addresses:
        require_form("--address", address)
    within = None if since is None else seconds(since)
    return Wanted(limit, within, tuple(map(State, states)), tuple(addresses))


def run_list(flags: Flags, wanted: Wanted, asked: Sequence[tuple[str, str]]) -> int:
    """The newest runs of this workspace's organisation that are wanted.

    Args:
        flags: as given.
        wanted: which runs.
        asked: the flags that limit the list, by name.
    """
    every = run_pages.runs(flags)
    _require_known(flags, every, wanted.addresses)
    found = wanted.of(every, real_clock.CLOCK.wall())
    if flags.shape is opt.PlanFormat.HTML:
        data(run_pages.list_page(flags, found, asked))
    elif flags.output is Format.JSON:
        data(runs_json.render(found))
    else:
        out(runs_table.render(found, style(sys.stdout, no_color=flags.no_color), narrowed=bool(asked)))
    return Exit.DONE


def _require_known(flags: Flags, runs: Sequence[Told], addresses: Sequence[str]) -> None:
    """Each address that limits the list is one on which a run acted, or that a spec declares.

    Raises:
        ReconcilerError: one is neither.
    """
    acted = {step.address for x in runs for step in x.steps}
    if unknown := [a for a in addresses if not any(selects({a}, x) for x in acted)]:
        known = sorted(acted | _declared(flags))
        for address in unknown:
            if not any(selects({address}, x) for x in known):
                words = f"--address: no run acted on {address}, and no spec declares it"
                raise nothing(words, address, known)


def _declared(flags: Flags) -> set[str]:
    """Addresses of the specs; none where they have findings, since runs are told without specs, too."""
    with suppress(SpecError):
        desired = session.read_workspace(flags).desired()
        return {*desired.compartments, *desired.activations, *desired.removals, *desired.loads}
    return set()


def show_run(flags: Flags, run_id: int | None) -> int:
    """One run; the newest by default.

    Raises:
        ReconcilerError: there is none.
    """
    told = next((x for x in run_pages.runs(flags) if run_id in (None, x.run.id)), None)
    if told is None:
        raise ledgers.no_run(run_id, "`reconciler runs` lists the runs")
    if flags.shape is opt.PlanFormat.HTML:
        data(run_pages.run_page(flags, told))
    elif flags.output is Format.JSON:
        data(runs_json.render([told], steps=True))
    else:
        marks = style(sys.stdout, no_color=flags.no_color)
        state = runs_table.state(told)
        out(runs_text.one(told.run, told.plan, told.steps, state, told.todo, marks, told.rollout))
    return Exit.DONE


def run_undo(flags: Flags, run_id: int | None, file: Path) -> int:
    """Save and show the plan that would undo a run; what cannot be undone is told.

    Raises:
        ReconcilerError: there is no such run, or it recorded none.
    """
    output_file.check_plan_file(file)
    told = run_pages.history(flags)
    run = told.run(run_id) if run_id is not None else next(iter(told.runs(1)), None)
    text = told.inverse(run.id) if run is not None else None
    if run is None or not text:
        raise ReconcilerError(
            "the ledger has no run with this id, or the run recorded no plan that undoes it"
        )
    made = document.decode(text.encode(), f"the plan that undoes run {run.id}")
    made = session.under_key(made, session.settings_only(flags).settings)
    if not made.has_changes:
        plan_files.write(made, file)
        for line in undo.lines(made.diagnostics):
            say(f"  {line}")
        say(f"Nothing of run {run.id} can be undone; the plan that is saved has no changes.")
        return Exit.DONE
    if not output_file.is_stdout(file):
        plan_pages.show(made, flags)
    plan_pages.tell_findings(made, flags)
    plan_files.save(made, file)
    if not output_file.is_stdout(file):
        say(undo.SPECS)
    return Exit.DONE


def run_resolve(flags: Flags, chunk: str, *, sent: bool | None) -> int:
    """Record a person's word on a chunk.

    Raises:
        UsageError: it is no chunk, or there is no word.
        ReconcilerError: no spec declares the load, or it has no such chunk.
        Refused: nothing about it is unknown.
    """
    from reconciler.workflows.settle import unresolved_chunk

    address, _, index = chunk.rpartition("#")
    if not address or (number := whole(index)) is None:
        raise UsageError(f"{chunk!r} is not ADDRESS#CHUNK", help="for example ProfileSource/crm@retail-fr#3")
    if sent is None:
        raise UsageError(
            "--sent or --not-sent is required", help="add --sent if the chunk was sent, --not-sent if not"
        )
    checked = session.read_workspace(flags)
    load = checked.desired().loads.get(address)
    if load is None:
        known = sorted(checked.desired().loads)
        raise ReconcilerError(f"no spec declares {address}", help=nearest_or_known(address, known))
    from reconciler.cli.wiring import connections  # the other commands of `runs` read the ledger alone

    where = session.target(flags, checked.settings)
    with (
        ledgers.locked(
            flags.root, checked.settings, seconds(flags.lock_timeout), session.lock_waits(flags)
        ) as (
            _,
            ledger,
            _at,
        ),
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
    ):
        found = unresolved_chunk(load, number, reader, io)
        said = ManualVerdict(found.attempt, sent)
        ledger.record_manual_verdict(load.datamart_id, str(found.load), number, said, actor.who())
    then = (
        "the chunk counts as loaded" if sent else f"the chunk is sent again, as attempt {found.attempt + 1}"
    )
    out(f"Recorded: {chunk} of {found.load.title}, shown by the platform as {found.seen.value}: {then}.")
    return Exit.DONE
