"""Fixtures for a repository of specs. Loaded by pytest in every environment that has reconciler: imports are late.

- `reconcile`: the command line on a copy of the workspace, connected to the sandbox.
- `reconciler_sandbox`: the sandbox, which holds the workspace's datamarts and nothing else.
- `reconciler_faults`: says what goes wrong from now on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reconciler.sandbox.threaded import ThreadedSandbox
    from reconciler.testing.workspace import Reconcile

Faults = Callable[[str | Mapping[str, Any] | Sequence[Mapping[str, Any]]], None]
_EXTRA = "these fixtures need the sandbox: pip install 'mics-reconciler[sandbox]'"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Two settings."""
    parser.addini(
        "reconciler_workspace", "the folder with reconciler.yaml, from the root of the tests", default="."
    )
    parser.addini("reconciler_environment", "the environment of reconciler.yaml to test", default="")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A command that failed says why by itself: no traceback through this package. Another failure shows the newest command."""
    report = yield
    if call.excinfo is not None and not _words(call.excinfo.value):
        last = getattr(getattr(item, "funcargs", {}).get("reconcile"), "last", None)
        if last is not None and call.when == "call":
            report.sections.append((f"{last.command}: exit code {last.code}", f"{last.out}{last.err}"))  # type: ignore[attr-defined]
    if call.excinfo is not None and (words := _words(call.excinfo.value)):
        where = next((e for e in reversed(call.excinfo.traceback) if Path(e.path) == item.path), None)
        place = f"{item.path.name}:{where.lineno + 1}: {str(where.statement).strip()}\n\n" if where else ""
        report.longrepr = place + words  # type: ignore[attr-defined]
    return report


def _words(error: BaseException) -> str | None:
    """What an error of ours has to say; None of any other."""
    home = type(error).__module__
    if home == "reconciler.errors":
        return f"{error}\nhelp: {advice}" if (advice := getattr(error, "help", None)) else str(error)
    return str(error) if home == "reconciler.testing.workspace" else None


@pytest.fixture
def _reconciler_parts(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Reconcile, ThreadedSandbox]]:
    try:
        from reconciler.sandbox.threaded import ThreadedSandbox, serving
    except ImportError:
        pytest.fail(_EXTRA, pytrace=False)
    from reconciler.errors import ReconcilerError
    from reconciler.testing.workspace import Reconcile
    from reconciler.workflows.sandbox_seed import seed

    source = request.config.rootpath / request.config.getini("reconciler_workspace")
    try:
        made = Reconcile(
            source, tmp_path / "workspace", request.config.getini("reconciler_environment") or None
        )
    except ReconcilerError as e:
        pytest.fail(
            f"{e}\nhelp: set reconciler_workspace in the pytest settings; {e.help or ''}", pytrace=False
        )
    with serving(ThreadedSandbox(None, seed(made.checked))) as sandbox:
        made.connect(sandbox.url)
        yield made, sandbox


@pytest.fixture
def reconcile(_reconciler_parts: tuple[Reconcile, ThreadedSandbox]) -> Reconcile:
    """The command line, on a copy of the workspace that is connected to a sandbox of its own."""
    return _reconciler_parts[0]


@pytest.fixture
def reconciler_sandbox(_reconciler_parts: tuple[Reconcile, ThreadedSandbox]) -> ThreadedSandbox:
    """The sandbox behind `reconcile`: its switches, and what it holds."""
    return _reconciler_parts[1]


@pytest.fixture
def reconciler_faults(reconciler_sandbox: ThreadedSandbox) -> Faults:
    """Set the faults: the name of a ready script, a path, or a script as plain data; `[]` ends them."""
    from reconciler.cli.fault_scripts import fault_script

    def set_(script: str | Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        reconciler_sandbox.fault(fault_script(script) if isinstance(script, str) else script)

    return set_
