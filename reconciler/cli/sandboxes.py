"""`sandbox serve | set | faults`: the emulator on a port, its settings while it runs, and the ready fault scripts."""

import json
import textwrap
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from reconciler.cli import exit_codes
from reconciler.cli.console import out, say
from reconciler.cli.sandbox_process import FOLDER, running
from reconciler.errors import MissingExtra, ReconcilerError, SpecError, UsageError
from reconciler.spec.documents import parse

NONE, PORT = "none", 8089


def serve(
    port: int, state: Path | None, switches: Sequence[str], seed: Path | None, faults: str | None
) -> int:
    """`sandbox serve`.

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


def set_(root: Path, switches: Sequence[str], faults: str | None, url: str | None) -> int:
    """`sandbox set`.

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


def list_faults() -> int:
    """`sandbox faults`."""
    for name, text in sorted(_ready().items()):
        head, indent = f"{name:<22}", " " * 22
        about = _data(name, text.encode())["about"]
        out("\n".join(textwrap.wrap(about, 80, initial_indent=head, subsequent_indent=indent)))
    return exit_codes.DONE


def fault_script(name: str) -> dict[str, Any]:
    """The script in a file, or the ready one of that name, as plain data.

    Raises:
        UsageError: there is none, or it is not one.
    """
    ready = _ready()
    path = Path(name)
    if name in ready and not path.is_file():
        return _data(name, ready[name].encode())
    try:
        return _data(name, path.read_bytes())
    except OSError as e:
        known = f"a file, or one of {', '.join(sorted(ready))}"
        raise UsageError(f"cannot read the fault script {name}: {e.strerror}", help=known) from None


def _ready() -> dict[str, str]:
    folder = resources.files("reconciler.sandbox").joinpath("scripts")
    return {
        f.name.removesuffix(".yaml"): f.read_text("utf-8")
        for f in folder.iterdir()
        if f.name.endswith(".yaml")
    }


def _data(name: str, content: bytes) -> dict[str, Any]:
    documents, findings = parse(name, content)
    if findings:
        raise SpecError(findings)
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise UsageError(f"{name} is not a fault script: expected one document with `faults:`")
    from reconciler.sandbox.faults import BadRule, read

    document = documents[0]
    try:
        read(document.data)
    except ValueError as e:
        span = document.span("faults", e.number - 1) if isinstance(e, BadRule) else document.span()
        raise UsageError(
            f"{span.path}:{span.line}:{span.column}: {e}", help="docs/sandbox.md documents the rules"
        ) from None
    found: dict[str, Any] = document.data
    return found


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
