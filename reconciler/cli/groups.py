"""Commands of two words: `runs show`, `source check`, `config show`, `sandbox serve`. Parses and hands over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options as opt

if TYPE_CHECKING:
    from reconciler.cli.steps import Flags

SourceName = Annotated[
    str,
    typer.Argument(
        help="metadata.name of the source, or its address.",
        callback=lambda name: name.removeprefix("ProfileSource/"),
    ),
]

sandbox_app = typer.Typer(help="The sandbox: a built-in simulation of the platform.", no_args_is_help=True)
runs_app = typer.Typer(help="Runs in the ledger.", invoke_without_command=True)
source_app = typer.Typer(help="Profile sources.", no_args_is_help=True)
rollout_app = typer.Typer(help="Rollouts: plans applied in waves.", no_args_is_help=True)
config_app = typer.Typer(help="Settings.", no_args_is_help=True)


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
        str | None,
        typer.Option(
            "--state", metavar="STATE", help="Only these: succeeded, partial, failed, interrupted, running."
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", metavar="ADDRESS", help="Only runs that acted on it.")
    ] = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int | None:
    """List the runs in the ledger; `runs show [RUN]` shows one."""
    if context.invoked_subcommand is not None:
        return None
    from reconciler.cli import history, steps

    flags = steps.Flags(
        root=context.obj, no_color=no_color, output=output, environment=environment, endpoint=endpoint
    )
    return history.runs(flags, history.wanted(limit, since, state, address))


@runs_app.command("show")
def runs_show(
    context: typer.Context,
    run_id: Annotated[
        int | None, typer.Argument(metavar="[RUN]", help="Id of a run. Default: the newest run.")
    ] = None,
    inverse: Annotated[
        Path | None,
        typer.Option("--inverse", metavar="FILE", help="Save and show the plan that undoes the run."),
    ] = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show one run: its plan and the outcome of each action; or the plan that undoes it."""
    from reconciler.cli import history, steps

    flags = steps.Flags(
        root=context.obj, no_color=no_color, output=output, environment=environment, endpoint=endpoint
    )
    return history.show(flags, run_id) if inverse is None else history.undo(flags, run_id, inverse)


@runs_app.command("resolve")
def runs_resolve(
    context: typer.Context,
    chunk: Annotated[
        str, typer.Argument(metavar="ADDRESS#CHUNK", help="For example ProfileSource/crm@retail-fr#3.")
    ],
    sent: Annotated[
        bool | None,
        typer.Option(
            "--sent/--not-sent", help="--sent: do not send the chunk again. --not-sent: send the chunk again."
        ),
    ] = None,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    lock_timeout: opt.LockTimeout = "30s",
    no_color: opt.NoColor = False,
) -> int:
    """Record whether a chunk was sent; the next apply uses it."""
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
    name: SourceName,
    rejects: opt.Rejects = None,
    datamart: opt.Datamart = None,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    no_color: opt.NoColor = False,
) -> int:
    """Read a source as plan does, without a token: counts, volume, chunks, rejected rows with reasons."""
    from reconciler.cli import source, steps

    flags = steps.Flags(
        root=context.obj, no_color=no_color, output=output, environment=environment, datamart=datamart
    )
    return source.check(flags, name, rejects)


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
    no_color: opt.NoColor = False,
) -> int:
    """Merge one row with its stored profile, as the platform documents it, and show what changes. Shows profile values."""
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
    no_color: opt.NoColor = False,
) -> int:
    """Send the failed commands of a source's latest load again, as a separate load; shows a plan and asks first."""
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
    origin: Annotated[bool, typer.Option("--origin", help="Show the origin of each value.")] = False,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    parallelism: opt.Parallelism = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the resolved settings; of the token, only whether it is set."""
    from reconciler.cli import reference

    flags = {"environment": environment, "endpoint": endpoint, "parallelism": parallelism}
    return reference.config_show(context.obj, flags, output.value, origins=origin, no_color=no_color)


@sandbox_app.command("serve")
def serve(
    port: Annotated[int, typer.Option("--port", help="0 selects a free port.")] = 8089,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="Folder for the state. Default: in memory.")
    ] = None,
    switch: Annotated[
        list[str] | None,
        typer.Option(
            "--switch", metavar="KEY=VALUE", help="Set behaviour that the platform does not document."
        ),
    ] = None,
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="Initial objects, as JSON.")
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(
            "--faults", metavar="FILE|NAME", help="Fault script; `sandbox faults` lists those included."
        ),
    ] = None,
) -> int:
    """Start the sandbox on loopback, until interrupted; its page is at /."""
    from reconciler.cli import sandboxes

    return sandboxes.serve(port, state, switch or [], seed, faults)


@sandbox_app.command("set")
def sandbox_set(
    context: typer.Context,
    switches: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
    faults: Annotated[
        str | None,
        typer.Option("--faults", metavar="FILE|NAME|none", help="Fault script from now on; none removes it."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Address of the sandbox. Default: the workspace's sandbox, or port 8089.",
        ),
    ] = None,
) -> int:
    """Change switches and faults of a running sandbox, and show them."""
    from reconciler.cli import sandboxes

    return sandboxes.set_(context.obj, switches or [], faults, url)


@sandbox_app.command("faults")
def sandbox_faults() -> int:
    """List the fault scripts included."""
    from reconciler.cli import sandboxes

    return sandboxes.list_faults()


def conformance(
    context: typer.Context,
    organisation_id: Annotated[
        str, typer.Option("--organisation-id", metavar="ID", help="The organisation to test.")
    ],
    datamart_id: Annotated[
        str, typer.Option("--datamart", metavar="ID", help="A datamart of the organisation.")
    ],
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Also run tests that write: creates compartments in the organisation, and activations, imports and profiles on the"
            " datamart, which has to be set aside for this. Not all of it can be removed.",
        ),
    ] = False,
    patience: Annotated[
        str, typer.Option("--patience", metavar="10m", help="How long to wait until an execution ends.")
    ] = "10m",
    auto_approve: opt.AutoApprove = False,
    output: opt.ReferenceOutput = opt.ReferenceFormat.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    no_color: opt.NoColor = False,
) -> int:
    """Test undocumented platform behaviour; reads only, without --write."""
    from reconciler.cli import conformance as command

    return command.run(
        context.obj,
        organisation_id,
        datamart_id,
        endpoint,
        token_file,
        write=write,
        auto_approve=auto_approve,
        environment=environment,
        patience=patience,
        output=output,
        no_color=no_color,
    )


Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="Reason; `rollout status` shows it.")]


def _flags(
    context: typer.Context, environment: str | None, endpoint: str | None, *, no_color: bool
) -> "Flags":
    from reconciler.cli import steps

    return steps.Flags(root=context.obj, no_color=no_color, environment=environment, endpoint=endpoint)


@rollout_app.command("status")
def rollout_status(
    context: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", help="Refresh on a terminal until the rollout ends or stops.")
    ] = False,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the state of the newest rollout: waves, datamarts, states, counts."""
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
    """Start no further waves; the running process stops at its next step and releases the lock."""
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
    """Continue a rollout that was paused, stopped by a gate or interrupted, with the reviewed plan."""
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
        typer.Option("--inverse", metavar="FILE", help="Save the plan that undoes the applied waves."),
    ] = None,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    no_color: opt.NoColor = False,
) -> int:
    """Cancel the remaining waves; show what is applied, and save the plan that undoes it."""
    from reconciler.cli import rollouts

    return rollouts.abort(_flags(context, environment, endpoint, no_color=no_color), why, file)
