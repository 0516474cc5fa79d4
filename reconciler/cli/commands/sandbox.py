"""`sandbox serve`, `sandbox set`, `sandbox faults`."""

import json
import textwrap
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli import exit_codes
from reconciler.cli.fault_scripts import fault_script, ready_scripts, script_data
from reconciler.cli.output.console import out, say
from reconciler.cli.wiring.sandbox_process import FOLDER, running
from reconciler.errors import MissingExtra, ReconcilerError, UsageError

sandbox_app = typer.Typer(help="The sandbox: a built-in simulation of the platform.", no_args_is_help=True)
NONE, PORT = "none", 8089


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
    return run_serve(port, state, switch or [], seed, faults)


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
    return run_set(context.obj, switches or [], faults, url)


@sandbox_app.command("faults")
def sandbox_faults() -> int:
    """List the fault scripts included."""
    return run_faults()


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
        UsageError: a switch, the seed or a fault script is wrong, or the port is taken.
    """
    try:
        from reconciler.sandbox.server import serve as serve_
    except ImportError:
        raise MissingExtra("the sandbox", "sandbox") from None
    script = fault_script(faults) if faults else None
    try:
        planted = json.loads(seed.read_text("utf-8")) if seed else None
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
    except (ValueError, OSError) as e:
        raise UsageError(f"the sandbox cannot start: {e}") from None
    return exit_codes.DONE


def run_set(root: Path, switches: Sequence[str], faults: str | None, url: str | None) -> int:
    """`sandbox set`.

    Args:
        root: folder of the workspace.
        switches: `KEY=VALUE`, as given.
        faults: name or file of a fault script; None is none.
        url: of the sandbox; None is the workspace's own.

    Raises:
        UsageError: a switch or a fault script is wrong.
        ReconcilerError: no sandbox answers.
    """
    where = url or running(root / FOLDER) or f"http://127.0.0.1:{PORT}"
    body: dict[str, Any] = {"switches": _pairs(switches)}
    if faults:
        body["faults"] = [] if faults == NONE else fault_script(faults)
    found = _control(where, body if switches or faults else None)
    out(f"The sandbox at {where}\n")
    for key, value in found["switches"].items():
        out(f"  {key:<24}{value}")
    for rule in found["faults"]:
        what = " ".join(x for x in (rule["method"], rule["path"]) if x) or "any request"
        out(f"  fault {rule['do']:<18}{what}: acted {rule['acted']} times")
    return exit_codes.DONE


def run_faults() -> int:
    """`sandbox faults`."""
    for name, text in sorted(ready_scripts().items()):
        head, indent = f"{name:<22}", " " * 22
        about = script_data(name, text.encode())["about"]
        out("\n".join(textwrap.wrap(about, 80, initial_indent=head, subsequent_indent=indent)))
    return exit_codes.DONE


def _pairs(switches: Sequence[str]) -> dict[str, str]:
    if bad := next((s for s in switches if "=" not in s), None):
        raise UsageError(f"{bad!r} is not KEY=VALUE")
    return dict(s.split("=", 1) for s in switches)


def _control(url: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/_sandbox/control", data, {"Content-Type": "application/json"})  # noqa: S310 - told by the user
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)["data"]
    except urllib.error.HTTPError as e:
        said = e.read(2000).decode("utf-8", "replace")
        try:
            words = json.loads(said)["error"]
        except (ValueError, KeyError, TypeError):
            words = f"{e.code}, which is not an answer of a sandbox"
        raise UsageError(f"the sandbox at {url} answered: {words}") from None
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise ReconcilerError(
            f"no sandbox answers at {url}: {e}",
            help="start a sandbox with `reconciler sandbox serve`, or give --url",
        ) from None
    return found
