"""What commands load: nobody waits for the modules of another command, another format or another library's own command.

Each row of the table says what a command may not load, at whatever depth: `reconciler.bulk` means that package and all of its modules.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.workspace import TOKEN, Workspace

FORMATS = ["jinja2", "jsonschema", "deepdiff", "rich", "pygments"]
TYPED = ["pydantic", "click"]  # what Typer converts values with, and what httpx has its own command from
EXTRAS = ["polars", "pyarrow", "obstore", "sqlalchemy", "psycopg", "starlette", "uvicorn", "dask", "distributed", "tornado", "prometheus_client", "opentelemetry", "graphql", "cryptography"]  # fmt: skip
REQUESTS = ["httpx", "httpcore", "stamina", "tenacity", "ssl", "http.client", "urllib.request"]
SOURCES = [
    "reconciler.bulk.scan",
    "reconciler.bulk.sources",
    "reconciler.bulk.records",
    "reconciler.bulk.sent",
]
SENDING = ["reconciler.bulk.load.driver", "reconciler.bulk.upload", "reconciler.control.changes", "reconciler.workflows.apply", "reconciler.workflows.rollout"]  # fmt: skip
PLANNING = ["reconciler.planning.config", "reconciler.planning.loads", "reconciler.planning.plan"]
SPECS = ["yaml", "reconciler.spec", "reconciler.workflows"]
LEDGER = ["sqlite3", "reconciler.ledger"]
ALWAYS = [*FORMATS, *TYPED, *EXTRAS, "asyncio"]
TABLE = {
    "--version": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING, *PLANNING, *SPECS, *LEDGER, "msgspec"],
    "--help": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING, *PLANNING, *SPECS, *LEDGER, "msgspec"],
    "validate": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING, *PLANNING, *LEDGER, "msgspec", "typer", "reconciler.model.source", "reconciler.kinds.schema_text", "textwrap", "shlex"],
    "validate --per-file specs/loyalty.yaml": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING, *PLANNING, *LEDGER, "msgspec", "typer", "reconciler.model.source", "reconciler.kinds.schema_text", "textwrap", "shlex"],
    "explain duplicate-name": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING, *PLANNING, *LEDGER],
    "plan": [*ALWAYS, *SOURCES, *SENDING],
    "drift": [*ALWAYS, *SOURCES, *SENDING],
    "show made.plan": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING],
    "runs": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING],
    "plan --help": [*ALWAYS, *REQUESTS, *SOURCES, *SENDING, *LEDGER],
    "source check customers": [*ALWAYS, *REQUESTS, *SENDING],
}  # fmt: skip
CHILD = """\
import json, sys
sys.argv = ["reconciler", *sys.argv[1:]]
from reconciler.__main__ import main
try:
    main()
except SystemExit as e:
    code = e.code
print("\\n" + json.dumps([code, sorted(m for m, loaded in sys.modules.items() if loaded)]))
"""


def loaded(root: Path, *arguments: str) -> list[str]:
    """The modules that were loaded when a command ended, well."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("RECONCILER_", "OTEL_"))}
    command = [sys.executable, "-c", CHILD, *arguments]
    env = {**clean, "RECONCILER_TOKEN": TOKEN}
    done = subprocess.run(command, env=env, cwd=root, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert not code, done.stderr
    return modules


@pytest.mark.parametrize("command", TABLE)
def test_a_command_loads_nothing_that_only_others_need(command: str, workspace: Workspace) -> None:
    if command.startswith("show"):
        assert workspace.run("plan", "--out", str(workspace.root / "made.plan")).code == 0
    if command.startswith("source"):
        workspace.customers(3)
        workspace.write("specs/loyalty.yaml", (workspace.root / "specs/loyalty.yaml").read_text().replace("spec: {", 'spec: {id: "1000", '))  # fmt: skip
    modules = loaded(workspace.root, *command.split())
    assert [m for m in modules if any(m == p or m.startswith(p + ".") for p in TABLE[command])] == []


def test_a_plan_with_a_source_loads_what_reads_it(workspace: Workspace) -> None:
    workspace.customers(3)
    assert "reconciler.bulk.scan.scan" in loaded(workspace.root, "plan")
    assert "reconciler.bulk.scan.scan" not in loaded(workspace.root, "plan", "--only", "config")
