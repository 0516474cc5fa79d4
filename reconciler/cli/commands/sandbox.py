"""`sandbox serve`, `set`, `faults`; `status`, `open`, `stop` and `reset` of the workspace's own sandbox (`endpoint: sandbox:`)."""

import errno
import os
import sys
import textwrap
import webbrowser
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli.fault_scripts import fault_script, ready_scripts, script_data
from reconciler.cli.output.console import out, say, style
from reconciler.cli.wiring.given_file import read_given
from reconciler.cli.wiring.sandbox_process import FOLDER, answers, ask, ensure, reset, running, stop
from reconciler.errors import MissingExtra, ReconcilerError, UsageError
from reconciler.kinds.counts import many
from reconciler.model.address import WORKSPACE_FILE
from reconciler.model.exit_code import Exit
from reconciler.origin import SANDBOX
from reconciler.spec.files import read_workspace
from reconciler.spec.find import check_is_workspace

sandbox_app = typer.Typer(help="The sandbox: a built-in simulation of the platform.", no_args_is_help=True)
_MOST_OF_A_SEED = 256 << 20  # bytes
NONE, PORT = "none", 8089
NOT_RUNNING = "The workspace's sandbox does not run; a command with `endpoint: sandbox:` starts it."


@sandbox_app.command("serve")
def serve(
    port: Annotated[int, typer.Option("--port", help="0 selects a free port.")] = PORT,
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
    """Start a sandbox on loopback, until interrupted. Its page is at /."""
    return run_serve(port, state, switch or [], seed, faults)


def _settings(incomplete: str) -> list[str]:
    """What a shell proposes: each switch with its choices; of a number its name."""
    from reconciler.sandbox.switches import CHOICES, Switches

    known = [f"{k}={v}" for k, found in CHOICES.items() for v in found]
    known += [f"{f.name}=" for f in fields(Switches) if f.name not in CHOICES]
    return sorted(x for x in known if x.startswith(incomplete))


@sandbox_app.command("set")
def sandbox_set(
    context: typer.Context,
    switches: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE",
            autocompletion=_settings,
            help="Switches and settings; docs/sandbox.md lists them.",
        ),
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option("--faults", metavar="FILE|NAME|none", help="Fault script from now on; none removes it."),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            metavar="URL",
            help="Address of the sandbox. Default: the workspace's sandbox; where it has another endpoint, one at port 8089.",
        ),
    ] = None,
) -> int:
    """Change switches and faults of a sandbox, and show them; without any, show all. Starts the workspace's sandbox."""
    return run_set(context.obj, switches or [], faults, url)


@sandbox_app.command("faults")
def sandbox_faults() -> int:
    """List the fault scripts included."""
    return run_faults()


@sandbox_app.command("status")
def sandbox_status(context: typer.Context) -> int:
    """Show where the workspace's sandbox runs. Shows also what it holds."""
    _check_known(context.obj)
    return show_status(context.obj / FOLDER)


@sandbox_app.command("open")
def sandbox_open(context: typer.Context) -> int:
    """Show the page of the workspace's sandbox in a browser. Starts the sandbox if it does not run."""
    check_is_workspace(context.obj)
    url = ensure(context.obj)
    out(f"The page of the sandbox is {url}/")
    webbrowser.open(f"{url}/")
    return Exit.DONE


@sandbox_app.command("stop")
def sandbox_stop(context: typer.Context) -> int:
    """End the workspace's sandbox; its state stays."""
    _check_known(context.obj)
    url = stop(context.obj / FOLDER)
    out(f"The sandbox at {url} has ended; its state stays." if url else NOT_RUNNING)
    return Exit.DONE


@sandbox_app.command("reset")
def sandbox_reset(context: typer.Context) -> int:
    """End the workspace's sandbox and remove all that it holds."""
    _check_known(context.obj)
    stop(context.obj / FOLDER)
    reset(context.obj / FOLDER)
    out("The sandbox is empty; the next command with `endpoint: sandbox:` begins with what the specs name.")
    return Exit.DONE


def _check_known(root: Path) -> None:
    """A folder with the state of a sandbox counts though its `reconciler.yaml` is gone: the sandbox may still run."""
    if not os.path.lexists(root / FOLDER):
        check_is_workspace(root)


def show_status(folder: Path) -> int:
    """`sandbox status`.

    Args:
        folder: with the state.
    """
    url = running(folder)
    if url is None:
        out(NOT_RUNNING)
        return Exit.DONE
    found = ask(url, "status", None)
    out(f"The sandbox runs at {url}; its page is {url}/. Its state lies in {folder}.\n\n")
    for name, count in found["holds"].items():
        out(f"  {name:<14}{count:>9,}")
    for key, value in found["switched"].items():
        out(f"  switch {key:<17}{value!s:>9}")
    return Exit.DONE


def run_serve(
    port: int, state: Path | None, switches: Sequence[str], seed: Path | None, faults: str | None
) -> int:
    """`sandbox serve`.

    Args:
        port: 0 selects a free one.
        state: folder for the state; None keeps it in memory.
        switches: `KEY=VALUE`, as given.
        seed: file with the first objects; None is the built-in seed.
        faults: name or file of a fault script; None is none.

    Raises:
        MissingExtra: starlette, uvicorn or jinja2 is not installed.
        UsageError: a switch is wrong.
        ReconcilerError: the seed or a fault script is wrong or not there, or the port is taken.
    """
    try:
        from reconciler.sandbox.seed import with_files
        from reconciler.sandbox.server import serve as serve_
        from reconciler.sandbox.strict_json import read_json
    except ImportError:
        raise MissingExtra("the sandbox", "sandbox") from None
    script = fault_script(faults) if faults else None
    try:
        planted = with_files(read_json(read_given(seed, _MOST_OF_A_SEED)), seed.parent) if seed else None
    except (ValueError, OSError) as e:
        raise ReconcilerError(f"the sandbox cannot start: {e}") from None
    try:
        serve_(
            state,
            port,
            switches=_pairs(switches),
            seed=planted,
            faults=script,
            ready=lambda url: say(
                f"The sandbox serves {url} (organisation 1185, any token). Stop it with Ctrl-C."
            ),
        )
    except ValueError as e:
        raise UsageError(f"the sandbox cannot start: {e}") from None
    except OSError as e:
        if e.errno != errno.EADDRINUSE:
            raise ReconcilerError(f"the sandbox cannot start: {e}") from None
        words = f"the sandbox cannot start: port {port} is taken"
        runs = answers(f"http://127.0.0.1:{port}")
        help_ = "a sandbox runs there already; for one more: --port N" if runs else "choose another: --port N"
        raise ReconcilerError(words, help=help_) from None
    return Exit.DONE


def run_set(root: Path, switches: Sequence[str], faults: str | None, url: str | None) -> int:
    """`sandbox set`.

    Args:
        root: folder of the workspace.
        switches: `KEY=VALUE`, as given.
        faults: name or file of a fault script; None is none.
        url: of the sandbox; None is the workspace's own.

    Raises:
        UsageError: a switch is wrong.
        ReconcilerError: no sandbox answers, or a fault script is wrong or not there.
    """
    body: dict[str, Any] = {"switches": _pairs(switches)}
    if faults:
        body["faults"] = [] if faults == NONE else fault_script(faults)
    where = url or running(root / FOLDER) or _other(root)  # after what was given is read: it may start one
    found = ask(where, "control", body if switches or faults else None)
    out(f"The sandbox at {where}\n")
    asked = {s.partition("=")[0] for s in switches}
    for key, value in found["switches"].items():
        if key in asked or not (switches or faults):
            out(f"  {key:<24}{value}")
    if faults == NONE:
        out("  no faults")
    for rule in found["faults"]:
        what = " ".join(x for x in (rule["method"], rule["path"]) if x) or "any request"
        out(f"  fault {rule['do']:<18}{what}: acted {many(rule['acted'], 'time')}")
    return Exit.DONE


def _other(root: Path) -> str:
    """The workspace's own sandbox, which is started; where the workspace has none, the one that `sandbox serve` started by its defaults."""
    served = f"http://127.0.0.1:{PORT}"
    there = (root / WORKSPACE_FILE).exists()
    return ensure(root) if there and (has_own(root) or not answers(served)) else served


def has_own(root: Path) -> bool:
    """True if a workspace has the endpoint `sandbox:`, be it in one of its environments, or cannot be read.

    Args:
        root: folder of the workspace.
    """
    try:
        spec = read_workspace(root).data["spec"]
    except ReconcilerError:
        return True
    return any(
        x.get("endpoint", SANDBOX) == SANDBOX
        for x in (spec, *spec.get("environments", {}).values())
        if x is spec or "endpoint" in x
    )


def run_faults() -> int:
    """`sandbox faults`."""
    width = style(sys.stdout, no_color=True).width
    for name, text in sorted(ready_scripts().items()):
        head, indent = f"{name:<22}", " " * 22
        about = script_data(name, text.encode())["about"]
        out("\n".join(textwrap.wrap(about, width, initial_indent=head, subsequent_indent=indent)))
    return Exit.DONE


def _pairs(switches: Sequence[str]) -> dict[str, str]:
    if bad := next((s for s in switches if "=" not in s), None):
        raise UsageError(f"{bad!r} is not KEY=VALUE")
    return dict(s.split("=", 1) for s in switches)
