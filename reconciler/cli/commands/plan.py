"""`plan`."""

from reconciler.cli import options as opt
from reconciler.cli import plan_files, plan_pages, session
from reconciler.cli.flags import OVERRIDES, PLATFORM, SELECTION, Flags, takes
from reconciler.cli.output import output_file
from reconciler.cli.output.console import say
from reconciler.cli.output.rejected_file import rejected_rows


@takes(*PLATFORM, *SELECTION, *OVERRIDES, "parallelism", "only", "show_unmanaged", "details", "full")
def plan(
    flags: Flags,
    file: opt.Out = None,
    output: opt.PlanOutput = opt.PlanFormat.TEXT,
    detailed: opt.Detailed = False,
    rejects: opt.Rejects = None,
) -> int:
    """Show what apply would do. Compares specs, sources and platform; sends only GET requests."""
    flags = flags.with_plan_format(output)
    if file is not None:
        output_file.check_plan_file(file)
    checked = session.read_workspace(flags)
    with session.progress(flags) as shown, rejected_rows(flags.root, rejects) as keep:
        made = session.plan(
            flags,
            checked,
            session.seeded_target(flags, checked),
            lambda: session.new_scans(flags, shown, kept=True, rejects=keep),
        )
    if flags.full and (file is not None or flags.shape is opt.PlanFormat.JSON):
        made = session.in_full(made, checked.settings)
    if file is None or not output_file.is_stdout(file):
        plan_pages.show(made, flags)
    plan_pages.tell_findings(made, flags, file)
    if file is not None:
        plan_files.save(made, file)
    elif flags.shape is opt.PlanFormat.TEXT and not made.applyable:
        say(plan_files.AGAIN)
    elif flags.shape is opt.PlanFormat.TEXT and made.has_changes:
        say(
            "Next: `reconciler plan --out FILE` keeps this plan for review; `reconciler apply` plans again and asks."
        )
    return plan_pages.exit_code(made, detailed=detailed)
