"""The longer commands, one function each; every one returns its exit code."""

import sys
from pathlib import Path

from reconciler.cli import applying, authority, exit_codes, ledgers, output_file, steps, wiring
from reconciler.cli.console import data, out, say, show_findings, style
from reconciler.cli.options import Format
from reconciler.cli.steps import Flags
from reconciler.errors import ReconcilerError, Refused, UsageError
from reconciler.model.plan import Plan
from reconciler.planning.plan import document
from reconciler.planning.plan.obstacles import obstacle
from reconciler.reports.plan.decision import ordered
from reconciler.settings import seconds


def apply_fresh(flags: Flags, *, auto: bool) -> int:
    """`apply`: plan, show, ask, carry out."""
    checked = steps.read_workspace(flags)
    where = wiring.target(flags.root, checked.settings, flags.token_file)
    with steps.progress(flags) as reading:
        scans = steps.new_scans(flags, reading)
        made = steps.plan(flags, checked, where, scans)
    if flags.output is Format.TEXT:
        steps.show_plan(made, flags)
    if made.errored or not made.applyable:
        if flags.output is Format.JSON:
            show_findings(ordered(made.diagnostics), flags.root, style(sys.stderr, no_color=flags.no_color))
        say(f"Nothing was written: {obstacle(made)}.")
        return steps.plan_exit(made, detailed=False)
    if made.has_changes:
        steps.approve(made, auto=auto)
    shown = steps.progress(flags)
    return applying.apply(made, flags, checked, saved=False, scans=scans, where=where, shown=shown)


def check_saved(made: Plan, flags: Flags) -> int:
    """`apply --check FILE`: 0 if it would apply, 4 if something moved."""
    from reconciler.workflows.preflight import preflight

    flags = applying.in_its_environment(flags, made)
    checked = authority.authorised(made, flags)
    where = wiring.target(flags.root, checked.settings, flags.token_file)
    with (
        steps.progress(flags) as shown,
        wiring.reader(where, checked.settings.parallelism) as reader,
        wiring.threads(checked.settings.parallelism) as io,
    ):
        found = preflight(made, reader, io, steps.new_scans(flags, shown))
    if found.stale:
        raise Refused(
            "the plan is stale:\n" + "\n".join(f"  {a}: {why}" for a, why in sorted(found.stale.items())),
            help="make a new plan",
        )
    out("The plan was applied already." if found.verdicts and found.done else "The plan is still valid.")
    return exit_codes.DONE


def resume(flags: Flags, run_id: int | None) -> int:
    """Go on with the plan of a run in the ledger."""
    checked = steps.settings_only(flags)
    where = wiring.target(flags.root, checked.settings, flags.token_file)
    with ledgers.locked(flags.root, checked.settings, seconds(flags.lock_timeout), say) as (
        _,
        ledger,
        _taken,
    ):
        found = ledger.last_run() if run_id is None else ledger.run(run_id)
    if found is None:
        raise ReconcilerError(
            "the ledger has no run with this id",
            help="`reconciler apply` makes a new plan and continues unfinished loads",
        )
    made = document.decode(found.plan.encode(), f"the plan of run {found.id}")
    if made.rollout is not None:
        raise UsageError(
            f"run {found.id} belongs to a rollout", help="`reconciler rollout resume` continues the rollout"
        )
    checked = authority.authorised(made, flags)
    shown = steps.progress(flags)
    return applying.apply(
        made, flags, checked, saved=True, scans=steps.new_scans(flags, shown), where=where, shown=shown
    )


def drift(flags: Flags, file: Path | None, *, detailed: bool) -> int:
    """`drift`: 1 for a failed read, 2 for drift if asked."""
    from reconciler.reports.drift import json as drift_json
    from reconciler.reports.drift import text as drift_text
    from reconciler.workflows.drift import audited

    if file is not None:
        output_file.check_plan_file(file)
    checked = steps.read_workspace(flags)
    where = wiring.target(flags.root, checked.settings, flags.token_file)
    with steps.progress(flags) as shown:
        made = steps.plan(flags, checked, where, steps.new_scans(flags, shown))
    found, last = audited(made, ledgers.expendable_history(flags.root, checked.settings))
    shared = file is not None and output_file.is_stdout(file)
    if flags.output is Format.JSON and not shared:
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
        steps.write_plan(found, file)
        if not shared:
            say(f"The audit is saved in {file}; it cannot be applied.")
    if made.errored:
        return exit_codes.FAILED
    drifted = made.has_changes or bool(found.resource_drift)
    return exit_codes.CHANGES if detailed and drifted else exit_codes.DONE


def unlock(flags: Flags, identity: str) -> int:
    """`unlock ID`."""
    out(ledgers.unlock(flags.root, steps.settings_only(flags).settings, identity))
    return exit_codes.DONE
