"""`source check`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from reconciler.cli import options as opt
from reconciler.cli import selectors, session
from reconciler.cli.commands.source.declared import SourceName, declared
from reconciler.cli.flags import Flags, takes
from reconciler.cli.output.console import data, out, say, show_findings, style
from reconciler.cli.output.rejected_file import rejected_rows
from reconciler.cli.wiring import sent
from reconciler.errors import UsageError
from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, has_errors
from reconciler.model.exit_code import Exit
from reconciler.planning.loads.source_findings import beside_rows
from reconciler.planning.plan.guards import refused
from reconciler.reports.findings.json import plain
from reconciler.reports.grouping import SINGLE_MAX_DATAMARTS
from reconciler.reports.source import json as source_json
from reconciler.reports.source import overview as source_overview
from reconciler.reports.source import text as source_text
from reconciler.reports.source.reading import Reading
from reconciler.workflows.source_check import examine

MAX_SHOWN = 1000


class Look(NamedTuple):
    """What `source check` shows of what it read, and how."""

    output: opt.SourceFormat
    show: int | None
    values: bool
    written: bool = False  # rejected rows go to a file

    @property
    def commands(self) -> int | None:
        """How many commands to show, with counts of properties; None for neither. A page always has the counts."""
        return self.show or 0 if self.output is opt.SourceFormat.HTML else self.show


@takes("datamart", "environment", "no_color")
def source_check(
    flags: Flags,
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
    output: opt.SourceOutput = opt.SourceFormat.TEXT,
) -> int:
    """Read a source as plan does, without a token. Shows counts, volume, chunks, and rejected rows with reasons."""
    if values and not show:
        raise UsageError("--values needs --show N", help="add --show 5: it says how many commands to show")
    return run_check(flags, name, rejects, Look(output, show, values, rejects is not None))


def run_check(flags: Flags, name: str, rejects: Path | None, look: Look) -> int:
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
    checked = declared(flags, name)
    datamarts = selectors.datamarts(checked, flags.datamart)
    findings, readings = list[Diagnostic](), list[Reading]()
    with (
        session.progress(flags) as shown,
        rejected_rows(flags.root, rejects) as keep,
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
    if rejects is not None and (count := sum(x.scan.rejected for x in readings)):
        say(f"{many(count, 'rejected row is', 'rejected rows are')} in {rejects}, one JSON object a line.")
    if not has_errors(findings):
        return Exit.DONE
    return Exit.REFUSED if refused(findings) else Exit.FAILED


def _show_readings(
    name: str,
    readings: Sequence[Reading],
    findings: Sequence[Diagnostic],
    look: Look,
    flags: Flags,
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
            if len(readings) > SINGLE_MAX_DATAMARTS and look.commands is None:
                out(source_overview.render(name, readings, marks))
                say("To see one of them by itself, add `--datamart NAME`.")
            else:
                out("\n".join(source_text.render(reading, marks) for reading in readings))
            findings = [
                beside_rows(d, name, written=look.written) if d.code == "bad-lines" else d for d in findings
            ]
    show_findings(findings, flags.root, style(sys.stderr, no_color=flags.no_color))
