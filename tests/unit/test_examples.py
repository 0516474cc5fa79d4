"""Every command's help ends with an example that the command line takes."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from reconciler.cli.app import app
from reconciler.cli.examples import EXAMPLES

PROGRAM: Any = typer.main.get_command(app(completion=False))


def commands(group: Any = PROGRAM, path: str = "") -> Iterator[str]:
    """Names of all that can be called: groups, too, if they do something themselves."""
    for name, command in group.commands.items():
        inner = f"{path} {name}".strip()
        if not hasattr(command, "commands"):
            yield inner
            continue
        if command.invoke_without_command:
            yield inner
        yield from commands(command, inner)


def test_every_command_has_one() -> None:
    assert sorted(EXAMPLES) == sorted(commands())


@pytest.mark.parametrize("command", EXAMPLES)
def test_it_is_read_as_that_command(command: str) -> None:
    words = shlex.split(EXAMPLES[command].partition(" > ")[0])
    assert words[0] == "reconciler"
    context, rest = PROGRAM.make_context("reconciler", words[1:]), words[1:]
    while hasattr(context.command, "commands") and rest:
        name, inner, rest = context.command.resolve_command(context, rest)
        context = inner.make_context(
            name, list(rest), parent=context
        )  # refuses what is no flag, and no value of one
        rest = [*context._protected_args, *context.args] if hasattr(inner, "commands") else []
    assert context.command_path.removeprefix("reconciler ") == command
    assert EXAMPLES[command] in context.command.get_help(context)
