"""Commands that messages name can be copied: they begin with the `-C` of the command that names them."""

import ast
import re
import shlex
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reconciler
from reconciler.cli.output import console
from reconciler.reports.folded import wrapped
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path, emulator: Emulator) -> Workspace:
    made = Workspace(tmp_path / "a workspace", emulator.url)
    made.customers(20)
    return made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run `reconciler apply`", "run `reconciler -C 'a b' apply`"),
        (
            "`reconciler apply p.plan` or `reconciler plan`",
            "`reconciler -C 'a b' apply p.plan` or `reconciler -C 'a b' plan`",
        ),
        ("`reconciler -C x plan`", "`reconciler -C x plan`"),
        ("`reconciler explain x`", "`reconciler explain x`"),
        ("`reconciler sandbox serve`", "`reconciler sandbox serve`"),
        ("`reconciler sandbox status`", "`reconciler -C 'a b' sandbox status`"),
        ("`reconciler --help`", "`reconciler --help`"),
        ("the reconciler apply of reconciler", "the reconciler apply of reconciler"),
    ],
)
def test_a_command_in_a_message(text: str, shown: str) -> None:
    assert console.located(text) == text
    console.work_in(Path("a b"))
    try:
        assert console.located(text) == shown
    finally:
        console.work_in(Path())


@given(
    st.lists(
        st.sampled_from(["`reconciler plan --out p`", "`reconciler runs`", "retail-fr", "is", "then", "so"]),
        min_size=1,
    ),
    st.integers(20, 80),
)
def test_a_line_that_a_report_wrapped_stays_within_the_width_and_its_commands_whole(
    words: list[str], width: int
) -> None:
    console.work_in(Path("some/where/else"))
    try:
        shown = console.located("\n".join(wrapped(" ".join(words), width, subsequent_indent="    ")))
    finally:
        console.work_in(Path())
    assert all(len(line) <= 80 for line in shown.split("\n"))
    assert shown.count("`reconciler -C some/where/else ") == sum(w.startswith("`") for w in words)
    assert " ".join(shown.split()).replace("-C some/where/else ", "") == " ".join(words)


VERBS = "validate|render|plan|show|diff|apply|resume|drift|export|adopt|runs|unlock|rollout|watch|doctor|config|conformance|clean"
BARE = re.compile(rf"(?<![`\w-])reconciler (-C \S* )?({VERBS})\b(?! --help)")
NOT_MESSAGES = {
    "scaffold.py",
    "junit.py",
    "examples.py",
}  # the hook's name, the name of a test suite, commands of a help


def test_every_command_in_a_message_stands_in_backticks() -> None:
    """Only there does it get the folder of the workspace, quoted for a shell."""
    found = []
    for file in Path(reconciler.__file__).parent.rglob("*.py"):
        if file.name in NOT_MESSAGES:
            continue
        tree = ast.parse(file.read_text())
        documented = [n.body[0] for n in ast.walk(tree) if isinstance(n, ast.Module | ast.FunctionDef | ast.ClassDef)]  # fmt: skip
        docstrings = {id(n.value) for n in documented if isinstance(n, ast.Expr)}
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            if id(node) not in docstrings and BARE.search(node.value):
                found.append((file.name, node.value))
    assert found == []


def test_files_and_folders_in_commands_are_quoted(tmp_path: Path, emulator: Emulator) -> None:
    """Names with blanks and quotes: the line can be copied into a shell as it is."""
    outside = Workspace(tmp_path / "outside", emulator.url)
    folder = outside.root / "mes boutiques d'été"
    flags = ("--from-platform", "--endpoint", emulator.url, "--organisation-id", "1185")
    done = outside.run("init", str(folder), *flags)
    assert done.code == 0, done
    command = re.findall("`(.+)`", done.out)[-1]
    assert shlex.split(command) == ["reconciler", "-C", str(folder), "plan"]
    again = outside.run("init", str(folder), *flags)
    assert again.code == 1
    assert shlex.quote(str(folder)) in again.err
    plan = outside.root / "my plan"
    (folder / "specs/compartments/new.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: new}\nspec: {token: new}\n"
    )
    saved = outside.run("-C", str(folder), "plan", "--out", str(plan))
    (command,) = re.findall("`(reconciler .+)`", saved.err)
    assert shlex.split(command)[-2:] == ["apply", str(plan)]


def test_a_plan_ends_with_what_to_do_next(ws: Workspace) -> None:
    done = ws.run("plan")
    assert done.err.splitlines()[-1].startswith(f"Next: `reconciler -C '{ws.root}' plan --out FILE`"), done
    saved = ws.run("plan", "--out", str(ws.root / "p.plan"))
    assert f"`reconciler -C '{ws.root}' apply '{ws.root}/p.plan'`" in saved.err.replace("\n", " "), saved
    assert ws.run("apply", "--auto-approve").code == 0
    assert "Next:" not in ws.run("plan").err


def test_details_show_one_address_and_full_shows_all(ws: Workspace) -> None:
    one = ws.run("plan", "--details", "Activation/loyalty@retail-fr")
    assert one.out.startswith("Activation/loyalty@retail-fr  create\n")
    assert "request: POST /v1/datamarts/1509/compartments" in one.out
    assert "Compartment/loyalty  create" not in one.out
    load = ws.run("plan", "--details", "ProfileSource/*").out
    assert "rows: 20: 20 upserts, 0 deletes, 0 rejected" in load
    assert "warning[small-source]" in load
    assert all(len(line) <= 80 for line in (one.out + load).splitlines())
    full = ws.run("plan", "--full").out
    assert one.out.strip() in full
    assert "Plan: " in full
    wrong = ws.run("plan", "--details", "Compartment/loyality")
    assert wrong.code == 1
    assert "did you mean 'Compartment/loyalty'?" in wrong.err
    ws.run("plan", "--out", str(ws.root / "p.plan"))
    shown = ws.run("show", str(ws.root / "p.plan"), "--details", "Activation/loyalty@retail-fr").out
    assert shown.startswith("Activation/loyalty@retail-fr  create\n")


def test_a_plan_that_cannot_be_applied_ends_with_what_to_do(ws: Workspace) -> None:
    ws.write("data/customers.csv", "id,tier\n,v1\n")
    for command in (("plan",), ("apply", "--auto-approve"), ("plan", "--out", str(ws.root / "p.plan"))):
        done = ws.run(*command)
        assert done.code == 4, done
        said = " ".join(done.err.split())
        assert re.search(
            r"Next: `reconciler -C '[^']*a workspace' plan` again, once what stops it is fixed\.$", said
        )


def test_a_run_that_is_finished_has_nothing_to_resume_whatever_the_specs_say_by_now(ws: Workspace) -> None:
    assert ws.run("apply", "--auto-approve").code == 0
    ws.customers(20, max_bytes=1_000_000)
    done = ws.run("resume")
    assert done.code == 0, done
    assert "there is nothing to resume" in done.err


@pytest.mark.parametrize("name", ["reconciler.yml", "Reconciler.yaml", "reconcilier.yaml"])
def test_a_workspace_file_of_another_name_is_named(name: str, workspace: Workspace) -> None:
    (workspace.root / "reconciler.yaml").rename(workspace.root / name)
    done = workspace.run("validate")
    assert f"{name} is not read: rename it to reconciler.yaml" in done.err, done


def test_conformance_takes_the_organisation_of_the_workspace(workspace: Workspace, tmp_path: Path) -> None:
    done = workspace.run("conformance", "--datamart", "1509")
    assert done.code == 0, done
    workspace.root = tmp_path / "empty"
    workspace.root.mkdir()
    done = workspace.run("conformance", "--datamart", "1509")
    assert (done.code, "--organisation-id ID" in done.err) == (64, True), done


@pytest.mark.parametrize("first", ["4711,gold", "a@shop.example,gold", "x,2024-05-06", "x,-1.5"])
def test_a_file_without_a_header_is_told_how_to_read_it(first: str, workspace: Workspace) -> None:
    workspace.customers(3)
    workspace.write("data/customers.csv", f"{first}\n" * 3)
    done = workspace.run("source", "check", "customers")
    assert "csv: {header: false}, and write column_1, column_2 … for its 2 columns" in done.err + done.out
    assert all(x == "x" or x not in done.err + done.out for x in first.split(",")), (
        done
    )  # it is a row of a person


def test_a_header_without_the_column_is_still_listed(workspace: Workspace) -> None:
    workspace.customers(3)
    workspace.write("data/customers.csv", "name,tier\nx,4711\n")
    done = workspace.run("source", "check", "customers")
    assert "its columns: name, tier" in done.err + done.out, done


def test_explain_proposes_what_is_near(workspace: Workspace) -> None:
    assert "did you mean" not in workspace.run("explain", "pont").err
    assert "did you mean 'token-charset'" in workspace.run("explain", "token-charsets").err


def test_optional_arguments_have_one_pair_of_brackets(workspace: Workspace) -> None:
    for command in (
        ["init"],
        ["demo"],
        ["runs", "show"],
        ["resume"],
        ["explain"],
        ["render"],
        ["sandbox", "set"],
    ):
        usage = workspace.run(*command, "-h").out.partition("\n\n")[0]
        assert "[[" not in usage, usage


def test_pipelines_that_are_there_already(workspace: Workspace) -> None:
    workspace.run("init", "--github")
    again = workspace.run("init", "--github")
    assert "nothing was written" in again.err, again
    assert "kept the existing" not in again.err


def test_runs_ends_with_what_continues_an_interrupted_run(workspace: Workspace) -> None:
    workspace.customers(3)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert "was interrupted" not in workspace.run("runs").out
    with sqlite3.connect(workspace.root / ".reconciler/ledger.db") as ledger:  # as a kill leaves it
        ledger.execute("UPDATE runs SET state = 'running', ended = NULL")
        ledger.execute("DELETE FROM journal WHERE address LIKE 'ProfileSource/%'")
    ledger.close()
    told = " ".join(workspace.run("runs").out.split())
    assert "Run 1 was interrupted: `reconciler -C " in told, told
    assert "resume 1` continues this plan" in told


def test_resume_says_that_no_run_is_interrupted(workspace: Workspace) -> None:
    workspace.customers(3)
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0
    assert "rules: {small-source: off}" in " ".join(done.err.split())
    resumed = workspace.run("resume")
    assert (resumed.code, "No run is interrupted; the last one, run 1, is finished." in resumed.err) == (
        0,
        True,
    ), resumed
