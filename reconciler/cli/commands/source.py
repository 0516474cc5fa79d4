"""`source check`, `source preview`, `source retry`."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from reconciler.bulk.scan.source_scans import Scans
from reconciler.cli import completing, exit_codes, selectors, session
from reconciler.cli import options as opt
from reconciler.cli.applying import execute
from reconciler.cli.output import output_file
from reconciler.cli.output.console import data, out, say, show_findings, style
from reconciler.cli.remembered import remembered
from reconciler.cli.wiring import connections, real_clock, sent
from reconciler.errors import Refused, UsageError
from reconciler.model.diagnostic import Diagnostic, has_errors
from reconciler.planning.plan.guards import refused
from reconciler.planning.plan.planner import Occasion, assemble
from reconciler.reports.findings.json import plain
from reconciler.reports.preview import json as preview_json
from reconciler.reports.preview import text as preview_text
from reconciler.reports.sent_index import json as index_json
from reconciler.reports.sent_index import text as index_text
from reconciler.reports.source import json as source_json
from reconciler.reports.source import text as source_text
from reconciler.reports.source.reading import Reading
from reconciler.spec.nearest import nearest
from reconciler.workflows.check import Checked
from reconciler.workflows.preview import compartment_ids
from reconciler.workflows.source_check import examine

SourceName = Annotated[
    str,
    typer.Argument(
        help="metadata.name of the source, or its address.",
        callback=lambda name: name.removeprefix("ProfileSource/"),
        autocompletion=completing.sources,
    ),
]
source_app = typer.Typer(help="Profile sources.", no_args_is_help=True)
MAX_SHOWN = 1000


class Look(NamedTuple):
    """What `source check` shows of what it read, and how."""

    output: opt.SourceFormat
    show: int | None
    values: bool

    @property
    def commands(self) -> int | None:
        """How many commands to show, with counts of properties; None for neither. A page always has the counts."""
        return self.show or 0 if self.output is opt.SourceFormat.HTML else self.show


@source_app.command("check")
def source_check(
    context: typer.Context,
    name: SourceName,
    show: Annotated[
        int | None,
        typer.Option(
            "--show",
            metavar="N",
            min=0,
            max=MAX_SHOWN,
            help="Show the first N commands, without values, and what each property holds.",
        ),
    ] = None,
    values: Annotated[bool, typer.Option("--values", help="With --show: show profile values, too.")] = False,
    rejects: opt.Rejects = None,
    datamart: opt.Datamart = None,
    output: opt.SourceOutput = opt.SourceFormat.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Read a source as plan does, without a token. Shows counts, volume, chunks, and rejected rows with reasons."""
    flags = session.Flags(root=context.obj, no_color=no_color, environment=environment, datamart=datamart)
    if values and not show:
        raise UsageError("--values needs --show N", help="add --show 5: it says how many commands to show")
    return run_check(flags, name, rejects, Look(output, show, values))


@source_app.command("preview")
def source_preview(
    context: typer.Context,
    name: SourceName,
    line: Annotated[
        str, typer.Option("--line", metavar="[PATH:]N", help="A line number of the source, or FILE:LINE.")
    ],
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    verbose: opt.Verbose = False,
    request_log: opt.RequestLog = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show what one row would change in its stored profile. Merges as the platform documents it; shows profile values."""
    flags = session.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        verbose=verbose,
        request_log=request_log,
        datamart=datamart,
    )
    return run_preview(flags, name, line)


@source_app.command("retry")
def source_retry(
    context: typer.Context,
    name: SourceName,
    failed_lines: Annotated[
        bool,
        typer.Option("--failed-lines", help="Send the commands that the platform failed. Required."),
    ] = False,
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    auto_approve: opt.AutoApprove = False,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    parallelism: opt.Parallelism = None,
    lock_timeout: opt.LockTimeout = "30s",
    events: opt.Events = None,
    verbose: opt.Verbose = False,
    request_log: opt.RequestLog = None,
    no_color: opt.NoColor = False,
) -> int:
    """Send the failed commands of the latest load again. They are a load of their own; shows a plan and asks first."""
    flags = session.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        verbose=verbose,
        request_log=request_log,
        parallelism=parallelism,
        only="loads",
        datamart=datamart,
        lock_timeout=lock_timeout,
        events=events,
    )
    return run_retry(flags, name, failed_lines=failed_lines, auto=auto_approve)


@source_app.command("index")
def source_index(
    context: typer.Context,
    name: SourceName,
    drop: Annotated[
        bool, typer.Option("--drop", help="Remove the indexes; the next load sends all rows.")
    ] = False,
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the sent index of a source (send: changed). Checks that it is whole; or removes it."""
    flags = session.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        datamart=datamart,
    )
    return run_index(flags, name, drop=drop)


def run_index(flags: session.Flags, name: str, *, drop: bool) -> int:
    """Show or remove the sent indexes of a source; 1 if one is damaged.

    Args:
        flags: as given.
        name: of the source.
        drop: remove them.

    Raises:
        UsageError: there is no such source or datamart.
        SpecError: the specs have findings that stop.
        ReconcilerError: the place of the indexes cannot be read.
    """
    checked = _declared(flags, name)
    datamarts = _datamarts(flags, checked)
    loads = [x for x in checked.desired().loads.values() if x.source == name]
    chosen = [x for x in loads if datamarts is None or x.datamart in datamarts]
    with session.progress(flags) as shown:
        scans = session.new_scans(flags, shown)
        with sent.indexes(flags.root, checked.settings, scans) as indexes:
            found = [(x, indexes.kept(name, x.datamart_id)) for x in chosen]
            if drop:
                for load, _ in found:
                    indexes.drop(name, load.datamart_id)
    if flags.output is opt.Format.JSON:
        data(index_json.render([(str(x.address), kept) for x, kept in found]))
    else:
        out(index_text.render([(str(x.address), kept) for x, kept in found], dropped=drop))
    damaged = any(one.trouble for _, kept in found for one in kept)
    return exit_codes.FAILED if damaged and not drop else exit_codes.DONE


def run_check(flags: session.Flags, name: str, rejects: Path | None, look: Look) -> int:
    """Read a source and show counts, volume and bad lines; 4 if too many are bad, 1 if it cannot be read.

    Args:
        flags: as given.
        name: of the source.
        rejects: file for the rows that are rejected; None keeps none.
        look: what to show of the rows.

    Raises:
        UsageError: there is no such source or datamart, or the rejects cannot be written.
        SpecError: the specs have findings that stop.
    """
    checked = _declared(flags, name)
    datamarts = _datamarts(flags, checked)
    findings, readings = list[Diagnostic](), list[Reading]()
    with (
        session.progress(flags) as shown,
        output_file.new_private_lines(rejects) as keep,
        sent.indexes(flags.root, checked.settings, scans := session.new_scans(flags, shown)) as indexes,
    ):
        for found in examine(checked, name, datamarts, scans, indexes, keep, look.commands):
            findings += found.findings
            if found.scan is not None:
                readings.append(
                    Reading(
                        found.addresses,
                        found.scan,
                        found.examples,
                        found.max_bytes,
                        found.shown,
                        look.values,
                        found.expectations,
                    )
                )
    _show_readings(name, readings, findings, look, flags)
    if not has_errors(findings):
        return exit_codes.DONE
    return exit_codes.REFUSED if refused(findings) else exit_codes.FAILED


def _show_readings(
    name: str,
    readings: Sequence[Reading],
    findings: Sequence[Diagnostic],
    look: Look,
    flags: session.Flags,
) -> None:
    match look.output:
        case opt.SourceFormat.JSON:
            data(source_json.render(readings, [plain(d) for d in findings]))
            return
        case opt.SourceFormat.HTML:
            from reconciler.reports.source import html as source_html

            data(source_html.render(name, readings, findings))
        case opt.SourceFormat.TEXT:
            marks = style(sys.stdout, no_color=flags.no_color)
            for reading in readings:
                out(source_text.render(reading, marks))
    show_findings(findings, flags.root, style(sys.stderr, no_color=flags.no_color))


def run_preview(flags: session.Flags, name: str, line: str) -> int:
    """Show what one line would do, on each datamart of the source.

    Raises:
        UsageError: there is no such source, datamart or line.
        ReconcilerError: the line is not sent, or what it does is not public.
    """
    from reconciler.workflows.preview import preview as look

    checked = _declared(flags, name)
    datamarts = _datamarts(flags, checked)
    where = session.seeded_target(flags, checked)
    marks = style(sys.stdout, no_color=flags.no_color)
    desired = checked.desired()
    with connections.reader(where, checked.settings.parallelism) as reader:
        ids = compartment_ids(desired, reader, checked.settings.organisation_id)
        scans = session.new_scans(flags, session.progress(flags))
        loads = [x for x in desired.loads.values() if x.source == name]
        wanted = [x for x in loads if datamarts is None or x.datamart in datamarts]
        found = [look(load, ids, line, reader, scans) for load in wanted]
    if flags.output is opt.Format.JSON:
        data(preview_json.render(found))
    else:
        out("\n\n".join(preview_text.render(one, marks) for one in found))
    return exit_codes.DONE


def _datamarts(flags: session.Flags, checked: Checked) -> frozenset[str] | None:
    return selectors.datamarts(checked, flags.datamart)


def run_retry(flags: session.Flags, name: str, *, failed_lines: bool, auto: bool) -> int:
    """Send the failed lines of the latest load again; 0 if none failed.

    Args:
        flags: as given.
        name: of the source.
        failed_lines: the flag that is required.
        auto: do not ask.

    Raises:
        UsageError: there is no such source or datamart, or nothing is said to be retried.
        Refused: a load is not finished, or its source changed since.
        ApprovalRefused: the answer is not yes.
    """
    if not failed_lines:
        raise UsageError(
            "--failed-lines is required",
            help="add --failed-lines: it selects the commands that the platform failed",
        )
    checked = _declared(flags, name)
    scans = session.new_scans(flags, session.progress(flags))
    try:
        return _retry(flags, checked, name, scans, auto=auto)
    finally:
        if scans.spools is not None:
            scans.spools.sweep()


def _retry(flags: session.Flags, checked: Checked, name: str, scans: Scans, *, auto: bool) -> int:
    from reconciler.workflows.retry import plan_retry

    where = session.seeded_target(flags, checked)
    with (
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
    ):
        targets = [a for a, load in checked.desired().loads.items() if load.source == name]
        made = session.plan(replace(flags, targets=targets), checked, where, scans)
        if made.errored or not made.applyable:
            return session.plan_exit(made, detailed=False)
        if busy := [x.address for x in made.loads if x.actions != ("no-op",) and not x.unread]:
            raise Refused(
                f"{busy[0]} has rows to load; load them before the failed commands",
                help="run `reconciler apply` first",
            )
        notes = remembered(flags.root, checked.settings, None).uploads
        retries = [plan_retry(load, reader, io, scans, notes(load.datamart_id)) for load in made.loads]
        found = [x for x in retries if x is not None]
        unplaced = sum(x.unplaced for x in found)
        if unplaced:
            say(
                f"{unplaced:,} failed commands are skipped: the platform does not report which rows they are."
            )
        loads = [x.change for x in found if x.change.lines]
        again = assemble(
            [], loads, [], checked.settings, made.spec_digest,
            Occasion(created_at=real_clock.created_at(), latency=reader.pace.mean), errored=False, complete=False,
        )  # fmt: skip
    if not loads:
        out("There is no failed command to send again.")
        return exit_codes.DONE
    if flags.output is opt.Format.TEXT:
        session.show_plan(again, flags)
    session.approve(again, auto=auto)
    shown = session.progress(flags)
    return execute.apply(again, flags, checked, saved=False, scans=scans, where=where, shown=shown)


def _declared(flags: session.Flags, name: str) -> Checked:
    """The workspace, which declares this source."""
    checked = session.read_workspace(flags)
    if name not in checked.specs.sources:
        hint = nearest(name, checked.specs.sources) or "`reconciler render` lists the declared resources"
        raise UsageError(f"no spec declares ProfileSource/{name}", help=hint)
    return checked
