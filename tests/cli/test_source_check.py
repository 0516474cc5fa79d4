"""`source check`: a source is read without a token; every line is accounted for; contents go to --rejects alone."""

import json
import stat
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

COMMANDS = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: commands}
spec: {files: [data/c.ndjson], datamarts: all, compartment: loyalty, bad_lines: {allow: 2}}
"""
GOOD = '{"operation":"UPSERT","compartment_id":"2071","user_account_id":"secret-%d","force_replace":true,"user_profile":{"$compartment_id":"2071","$user_account_id":"secret-%d"}}'
DELETE = '{"operation":"DELETE","compartment_id":"2071","user_account_id":"secret-d"}'
BAD = '{"operation":"UPSERT","compartment_id":"2071","user_account_id":"secret-b","user_profile":{}}'


@pytest.fixture
def root(workspace: Workspace) -> Path:
    workspace.write("specs/commands.yaml", COMMANDS)
    workspace.write(
        "data/c.ndjson", "\n".join([*(GOOD % (n, n) for n in range(5)), DELETE, BAD, "nonsense"]) + "\n"
    )
    return workspace.root


def test_counts_add_up_and_nothing_is_sent_or_shown(
    root: Path, workspace: Workspace, emulator: Emulator
) -> None:
    done = workspace.run("source", "check", "commands", RECONCILER_TOKEN="")
    assert done.code == 0, done
    assert "8 rows = 6 to send + 2 rejected" in done.out
    assert "5 upserts, 1 delete" in done.out
    assert "data/c.ndjson:8: " in done.out
    assert "data/c.ndjson:7: force_replace is mandatory" in done.out
    assert "secret" not in done.out + done.err
    assert emulator.store.requests() == []
    assert not (root / ".reconciler/ledger.db").exists()
    report = json.loads(workspace.run("source", "check", "commands", "-o", "json").out)
    (read,) = report["reads"]  # both datamarts read the same, once
    assert read["addresses"] == ["ProfileSource/commands@retail-de", "ProfileSource/commands@retail-fr"]
    assert read["lines"] == read["sent"] + read["rejected"] == 8
    assert sum(r["count"] for r in read["reasons"].values()) == read["rejected"]
    one = json.loads(
        workspace.run("source", "check", "commands", "-o", "json", "--datamart", "retail-fr").out
    )
    assert one["reads"][0]["addresses"] == ["ProfileSource/commands@retail-fr"]


def test_rejects_are_written_on_request_to_a_new_private_file(
    root: Path, workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "rejects"
    assert workspace.run("source", "check", "commands", "--rejects", str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(r["path"], r["line"], r["data"]) for r in rows] == [
        ("data/c.ndjson", 7, BAD),
        ("data/c.ndjson", 8, "nonsense"),
    ]
    workspace.write("specs/commands.yaml", COMMANDS.replace("allow: 2", "allow: 1"))
    followed = workspace.run("source", "check", "commands", "--rejects", str(tmp_path / "other"))
    assert "--rejects FILE" not in followed.out + followed.err
    assert "--rejects FILE` writes them" in workspace.run("source", "check", "commands").err
    again = workspace.run("source", "check", "commands", "--rejects", str(path))
    assert again.code == 1
    assert len(path.read_text().splitlines()) == 2


def test_too_many_bad_lines_are_refused_as_plan_would(root: Path, workspace: Workspace) -> None:
    workspace.write("specs/commands.yaml", COMMANDS.replace("allow: 2", "allow: 1"))
    done = workspace.run("source", "check", "commands")
    assert done.code == 4, done
    assert "bad_lines.allow: 1" in done.err


def test_the_examples_are_the_first_of_each_reason_and_the_commonest_comes_first(
    root: Path, workspace: Workspace
) -> None:
    workspace.write("data/c.ndjson", "\n".join([BAD] * 4 + ["x"] * 50 + [GOOD % (1, 1)]) + "\n")
    workspace.write("specs/commands.yaml", COMMANDS.replace("allow: 2", "allow: 99%"))
    shown = workspace.run("source", "check", "commands").out
    assert shown.index("line-json") < shown.index("line-force-replace")
    assert shown.count("data/c.ndjson:") == 6
    assert shown.count("… and more: `--rejects FILE` writes all of them") == 2
    assert "data/c.ndjson:5:" in shown
    assert all(len(line) <= 80 for line in shown.splitlines()), shown


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["comands"], 1, "did you mean 'commands'?"),
        (["commands", "--datamart", "none"], 1, "no spec declares 'none'"),
        (["commands", "--rejects", "/nonexistent/x"], 1, "cannot write /nonexistent/x"),
    ],
)
def test_bad_calls(args: list[str], code: int, words: str, root: Path, workspace: Workspace) -> None:
    done = workspace.run("source", "check", *args)
    assert done.code == code, done
    assert words in done.err


def test_a_source_that_cannot_be_read(root: Path, workspace: Workspace) -> None:
    (root / "data/c.ndjson").unlink()
    done = workspace.run("source", "check", "commands")
    assert done.code == 1
    assert "no file matches 'data/c.ndjson'" in done.err
    workspace.write("specs/commands.yaml", COMMANDS.replace("data/c.ndjson", "s3://bucket/c.ndjson"))
    assert workspace.run("source", "check", "commands").code == 1


def test_a_label_that_a_target_lacks(root: Path, workspace: Workspace) -> None:
    path = "data/{datamart.labels.stage}.ndjson"
    table = (root / "specs/datamarts.yaml").read_text()
    workspace.write("specs/datamarts.yaml", table.replace("{country: fr}", "{country: fr, stage: canary}"))
    workspace.write("specs/commands.yaml", COMMANDS.replace("[data/c.ndjson]", f'["{path}"]'))
    done = workspace.run("source", "check", "commands")
    assert done.code == 1, done
    assert "retail-de has no label 'stage', which the source's files need" in done.err


def test_mapped_rows_are_written_as_rows(workspace: Workspace, tmp_path: Path) -> None:
    workspace.customers(3)
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write(",gold\n")
    path = tmp_path / "rejects"
    done = workspace.run("source", "check", "customers", "--rejects", str(path))
    assert done.code == 4
    assert [json.loads(line)["data"] for line in path.read_text().splitlines()] == [
        {"id": "", "tier": "gold"}
    ]


def test_lines_that_are_no_rows_are_shown(workspace: Workspace) -> None:
    workspace.customers(1)
    workspace.write("data/customers.csv", 'id,tier\nu1,"a\nb"\nu2,c\n\n\n')
    shown = workspace.run("source", "check", "customers").out
    assert "2 rows = 2 to send + 0 rejected" in shown
    assert "  lines   1 of headers\n" in shown
    assert "          1 more of rows of several lines\n" in shown
    assert "          2 blank at the ends of files\n" in shown
    assert all(len(line) <= 80 for line in shown.splitlines()), shown
