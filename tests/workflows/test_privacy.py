"""Values planted in profiles, and the token, come out nowhere: whatever the format, the failure and the report (G9)."""

import gzip
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars
import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace

CANARIES = ("canaryid", "canaryvalue", "canary@example.org", "canaryreason", TOKEN)
SPEC = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: people}}
spec:
  files: [{files}]
  datamarts: retail-fr
  bad_lines: {{allow: 50}}
  duplicates: warn
  verify: {{sample: 5}}
  chunk: {{max_bytes: 4000}}
{more}"""
MAPPED = "  identify_by: {compartment: loyalty, user_account_id: id}\n  types: {n: integer}\n"
COLUMNS = {
    "id": [f"canaryid{n}" for n in range(100)],
    "v": ["canaryvalue canary@example.org"] * 100,
    "n": ["1"] * 99 + ["canaryvalue"],
}


def commands(root: Path) -> str:
    line = '{{"operation":"UPSERT","user_account_id":"canaryid{0}","force_replace":true,"user_profile":{{"v":"canaryvalue"}}}}\n'
    bad = '{"operation":"UPSERT","user_account_id":"canaryid","force_replace":"canaryvalue"}\n{canaryvalue\n'
    (root / "data/x.ndjson").write_text("".join(line.format(n) for n in range(100)) + bad)
    return SPEC.format(files="data/x.ndjson", more="")


def csv(root: Path) -> str:
    rows = zip(*COLUMNS.values(), strict=True)
    text = "id,v,n\n" + "".join(",".join(r) + "\n" for r in rows) + 'canaryid,"canaryvalue\n'
    (root / "data/x.csv.gz").write_bytes(gzip.compress(text.encode()))
    return SPEC.format(files="data/x.csv.gz", more=MAPPED)


def parquet(root: Path) -> str:
    polars.DataFrame(COLUMNS).write_parquet(root / "data/x.parquet")
    return SPEC.format(files="data/x.parquet", more=MAPPED)


def everything(workspace: Workspace, extra: str) -> str:
    """All that was written, but for the sources themselves."""
    files = [p for p in workspace.root.rglob("*") if p.is_file()]
    others = [p for p in files if "data" not in p.relative_to(workspace.root).parts]
    return "\n".join([extra, *(p.read_bytes().decode("latin-1") for p in others)])


FAULTS = {
    "none": {"path": "/nowhere", "do": "html"},
    "refused, in words that quote": {
        "method": "POST", "path": "/executions", "after": 1, "do": "status", "status": 400,
        "body": {"status": "error", "error": "bad value 'canaryvalue' of canary@example.org", "error_id": "x-1"},
    },
    "cut off": {"method": "POST", "path": "/executions", "times": 9, "do": "drop_after"},
    "html": {"path": "/executions", "times": 9, "do": "html"},
    "token": {"method": "POST", "path": "/executions", "after": 1, "times": 9, "do": "status", "status": 401},
}  # fmt: skip


@pytest.mark.parametrize(
    ("write", "fault"),
    [(csv, "none"), (parquet, "cut off"), (commands, "refused, in words that quote"), (csv, "token")],
)
def test_nothing_planted_comes_out(
    write: Callable[[Path], str], fault: str, workspace: Workspace, emulator: Emulator
) -> None:
    workspace.write("specs/people.yaml", write(workspace.root))
    emulator.fault(FAULTS[fault])
    emulator.sandbox.processor.quarantined = {"canaryid3", "canaryid44"}
    emulator.sandbox.processor.reason = (
        "somebody called canaryvalue: 'canaryreason' of canaryid3 is canary@example.org"
    )
    shown = ""
    for words in (
        ["source", "check", "people"],
        ["source", "check", "people", "-o", "json"],
        ["plan", "--out", str(workspace.root / "plan.json")],
        ["apply", "--auto-approve", "--events", str(workspace.root / "events.ndjson"), "-o", "json"],
        ["apply", "--auto-approve"],
        ["runs", "show"],
        ["runs", "show", "-o", "json"],
        ["source", "retry", "people", "--failed-lines"],
    ):
        done = workspace.run(*words)
        shown += done.out + done.err
    found = everything(workspace, shown)
    assert "people@retail-fr" in found
    assert [c for c in CANARIES if c in found] == []


def test_a_crash_file_has_frames_and_no_values(tmp_path: Path) -> None:
    code = (
        "import sys, tempfile; tempfile.tempdir = sys.argv[1]\n"
        "import reconciler.workflows.check as c\n"
        "def broken(*a, **k): secret = 'canaryvalue'; raise ValueError(f'cannot use {secret}')\n"
        "c.check = broken\n"
        "import reconciler.cli.session as s; s.check = broken\n"
        "from reconciler.cli.entry import run\n"
        "sys.argv[1:] = ['plan']\nrun()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "a bug in reconciler: ValueError" in done.stderr, done
    (report,) = tmp_path.glob("reconciler-bug-*")
    assert "canaryvalue" not in done.stdout + done.stderr + report.read_text().replace("'canaryvalue'", "")
    assert tempfile.gettempdir() != str(tmp_path)
