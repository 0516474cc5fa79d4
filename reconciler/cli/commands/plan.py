"""`plan`."""

import typer

from reconciler.cli import options as opt
from reconciler.cli import session
from reconciler.cli.output import output_file
from reconciler.cli.output.console import say
from reconciler.cli.remembered import rejected_rows


def plan(
    context: typer.Context,
    file: opt.Out = None,
    output: opt.PlanOutput = opt.PlanFormat.TEXT,
    detailed: opt.Detailed = False,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    parallelism: opt.Parallelism = None,
    only: opt.OnlyOption = None,
    datamart: opt.Datamart = None,
    label: opt.Labels = None,
    target: opt.Targets = None,
    reload: opt.Reload = None,
    resend: opt.Resend = None,
    supersede: opt.Supersede = None,
    allow: opt.Allow = None,
    prune: opt.Prune = None,
    spec_digest: opt.SpecDigest = None,
    rejects: opt.Rejects = None,
    show_unmanaged: opt.ShowUnmanaged = False,
    details: opt.Details = None,
    full: opt.Full = False,
    verbose: opt.Verbose = False,
    request_log: opt.RequestLog = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show what apply would do. Compares specs, sources and platform; sends only GET requests."""
    flags = session.Flags(
        root=context.obj,
        show_unmanaged=show_unmanaged,
        details=details or (),
        full=full,
        no_color=no_color,
        output=session.plain(output),
        shape=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        verbose=verbose,
        request_log=request_log,
        parallelism=parallelism,
        only=only,
        datamart=datamart,
        labels=label or (),
        targets=target or (),
        reload=reload or (),
        resend=resend or (),
        supersede=supersede or (),
        allow=allow or (),
        prune=prune or (),
        spec_digest=spec_digest,
    )
    if file is not None:
        output_file.check_plan_file(file)
    checked = session.read_workspace(flags)
    with session.progress(flags) as shown, rejected_rows(flags.root, rejects) as keep:
        made = session.plan(
            flags,
            checked,
            session.seeded_target(flags, checked),
            session.new_scans(flags, shown, kept=True, rejects=keep),
        )
    if file is None or not output_file.is_stdout(file):
        session.show_plan(made, flags)
    if file is not None:
        session.save(made, file)
    elif flags.shape is opt.PlanFormat.TEXT and made.has_changes and made.applyable:
        say(
            "Next: `reconciler plan --out FILE` keeps this plan for review; `reconciler apply` plans again and asks."
        )
    return session.plan_exit(made, detailed=detailed)
