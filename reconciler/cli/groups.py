"""Commands of two words: `runs show`, `source check`, `config show`, `sandbox serve`. Parses and hands over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options as opt

if TYPE_CHECKING:
    from reconciler.cli.steps import Flags

sandbox_app = typer.Typer(help="The built-in emulator of the platform.", no_args_is_help=True)
runs_app = typer.Typer(help="Runs that the ledger recorded.", invoke_without_command=True)
source_app = typer.Typer(help="Profile sources.", no_args_is_help=True)
rollout_app = typer.Typer(help="A plan that is applied in waves.", no_args_is_help=True)
config_app = typer.Typer(help="Settings.", no_args_is_help=True)


@runs_app.callback()
def runs(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, help="How many, the newest first.")
    ] = 20,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int | None:
    """Runs that the ledger recorded; `runs show [RUN]` shows one."""
    if context.invoked_subcommand is not None:
        return None
    from reconciler.cli import history, steps

    flags = steps.Flags(
        root=context.obj, no_color=no_color, output=output, environment=environment, endpoint=endpoint
    )
    return history.runs(flags, limit)


@runs_app.command("show")
def runs_show(
    context: typer.Context,
    run_id: Annotated[int | None, typer.Argument(metavar="[RUN]", help="The newest by default.")] = None,
    inverse: Annotated[
        Path | None,
        typer.Option("--inverse", metavar="FILE", help="Save the plan that would undo the run, and show it."),
    ] = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """One run: its plan, and what became of each action; or the plan that would undo it."""
    from reconciler.cli import history, steps

    flags = steps.Flags(
        root=context.obj, no_color=no_color, output=output, environment=environment, endpoint=endpoint
    )
    return history.show(flags, run_id) if inverse is None else history.undo(flags, run_id, inverse)


@runs_app.command("resolve")
def runs_resolve(
    context: typer.Context,
    chunk: Annotated[
        str, typer.Argument(metavar="ADDRESS#CHUNK", help="Such as ProfileSource/crm@retail-fr#3.")
    ],
    sent: Annotated[
        bool | None,
        typer.Option("--sent/--not-sent", help="It was sent, and is not sent again; or it was not, and is."),
    ] = None,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    lock_timeout: opt.LockTimeout = "30s",
    no_color: opt.NoColor = False,
) -> int:
    """Settle by hand whether a chunk was sent, where the platform does not say; the next apply goes by it."""
    from reconciler.cli import history, steps

    flags = steps.Flags(
        root=context.obj,
        no_color=no_color,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        lock_timeout=lock_timeout,
    )
    return history.resolve(flags, chunk, sent=sent)


@source_app.command("check")
def source_check(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="metadata.name of the source.")],
    rejects: opt.Rejects = None,
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Read a source as plan would, without a token: counts, volume, chunks, bad lines with reasons."""
    from reconciler.cli import source, steps

    flags = steps.Flags(
        root=context.obj, no_color=no_color, output=output, environment=environment, datamart=datamart
    )
    return source.check(flags, name, rejects)


@source_app.command("preview")
def source_preview(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="metadata.name of the source.")],
    line: Annotated[
        str, typer.Option("--line", metavar="[PATH:]N", help="A line of the source, or of one of its files.")
    ],
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    no_color: opt.NoColor = False,
) -> int:
    """Merge one line with the stored profile it is about, as the platform would, and show what changes. Shows profile values."""
    from reconciler.cli import source, steps

    flags = steps.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        datamart=datamart,
    )
    return source.preview(flags, name, line)


@source_app.command("retry")
def source_retry(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="metadata.name of the source.")],
    failed_lines: Annotated[
        bool,
        typer.Option(
            "--failed-lines", help="The lines that the platform refused; they are all there is to retry."
        ),
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
    no_color: opt.NoColor = False,
) -> int:
    """Send the failed lines of a source's latest load once more, as a load of their own; shows them and asks first."""
    from reconciler.cli import source, steps

    flags = steps.Flags(
        root=context.obj,
        no_color=no_color,
        output=output,
        environment=environment,
        endpoint=endpoint,
        token_file=token_file,
        parallelism=parallelism,
        only="loads",
        datamart=datamart,
        lock_timeout=lock_timeout,
        events=events,
    )
    return source.retry(flags, name, failed_lines=failed_lines, auto=auto_approve)


@config_app.command("show")
def config_show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value is from.")] = False,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    parallelism: opt.Parallelism = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the settings as they are resolved here; the token only as set or not set."""
    from reconciler.cli import reference

    flags = {"environment": environment, "endpoint": endpoint, "parallelism": parallelism}
    return reference.config_show(context.obj, flags, output.value, origins=origin, no_color=no_color)


@sandbox_app.command("serve")
def serve(
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8089,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="Keep state here; in memory by default.")
    ] = None,
    switch: Annotated[
        list[str] | None, typer.Option("--switch", metavar="KEY=VALUE", help="A setting of what is unknown.")
    ] = None,
    seed: Annotated[Path | None, typer.Option("--seed", metavar="FILE", help="JSON to begin with.")] = None,
    faults: Annotated[
        str | None,
        typer.Option(
            "--faults", metavar="FILE|NAME", help="What goes wrong; `sandbox faults` lists ready scripts."
        ),
    ] = None,
) -> int:
    """Serve the emulator on loopback until interrupted; its page is at /."""
    from reconciler.cli import sandboxes

    return sandboxes.serve(port, state, switch or [], seed, faults)


@sandbox_app.command("set")
def sandbox_set(
    context: typer.Context,
    switches: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    faults: Annotated[
        str | None, typer.Option("--faults", metavar="FILE|NAME|none", help="What goes wrong from now on.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option("--url", metavar="URL", help="The workspace's own, or port 8089, by default."),
    ] = None,
) -> int:
    """Change switches and faults of a running emulator, and show them."""
    from reconciler.cli import sandboxes

    return sandboxes.set_(context.obj, switches or [], faults, url)


@sandbox_app.command("faults")
def sandbox_faults() -> int:
    """List the ready fault scripts."""
    from reconciler.cli import sandboxes

    return sandboxes.list_faults()


def conformance(
    context: typer.Context,
    organisation_id: Annotated[str, typer.Option("--organisation-id", metavar="ID", help="Whose platform.")],
    datamart_id: Annotated[str, typer.Option("--datamart", metavar="ID", help="One of its datamarts.")],
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Ask by writing, too: makes compartments in the organisation, and activations, imports and profiles on the"
            " datamart, which has to be set aside for this. Not all of it can be removed.",
        ),
    ] = False,
    patience: Annotated[
        str, typer.Option("--patience", metavar="10m", help="How long to wait for an execution to end.")
    ] = "10m",
    output: opt.ReferenceOutput = opt.ReferenceFormat.TEXT,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    no_color: opt.NoColor = False,
) -> int:
    """Find out which way a platform answers the open questions; reads only, unless told to write."""
    from reconciler.cli import conformance as command

    return command.run(
        context.obj,
        organisation_id,
        datamart_id,
        endpoint,
        token_file,
        write=write,
        patience=patience,
        output=output,
        no_color=no_color,
    )


Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="For those who read `rollout status`.")]


def _flags(
    context: typer.Context, environment: str | None, endpoint: str | None, *, no_color: bool
) -> "Flags":
    from reconciler.cli import steps

    return steps.Flags(root=context.obj, no_color=no_color, environment=environment, endpoint=endpoint)


@rollout_app.command("status")
def rollout_status(
    context: typer.Context,
    follow: Annotated[bool, typer.Option("--follow", help="On a terminal, until it ends or stops.")] = False,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show where the newest rollout is: waves, datamarts, states, counts."""
    from dataclasses import replace

    from reconciler.cli import rollouts

    flags = replace(_flags(context, environment, endpoint, no_color=no_color), output=output)
    return rollouts.status(flags, follow=follow)


@rollout_app.command("pause")
def rollout_pause(
    context: typer.Context,
    why: Why = "",
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Begin nothing further; a run that walks it ends at its next step, and no lock is held."""
    from reconciler.cli import rollouts

    return rollouts.pause(_flags(context, environment, endpoint, no_color=no_color), why)


@rollout_app.command("resume")
def rollout_resume(
    context: typer.Context,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    lock_timeout: opt.LockTimeout = "30s",
    events: opt.Events = None,
    no_color: opt.NoColor = False,
) -> int:
    """Go on with a rollout that was paused, stopped at a gate, or cut off, with the plan that was reviewed."""
    from dataclasses import replace

    from reconciler.cli import rollouts

    flags = _flags(context, environment, endpoint, no_color=no_color)
    return rollouts.resume(replace(flags, token_file=token_file, lock_timeout=lock_timeout, events=events))


@rollout_app.command("abort")
def rollout_abort(
    context: typer.Context,
    why: Why = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--inverse", metavar="FILE", help="Where to save the plan that undoes what was applied."
        ),
    ] = None,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """End a rollout for good: what is applied where, and the plan that undoes what can be undone."""
    from reconciler.cli import rollouts

    return rollouts.abort(_flags(context, environment, endpoint, no_color=no_color), why, file)
