"""What is answered to a command line that makes no sense."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from reconciler.cli import plan_files, usage
from reconciler.cli.app import COMMANDS, app, main_command
from reconciler.errors import ReconcilerError, UsageError


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["hlep"], "No such command 'hlep'. Did you mean 'help'?", "see `reconciler --help`"),
        (["aply"], "No such command 'aply'. Did you mean 'apply'?", "see `reconciler --help`"),
        (["undo"], "No such command 'undo'.", "`reconciler runs show RUN --inverse FILE`"),
        (["taint", "x"], "No such command 'taint'.", "--reload ADDRESS"),
        (["rollout", "stauts"], "Did you mean 'status'?", "see `reconciler rollout --help`"),
        (["sandbox", "start"], "No such command 'start'.", "`reconciler sandbox serve`"),
        (["runs", "--address", "crm"], "--address 'crm' is not an address", "ProfileSource/crm@DATAMART"),
        (["runs", "show", "nope"], "RUN must be the number of a run", "`reconciler runs` lists the runs"),
        (["resume", "nope"], "RUN must be the number of a run", "`reconciler runs` lists the runs"),
        (["runs", "--limit", "0"], "Invalid value for '--limit': must be at least 1", "see `reconciler runs"),
        (["help", "plan", "source"], "`reconciler plan` has no command 'source'", "`reconciler plan --help`"),
        (["help", "source", "check", "x"], "has no command 'x'", "see `reconciler source check --help`"),
        (["help", "source", "chekc"], "Did you mean 'check'?", "see `reconciler source --help`"),
        (["runs", "2"], "No such command '2'.", "`reconciler runs show 2`"),
        (["plan", "-auto-approve"], "No such option: -auto-approve", "see `reconciler plan --help`"),
        (["apply", "-auto-approve"], "No such option: -auto-approve", "have two dashes: --auto-approve"),
        (["plan", "-out=x.plan"], "No such option: -out", "have two dashes: --out=x.plan"),
        (["plan", "-out=a b"], "No such option: -out", "have two dashes: --out='a b'"),
        (["plan", "-target=loyalty"], "No such option: -target", "--target=Compartment/loyalty"),
        (
            ["plan", "-target=mics_compartment.loyalty"],
            "No such option: -target",
            "--target=Compartment/loyalty",
        ),
        (["plan", "-target=*/loyalty"], "No such option: -target", "--target='*/loyalty'"),
        (["plan", "-help"], "No such option: -help", "have two dashes: --help"),
        (["plan", "-refresh-only"], "No such option: -refresh-only", "`reconciler drift`"),
        (["plan", "--refresh-only"], "No such option: --refresh-only", "`reconciler drift`"),
        (["plan", "-destroy"], "No such option: -destroy", "--prune Activation"),
        (["plan", "--select", "crm"], "No such option: --select", "--target ADDRESS"),
        (["plan", "--exlude", "crm"], "No such option: --exlude", "see `reconciler plan --help`"),
        (["plan", "-ojson", "--nope"], "No such option: --nope", "see `reconciler plan --help`"),
        (["init", "--force"], "No such option: --force", "init never overwrites"),
        (["unlock", "--force", "1"], "No such option: --force", "asks nothing"),
        (["clean", "--force"], "No such option: --force", "--remove removes what no load needs"),
        (["init", "-force"], "No such option: -force", "init never overwrites"),
        (["init", "--json"], "No such option: --json", "see `reconciler init --help`"),
        (["init", "-y"], "No such option: -y", "see `reconciler init --help`"),
        (["drift", "--yes"], "No such option: --yes", "see `reconciler drift --help`"),
        (["run", "show"], "No such command 'run'.", "`reconciler runs show`"),
        (["version"], "No such command 'version'.", "`reconciler --version`"),
        (["import"], "No such command 'import'.", "`reconciler export`"),
        (["plan", "--dry-run"], "No such option: --dry-run", "`reconciler plan` shows what apply would do"),
        (["apply", "--dry-run"], "No such option: --dry-run", "`reconciler plan` shows what apply would do"),
        (["plan", "-C", "x"], "No such option: -C", "-C goes before the command"),
        (["apply", "--token", "abc"], "No such option: --token", "never a flag's value"),
        (
            ["plan", "--targt", "x"],
            "No such option: --targt. Did you mean --target?",
            "see `reconciler plan --help`",
        ),
        (["--no-color", "plan"], "No such option: --no-color", "go after it: reconciler COMMAND --no-color"),
        (["-o", "json", "plan"], "No such option: -o", "go after it: reconciler COMMAND -o"),
        (["--verison"], "No such option: --verison. Did you mean --version?", "see `reconciler --help`"),
        (
            ["runs", "show", "--inverse"],
            "Option '--inverse' requires an argument.",
            "see `reconciler runs --help`",
        ),
        (["plan", "-o", "htm"], "'htm' is not one of 'text'", "see `reconciler plan --help`"),
        (["plan", "--parallelism", "x"], "Invalid value for '--parallelism'", "see `reconciler plan --help`"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        main_command(arguments)
    assert message in str(error.value)
    assert "Value error" not in str(error.value)
    assert "prune" not in str(error.value)
    assert not re.search(r"Did you mean.*Did you mean", str(error.value))
    assert hint in (error.value.help or "")


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), {flag for param in command.params for flag in param.opts}


@pytest.mark.parametrize("flag", sorted({x.rpartition(" ")[2] for x in usage._OPTIONS}))
def test_no_hint_names_a_flag_that_the_command_lacks(flag: str) -> None:
    """Of every command, but in a command that it names whole."""
    for path, flags in _commands(get_command(app())):
        if flag in flags:
            continue
        _, hint = usage.told(f"No such option: {flag}", " ".join(("reconciler", *path)), [flag], flags)
        named = re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", re.sub(r"`[^`]*`", "", hint))
        assert set(named) <= {*flags, "-C", flag}, (path, hint)


@pytest.mark.parametrize("arguments", [["help"], ["help", "plan"], ["help", "source", "check"]])
def test_help_is_a_word_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main_command(arguments) == 0
    assert capsys.readouterr().out.startswith(" ".join(["Usage: reconciler", *arguments[1:]]))


def test_commands_that_hints_name_exist_and_names_that_are_explained_do_not() -> None:
    named = set(
        re.findall(
            r"`reconciler (?:-C \\S+ )?([a-z]+)",
            " ".join([*usage._COMMANDS.values(), *usage._OPTIONS.values()]),
        )
    )
    assert named <= set(COMMANDS)
    assert not set(usage._COMMANDS) & set(COMMANDS)
    groups = {first for first, _, second in (name.partition(" ") for name in usage._COMMANDS) if second}
    assert groups <= set(COMMANDS)


@pytest.mark.parametrize(
    ("topic", "shown"),
    [
        ("csv", "ProfileSource.csv  (mapping)"),
        ("bad_lines", "ProfileSource.bad_lines  (mapping)"),
        ("spec.csv", "ProfileSource.csv  (mapping)"),
        ("previously", "  Compartment.previously  list of texts"),
        ("Compartment", "  Compartment.token  text"),
    ],
)
def test_a_field_is_explained_by_its_name_alone(
    topic: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main_command(["explain", topic]) == 0
    assert shown in capsys.readouterr().out.splitlines()


def test_a_plan_that_is_not_there_may_be_the_one_beside_it(tmp_path: Path) -> None:
    (tmp_path / "first.plan").write_text("{}")
    with pytest.raises(ReconcilerError) as error:
        plan_files.read(tmp_path / "frist.plan")
    assert error.value.help == "did you mean 'first.plan'?"
    with pytest.raises(ReconcilerError) as error:
        plan_files.read(tmp_path / "else" / "frist.plan")
    assert "reconciler plan --out FILE" in (error.value.help or "")
