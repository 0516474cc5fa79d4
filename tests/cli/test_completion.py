"""What a shell proposes, and help whose lines are whole."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.app import COMMANDS
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ROOT = Path(__file__).parents[2]
GITOPS = f"-C {ROOT / 'examples/gitops'}"


@pytest.fixture
def ws(tmp_path: Path, emulator: Emulator) -> Workspace:
    return Workspace(tmp_path / "ws", emulator.url)


@pytest.mark.parametrize(
    ("typed", "proposed"),
    [
        ("pl", ["plan"]),
        (f"{GITOPS} plan --tar", ["--target"]),
        (
            f"{GITOPS} plan --target Act",
            ["Activation/members@shop-de", "Activation/members@shop-fr", "Activation/newsletter@shop-fr"],
        ),
        (f"{GITOPS} apply --reload P", ["ProfileSource/members@shop-de", "ProfileSource/members@shop-fr"]),
        (f"{GITOPS} show p.plan --details Comp", ["Compartment/members", "Compartment/newsletter"]),
        (f"{GITOPS} plan --datamart shop-f", ["shop-fr"]),
        (f"{GITOPS} plan --prune ", ["Activation", "Activation@shop-de", "Activation@shop-fr"]),
        ("sandbox set removal", ["removal=405", "removal=works"]),
        ("sandbox set page_c", ["page_cap="]),
        (f"{GITOPS} source check mem", ["members"]),
        (f"-C {ROOT / 'examples/environments'} plan --environment ", ["dev", "prod"]),
        (f"-C {ROOT / 'examples/environments'} plan --target Compartment/loy", ["Compartment/loyalty"]),
        (f"-C {ROOT / 'specs'} plan -l team=c", ["team=crm"]),
        (f"-C {ROOT / 'specs'} render Comp", ["Compartment/loyalty", "Compartment/newsletter"]),
        ("-C /nowhere render Comp", []),
        ("-C /nowhere plan --target x", []),
        ("-C /nowhere plan --environment x", []),
    ],
)
def test_proposals(typed: str, proposed: list[str], ws: Workspace) -> None:
    words = f"reconciler {typed}"
    place = str(len(words.split(" ")) - 1)
    done = ws.run(COMP_WORDS=words, COMP_CWORD=place, _RECONCILER_COMPLETE="complete_bash")
    assert (done.code, done.out.split()) == (0, proposed), done


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_are_printed(shell: str, ws: Workspace) -> None:
    done = ws.run("--show-completion", shell)
    assert done.code == 0
    beginning = {"bash": "_reconciler_completion", "zsh": "#compdef", "fish": "complete --command"}
    assert done.out.startswith(beginning[shell])
    assert f"_RECONCILER_COMPLETE=complete_{shell}" in done.out


@pytest.mark.parametrize(
    ("parts", "replaced", "proposed"),
    [
        ("plan --target Act", "Act", ["Activation/loyalty@retail-de", "Activation/loyalty@retail-fr"]),
        ("plan --target Activation/loyalty|@", "@", ["@retail-de", "@retail-fr"]),
        ("plan --target Activation/loyalty|@|retail-f", "@retail-f", ["@retail-fr"]),
        ("plan -l team|=|c", "c", ["crm"]),
        ("plan --prune Activation|@|retail-f", "@retail-f", ["@retail-fr"]),
        ("sandbox set removal|=", "", ["405", "works"]),
        ("plan --out 'a b' --target Activation/loyalty|@|retail-f", "@retail-f", ["@retail-fr"]),
    ],
)
def test_bash_proposes_the_part_of_a_word_that_it_replaces(
    parts: str, replaced: str, proposed: list[str], ws: Workspace, tmp_path: Path
) -> None:
    """As readline gives them: words are broken at `@` and `=` (here, at `|`), and the second argument is what is replaced."""
    (tmp_path / "completion.bash").write_text(ws.run("--show-completion", "bash").out)
    words = [
        w for word in re.findall(r"'[^']*'|\S+", f"reconciler {parts}") for w in re.split(r"\|", word) if w
    ]
    script = 'source "$0"; COMP_LINE=$1; COMP_CWORD=$(($# - 4)); replaced=$2; shift 3; COMP_WORDS=("$@"); _reconciler_completion reconciler "$replaced"; printf "%s\\n" "${COMPREPLY[@]}"'
    line = f"reconciler {parts}".replace("|", "")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script, str(tmp_path / "completion.bash"), line, replaced, "", *words],
        cwd=ws.root, env={**os.environ, "PATH": path, "HOME": str(tmp_path)}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == proposed, done.stderr


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_keeps_single_quotes_of_helps(ws: Workspace) -> None:
    made = ws.run(_TYPER_COMPLETE_ARGS="reconciler schem", _RECONCILER_COMPLETE="complete_zsh").out
    script = f'_arguments() {{ print -r -- "$1" }}; eval $(cat <<"END"\n{made}\nEND\n)'
    shown = subprocess.run(["zsh", "-fc", script], text=True, capture_output=True, check=True).stdout
    assert "datamarts's" not in shown
    assert "datamarts' schemas" in shown


def test_zsh_proposes_at_the_first_tab(ws: Workspace) -> None:
    """Its file is loaded by that Tab: it has to propose then, not only to say what proposes."""
    script = ws.run("--show-completion", "zsh").out
    assert 'loadautofunc ]]; then\n  _reconciler_completion "$@"\nelse\n  compdef' in script


def test_fish_proposes_folders_and_names_not_files(ws: Workspace) -> None:
    """Behind `-C` a folder is meant; behind flags that name things nothing else is proposed, though there may be none."""
    lines = ws.run("--show-completion", "fish").out.splitlines()
    assert "--no-files" in lines[0]
    folders = 'complete --command reconciler --exclusive --short-option C --arguments "(__fish_complete_directories)"'
    assert lines[1] == folders
    for option in ("-s l", "-l label", "-l target", "-l datamart"):
        (line,) = (x for x in lines if f" {option} " in x)
        assert "--exclusive" in line
        assert "get-args" in line


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("typed", "proposed"),
    [("-C ", ["specs/"]), ("-C ws plan -l ", []), ("plan --target Compartment/", ["Compartment/loyalty"])],
)
def test_what_fish_proposes(typed: str, proposed: list[str], ws: Workspace, tmp_path: Path) -> None:
    (tmp_path / "completion.fish").write_text(ws.run("--show-completion", "fish").out)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["fish", "-c", f"source ../completion.fish; complete -C 'reconciler {typed}'"],
        cwd=ws.root, env={**os.environ, "PATH": path, "HOME": str(tmp_path)}, text=True, capture_output=True, check=True,
    )  # fmt: skip
    assert [
        line.split("\t")[0] for line in done.stdout.splitlines() if not line.startswith(("data/", ".", "sch"))
    ] == proposed


def test_a_shell_without_completion_is_named(ws: Workspace) -> None:
    done = ws.run("--install-completion", "powershell")
    assert (done.code, "known: bash, zsh, fish" in done.err) == (64, True), done


def test_no_help_beside_a_proposal_is_cut(ws: Workspace) -> None:
    done = ws.run(_TYPER_COMPLETE_ARGS="reconciler ", _RECONCILER_COMPLETE="complete_zsh")
    assert "Apply a saved plan; without one, plan, show, ask and apply." in done.out
    assert "..." not in done.out


@pytest.mark.parametrize("group", ["", "runs", "source", "rollout", "sandbox", "config"])
def test_no_line_of_a_help_is_cut(group: str, ws: Workspace) -> None:
    assert group in {"", *COMMANDS}
    shown = ws.run(*filter(None, [group]), "--help").out
    assert [line for line in shown.splitlines() if line.endswith("...") and "[ARGS]" not in line] == []


def test_flags_that_set_up_completion_come_last_in_the_help(tmp_path: Path) -> None:
    told = Workspace(tmp_path / "ws", "http://127.0.0.1:9").run("--help").out
    heads = re.findall(r"^(\S.*):$", told, re.MULTILINE)
    assert heads[0] == "Options"
    assert heads[-1] == "Completion in the shell"
    assert told.index("--install-completion") > told.index("sandbox")


def test_ids_of_runs_are_proposed(workspace: Workspace) -> None:
    workspace.run("apply", "--auto-approve")
    for typed in ("runs show ", "resume "):
        words = f"reconciler {typed}"
        done = workspace.run(COMP_WORDS=f"reconciler -C {workspace.root} {typed}", COMP_CWORD=str(len(words.split()) + 2), _RECONCILER_COMPLETE="complete_bash")  # fmt: skip
        assert done.out.split() == ["1"], (typed, done)
