"""The table of commands: every command is a module of its own, and what the help says of it is what it says of itself."""

import importlib
import inspect
import pkgutil
from collections import Counter

import pytest

import reconciler.cli.commands
from reconciler.cli.app import COMMANDS, needed


def said(name: str) -> str:
    """What a command's function, or the group of commands of two words, says of itself."""
    module = importlib.import_module(f"reconciler.cli.commands.{name}")
    group = getattr(module, f"{name}_app", None)
    words = group.info.help if group is not None else inspect.getdoc(getattr(module, name))
    return " ".join(words.partition("\n\n")[0].split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_is_its_own_words(name: str) -> None:
    assert COMMANDS[name] == said(name)


def test_every_module_is_in_the_table() -> None:
    assert {m.name for m in pkgutil.iter_modules(reconciler.cli.commands.__path__)} == set(COMMANDS)


def test_what_commands_do_has_one_name_each() -> None:
    modules = [importlib.import_module(f"reconciler.cli.commands.{name}") for name in COMMANDS]
    names = [
        n for m in modules for n, f in inspect.getmembers(m, inspect.isfunction) if f.__module__ == m.__name__
    ]
    assert [n for n, count in Counter(n for n in names if not n.startswith("_")).items() if count > 1] == []


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["plan", "-o", "json"], ("plan",)),
        (["-C", "plan", "drift"], ("drift",)),
        (["runs", "show"], ("runs",)),
        (["explain", "validate"], ("explain",)),
        (["--version", "-C", "plan", "-C", "diff", "show"], ("show",)),
        (["-Cplan", "show"], ("show",)),
        (["-C"], ()),
        (["--help"], ()),
        (["pln"], ()),
        ([], ()),
    ],
)
def test_the_command_that_is_called_is_loaded(arguments: list[str], loaded: tuple[str, ...]) -> None:
    assert needed(arguments) == loaded
