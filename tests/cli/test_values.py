"""Values of flags are the same with and without Typer's own conversion, for every flag of every command."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from reconciler.cli.app import COMMANDS, app
from reconciler.cli.values import plain

TEXTS = ["x", "", "-", ".", "text", "json", "JSON", "markdown", "config", "1", "0", "-1", "true", "off", "reconciler.yaml", "no/such"]  # fmt: skip


def every(command: Any, context: Any = None) -> Iterator[tuple[Any, Any]]:
    """Each parameter of each command, with a context."""
    inner = type(command).context_class(command, info_name=command.name, parent=context)
    for param in command.get_params(inner):
        yield inner, param
    if isinstance(command, TyperGroup):
        for one in command.commands.values():
            yield from every(one, inner)


PARAMS = [(c, p) for c, p in every(typer.main.get_command(app(tuple(COMMANDS), completion=False)))]


def result(work: Any, context: Any, value: Any) -> Any:
    try:
        found = work(context, value)
    except typer.Exit:
        return "exit"
    except Exception as e:
        return type(e), str(e)
    return type(found), found


@pytest.mark.parametrize(
    ("context", "param"), PARAMS, ids=[f"{c.command_path} {p.name}".replace(" ", "-") for c, p in PARAMS]
)
def test_a_value_is_what_typer_makes_of_it(
    context: Any, param: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").touch()
    several = param.multiple or param.nargs == -1
    given: list[Any] = [[], ["x"], ["a", "b"], [""]] if several else TEXTS
    if param.name in ("help", "version"):
        given = [False]
    elif getattr(param, "is_flag", False):
        given = [*given, True, False]
    assert "process_value" in vars(param)
    for value in (None, param.get_default(context), *given):
        mine = result(param.process_value, context, value)
        theirs = result(lambda c, v: type(param).process_value(param, c, v), context, value)
        assert mine == theirs, value


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_goes_to_typer(tmp_path: Path) -> None:
    (tmp_path / "x").touch(mode=0)
    assert not isinstance(plain(str(tmp_path / "x"), lambda: Path, several=False), Path)
