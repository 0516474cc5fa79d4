"""`drift`."""

import sys
from pathlib import Path

import typer

from reconciler.cli import exit_codes, session
from reconciler.cli import options as opt
from reconciler.cli.output import output_file
from reconciler.cli.output.console import data, out, say, style
from reconciler.cli.wiring import ledgers
from reconciler.reports.drift import json as drift_json
from reconciler.reports.drift import text as drift_text
from reconciler.workflows.drift import audited


def drift(
    context: typer.Context,
    file: opt.Out = None,
    output: opt.Output = opt.Format.TEXT,
    detailed: opt.Detailed = False,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    parallelism: opt.Parallelism = None,
    datamart: opt.Datamart = None,
    label: opt.Labels = None,
    target: opt.Targets = None,
    show_unmanaged: opt.ShowUnmanaged = False,
    verbose: opt.Verbose = False,
    request_log: opt.RequestLog = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show what changed on the platform since the last apply. Shows also where specs and platform differ; corrects nothing."""
    flags = session.Flags(
        root=context.obj,
        show_unmanaged=show_unmanaged,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        verbose=verbose,
        request_log=request_log,
        parallelism=parallelism,
        only="config",
        datamart=datamart,
        labels=label or (),
        targets=target or (),
    )
    return run_drift(flags, file, detailed=detailed)


def run_drift(flags: session.Flags, file: Path | None, *, detailed: bool) -> int:
    """`drift`: 1 for a failed read, 2 for drift if asked."""
    if file is not None:
        output_file.check_plan_file(file)
    checked = session.read_workspace(flags)
    where = session.seeded_target(flags, checked)
    with session.progress(flags) as shown:
        made = session.plan(flags, checked, where, session.new_scans(flags, shown))
    found, last = audited(made, ledgers.expendable_history(flags.root, checked.settings))
    shared = file is not None and output_file.is_stdout(file)
    if flags.output is opt.Format.JSON and not shared:
        data(drift_json.render(found))
    elif not shared:
        out(
            drift_text.render(
                found,
                last,
                style(sys.stdout, no_color=flags.no_color),
                show_unmanaged=flags.show_unmanaged,
            )
        )
    if file is not None:
        session.write_plan(found, file)
        if not shared:
            say(f"The audit is saved in {file}; it cannot be applied.")
    if made.errored:
        return exit_codes.FAILED
    drifted = made.has_changes or bool(found.resource_drift)
    return exit_codes.CHANGES if detailed and drifted else exit_codes.DONE
