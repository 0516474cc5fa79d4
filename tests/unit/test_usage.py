"""What is answered to a command line that makes no sense."""

import re

import pytest

from reconciler.cli import usage
from reconciler.cli.app import COMMANDS, main_command
from reconciler.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["aply"], "No such command 'aply'. Did you mean 'apply'?", "see `reconciler --help`"),
        (["help"], "No such command 'help'.", "`reconciler --help` lists the commands"),
        (["version"], "No such command 'version'.", "`reconciler --version`"),
        (["import"], "No such command 'import'.", "`reconciler export`"),
        (["plan", "--dry-run"], "No such option: --dry-run", "`reconciler plan` shows what apply would do"),
        (["apply", "--dry-run"], "No such option: --dry-run", "`reconciler plan` shows what apply would do"),
        (["plan", "-C", "x"], "No such option: -C", "-C goes before the command"),
        (["apply", "--token", "abc"], "No such option: --token", "never a flag's value"),
        (
            ["plan", "--targt", "x"],
            "No such option: --targt. Did you mean --datamart or --target?",
            "see `reconciler --help`",
        ),
        (["plan", "-o", "htm"], "'htm' is not one of 'text'", "see `reconciler --help`"),
        (["plan", "--parallelism", "x"], "Invalid value for '--parallelism'", "see `reconciler --help`"),
    ],
)
def test_a_wrong_command_line(arguments: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        main_command(arguments)
    assert message in str(error.value)
    assert "Value error" not in str(error.value)
    assert "prune" not in str(error.value)
    assert hint in (error.value.help or "")


def test_commands_that_hints_name_exist_and_names_that_are_explained_do_not() -> None:
    named = set(
        re.findall(
            r"`reconciler (?:-C \\S+ )?([a-z]+)",
            " ".join([*usage._COMMANDS.values(), *usage._OPTIONS.values()]),
        )
    )
    assert named <= set(COMMANDS)
    assert not set(usage._COMMANDS) & set(COMMANDS)
