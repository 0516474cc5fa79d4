"""`reconciler source …`: sources by themselves."""

import sys
from dataclasses import replace
from pathlib import Path

from reconciler.bulk.scan.source_scans import Scans
from reconciler.cli import applying, exit_codes, output_file, selectors, steps, wiring
from reconciler.cli.console import data, out, say, show_findings, style
from reconciler.cli.options import Format
from reconciler.errors import Refused, UsageError
from reconciler.model.diagnostic import Diagnostic, has_errors
from reconciler.planning.plan.guards import refused
from reconciler.planning.plan.planner import Occasion, assemble
from reconciler.reports.findings.json import plain
from reconciler.reports.preview import json as preview_json
from reconciler.reports.preview import text as preview_text
from reconciler.reports.source import json as source_json
from reconciler.reports.source import text as source_text
from reconciler.spec.nearest import nearest
from reconciler.workflows.check import Checked
from reconciler.workflows.preview import compartment_ids
from reconciler.workflows.source_check import examine


def check(flags: steps.Flags, name: str, rejects: Path | None) -> int:
    """Read a source and show counts, volume and bad lines; 4 if too many are bad, 1 if it cannot be read.

    Raises:
        UsageError: there is no such source or datamart, or the rejects cannot be written.
        SpecError: the specs have findings that stop.
    """
    checked = _declared(flags, name)
    datamarts = _datamarts(flags, checked)
    marks, findings, reads = style(sys.stdout, no_color=flags.no_color), list[Diagnostic](), []
    with steps.progress(flags) as shown, output_file.new_private_lines(rejects) as keep:
        for found in examine(checked, name, datamarts, steps.new_scans(flags, shown), keep):
            findings += found.findings
            if found.scan is None:
                continue
            if flags.output is Format.JSON:
                reads.append(source_text.plain(found.addresses, found.scan, found.examples))
            else:
                out(source_text.render(found.addresses, found.scan, found.examples, found.max_bytes, marks))
    if flags.output is Format.JSON:
        data(source_json.render(reads, [plain(d) for d in findings]))
    else:
        show_findings(findings, flags.root, style(sys.stderr, no_color=flags.no_color))
    if not has_errors(findings):
        return exit_codes.DONE
    return exit_codes.REFUSED if refused(findings) else exit_codes.FAILED


def preview(flags: steps.Flags, name: str, line: str) -> int:
    """Show what one line would do, on each datamart of the source.

    Raises:
        UsageError: there is no such source, datamart or line.
        ReconcilerError: the line is not sent, or what it does is not public.
    """
    from reconciler.workflows.preview import preview as look

    checked = _declared(flags, name)
    datamarts = _datamarts(flags, checked)
    where = wiring.target(flags.root, checked.settings, flags.token_file)
    marks = style(sys.stdout, no_color=flags.no_color)
    desired = checked.desired()
    with wiring.reader(where, checked.settings.parallelism) as reader:
        ids = compartment_ids(desired, reader, checked.settings.organisation_id)
        scans = steps.new_scans(flags, steps.progress(flags))
        loads = [x for x in desired.loads.values() if x.source == name]
        wanted = [x for x in loads if datamarts is None or x.datamart in datamarts]
        found = [look(load, ids, line, reader, scans) for load in wanted]
    if flags.output is Format.JSON:
        data(preview_json.render(found))
    else:
        out("\n\n".join(preview_text.render(one, marks) for one in found))
    return exit_codes.DONE


def _datamarts(flags: steps.Flags, checked: Checked) -> frozenset[str] | None:
    return selectors.datamarts(checked, flags.datamart)


def retry(flags: steps.Flags, name: str, *, failed_lines: bool, auto: bool) -> int:
    """Send the failed lines of the latest load again; 0 if none failed.

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
    scans = steps.new_scans(flags, steps.progress(flags))
    try:
        return _retry(flags, checked, name, scans, auto=auto)
    finally:
        if scans.spools is not None:
            scans.spools.sweep()


def _retry(flags: steps.Flags, checked: Checked, name: str, scans: Scans, *, auto: bool) -> int:
    from reconciler.workflows.retry import plan_retry

    where = wiring.target(flags.root, checked.settings, flags.token_file)
    with (
        wiring.reader(where, checked.settings.parallelism) as reader,
        wiring.threads(checked.settings.parallelism) as io,
    ):
        targets = [a for a, load in checked.desired().loads.items() if load.source == name]
        made = steps.plan(replace(flags, targets=targets), checked, where, scans)
        if made.errored or not made.applyable:
            return steps.plan_exit(made, detailed=False)
        if busy := [x.address for x in made.loads if x.actions != ("no-op",) and not x.unread]:
            raise Refused(
                f"{busy[0]} has rows to load; load them before the failed commands",
                help="run `reconciler apply` first",
            )
        found = [x for load in made.loads if (x := plan_retry(load, reader, io, scans)) is not None]
        unplaced = sum(x.unplaced for x in found)
        if unplaced:
            say(
                f"{unplaced:,} failed commands are skipped: the platform does not report which rows they are."
            )
        loads = [x.change for x in found if x.change.lines]
        again = assemble(
            [], loads, [], checked.settings, made.spec_digest,
            Occasion(created_at=wiring.created_at(), latency=reader.pace.mean), errored=False, complete=False,
        )  # fmt: skip
    if not loads:
        out("There is no failed command to send again.")
        return exit_codes.DONE
    if flags.output is Format.TEXT:
        steps.show_plan(again, flags)
    steps.approve(again, auto=auto)
    shown = steps.progress(flags)
    return applying.apply(again, flags, checked, saved=False, scans=scans, where=where, shown=shown)


def _declared(flags: steps.Flags, name: str) -> Checked:
    """The workspace, which declares this source."""
    checked = steps.read_workspace(flags)
    if name not in checked.specs.sources:
        hint = nearest(name, checked.specs.sources) or "`reconciler render` lists the declared resources"
        raise UsageError(f"no spec declares ProfileSource/{name}", help=hint)
    return checked
