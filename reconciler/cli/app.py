"""The command line: parses and hands over; every command returns its exit code."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from reconciler import __version__
from reconciler.cli import exit_codes, exporting, groups, output_file, plans
from reconciler.cli import options as opt
from reconciler.cli.console import data, out, say, style
from reconciler.errors import UsageError

app = typer.Typer(
    name="reconciler",
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Config-as-code for mediarithmics: compartments, activations and profile imports.",
)

Root = Path()


def _version(value: bool) -> None:
    if value:
        out(f"reconciler {__version__}")
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("-C", metavar="DIR", help="The workspace.")] = Root,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Config-as-code for mediarithmics: compartments, activations and profile imports."""
    context.obj = directory


@app.command()
def validate(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files or folders. Default: the specs of the workspace.")
    ] = None,
    per_file: Annotated[
        bool,
        typer.Option("--per-file", help="Check each file alone: references between files are not checked."),
    ] = False,
    output: opt.FindingsOutput = opt.FindingsFormat.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Check specs offline, all findings at once. Silent on success."""
    from reconciler.cli.validating import validate as run_validate

    return run_validate(
        context.obj,
        tuple(paths or ()),
        per_file=per_file,
        output=output.value,
        environment=environment,
        no_color=no_color,
    )


@app.command()
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
    no_color: opt.NoColor = False,
) -> int:
    """Compare specs, sources and platform; show what apply would do. Sends only GET requests."""
    from reconciler.cli import steps, wiring

    flags = steps.Flags(
        root=context.obj,
        show_unmanaged=show_unmanaged,
        no_color=no_color,
        output=steps.plain(output),
        shape=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
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
    checked = steps.read_workspace(flags)
    with steps.progress(flags) as shown, output_file.new_private_lines(rejects) as keep:
        made = steps.plan(
            flags,
            checked,
            wiring.target(flags.root, checked.settings, token_file),
            steps.new_scans(flags, shown, kept=True, rejects=keep),
        )
    if file is None or not output_file.is_stdout(file):
        steps.show_plan(made, flags)
    if file is not None:
        steps.save(made, file)
    return steps.plan_exit(made, detailed=detailed)


@app.command()
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
    no_color: opt.NoColor = False,
) -> int:
    """Show what changed on the platform since the last apply, and where specs and platform differ. Corrects nothing."""
    from reconciler.cli import commands, steps

    flags = steps.Flags(
        root=context.obj,
        show_unmanaged=show_unmanaged,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        parallelism=parallelism,
        only="config",
        datamart=datamart,
        labels=label or (),
        targets=target or (),
    )
    return commands.drift(flags, file, detailed=detailed)


@app.command()
def apply(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="A saved plan; applied without asking.")] = None,
    output: opt.Output = opt.Format.TEXT,
    auto_approve: opt.AutoApprove = False,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check", metavar="FILE", help="Check whether a saved plan is still valid; writes nothing."
        ),
    ] = None,
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
    skip_stale: opt.SkipStale = False,
    no_wait: opt.NoWait = False,
    wave: opt.WaveOption = None,
    lock_timeout: opt.LockTimeout = "30s",
    events: opt.Events = None,
    no_color: opt.NoColor = False,
) -> int:
    """Apply a saved plan; without one, make a plan, show it, ask, and apply it."""
    from reconciler.cli import applying, commands, steps

    flags = steps.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
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
        skip_stale=skip_stale,
        no_wait=no_wait,
        wave=wave,
        lock_timeout=lock_timeout,
        events=events,
    )
    if check is not None:
        return commands.check_saved(plans.read(check), flags)
    if file is not None:
        return applying.apply_saved(plans.read(file), flags)
    return commands.apply_fresh(flags, auto=auto_approve)


@app.command()
def resume(
    context: typer.Context,
    run_id: Annotated[
        int | None, typer.Argument(metavar="[RUN]", help="Id of a run. Default: the newest run.")
    ] = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    parallelism: opt.Parallelism = None,
    lock_timeout: opt.LockTimeout = "30s",
    no_color: opt.NoColor = False,
) -> int:
    """Resume an interrupted run."""
    from reconciler.cli import commands, steps

    flags = steps.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        parallelism=parallelism,
        lock_timeout=lock_timeout,
    )
    return commands.resume(flags, run_id)


@app.command()
def unlock(
    context: typer.Context,
    lock: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the lock; the message about the lock shows it.")
    ],
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Release the lock of a dead run; if it is alive, it stops writing."""
    from reconciler.cli import commands, steps

    flags = steps.Flags(root=context.obj, no_color=no_color, environment=environment, endpoint=endpoint)
    return commands.unlock(flags, lock)


@app.command()
def init(context: typer.Context, directory: Annotated[Path, typer.Argument(metavar="[DIR]")] = Root) -> int:
    """Create a workspace with starter specs; never overwrites."""
    from reconciler.cli.scaffold import scaffold

    target = context.obj / directory
    made = scaffold(target)
    for path in made.written:
        say(f"wrote {path}")
    for path in made.kept:
        say(f"kept the existing {path}")
    out(f"Next: reconciler -C {target} plan")
    return exit_codes.DONE


@app.command()
def demo(
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A new folder. Default: a temporary folder.")
    ] = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the main job from start to end, on the built-in sandbox."""
    from reconciler.cli.demo import run_demo

    return run_demo(directory, style(sys.stdout, no_color=no_color))


@app.command()
def schema() -> int:
    """Print the JSON Schema of all kinds."""
    from reconciler.spec.schema import schema_text

    data(schema_text())
    return exit_codes.DONE


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(metavar="[CODE]", help="A code. Default: all codes.")] = None,
    output: opt.ReferenceOutput = opt.ReferenceFormat.TEXT,
    no_color: opt.NoColor = False,
) -> int:
    """Explain a finding's code, with examples."""
    from reconciler.cli import reference

    return reference.explain(code, output.value, no_color=no_color)


@app.command()
def render(
    context: typer.Context,
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ADDRESS]...", help="For example Compartment/loyalty. Default: all."),
    ] = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show specs after overlays and sets, with the origin of each value."""
    from reconciler.cli import reference

    return reference.render(context.obj, addresses or [], environment, output.value, no_color=no_color)


app.command()(exporting.export)
app.command()(plans.show)
app.command()(plans.diff)
app.command()(groups.conformance)
app.add_typer(groups.sandbox_app, name="sandbox")
app.add_typer(groups.runs_app, name="runs")
app.add_typer(groups.source_app, name="source")
app.add_typer(groups.config_app, name="config")
app.add_typer(groups.rollout_app, name="rollout")


def main_command(arguments: list[str]) -> int:
    """Run the command line that Typer reads; the exit code.

    Raises:
        UsageError: the arguments make no sense.
    """
    try:
        code = app(arguments, standalone_mode=False, prog_name="reconciler")
    except TyperException as e:
        message = e.format_message()
        if message.startswith("Usage:"):  # no command was given: the help is the answer
            say(message)
            return exit_codes.USAGE
        hint = "see `reconciler --help`, or `reconciler COMMAND --help`"
        if message == "No such option: -C":
            hint = "-C goes before the command: reconciler -C DIR COMMAND"
        raise UsageError(message, help=hint) from None
    except Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else exit_codes.DONE
