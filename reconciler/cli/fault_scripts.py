"""Fault scripts of the sandbox, by name or file."""

from importlib import resources
from pathlib import Path
from typing import Any

from reconciler.cli.wiring.given_file import read_given
from reconciler.errors import ReconcilerError, SpecError
from reconciler.spec.documents import parse

_MOST = 1 << 20  # bytes of a script that are read


def fault_script(name: str) -> dict[str, Any]:
    """The script in a file, or the ready one of that name, as plain data.

    Raises:
        ReconcilerError: there is none, or it is not one.
        SpecError: it is not YAML.
    """
    ready = ready_scripts()
    path = Path(name)
    if name in ready and not path.is_file():
        return script_data(name, ready[name].encode())
    try:
        return script_data(name, read_given(path, _MOST))
    except OSError as e:
        known = f"a file, or one of {', '.join(sorted(ready))}"
        raise ReconcilerError(f"cannot read the fault script {name}: {e.strerror}", help=known) from None


def ready_scripts() -> dict[str, str]:
    """Scripts that are included: name and text."""
    folder = resources.files("reconciler.sandbox").joinpath("scripts")
    return {
        f.name.removesuffix(".yaml"): f.read_text("utf-8")
        for f in folder.iterdir()
        if f.name.endswith(".yaml")
    }


def script_data(name: str, content: bytes) -> dict[str, Any]:
    """The data of one YAML document.

    Raises:
        SpecError: it is not one.
        ReconcilerError: it is YAML, but not a fault script.
    """
    documents, findings = parse(name, content)
    if findings:
        raise SpecError(findings)
    if len(documents) != 1 or not isinstance(documents[0].data, dict):
        raise ReconcilerError(f"{name} is not a fault script: expected one document with `faults:`")
    from reconciler.sandbox.faults import BadRule, read

    document = documents[0]
    try:
        read(document.data)
    except ValueError as e:
        span = document.span("faults", e.number - 1) if isinstance(e, BadRule) else document.span()
        raise ReconcilerError(f"{span}: {e}", help="docs/sandbox.md documents the rules") from None
    found: dict[str, Any] = document.data
    return found
