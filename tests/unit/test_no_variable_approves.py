"""Flags that approve or override have no environment form: a variable that a job inherits decides nothing."""

from collections.abc import Iterator
from typing import Any

import typer

from reconciler.cli.app import app

DECIDE = {
    "--auto-approve", "--allow", "--reload", "--resend", "--supersede", "--prune", "--skip-stale", "--remove", "--drop", "--rebuild",
    "--failed-lines", "--sent", "--not-sent", "--write", "--overwrite",
}  # fmt: skip


def commands(group: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for key, command in getattr(group, "commands", {}).items():
        yield from commands(command, f"{name} {key}")
    yield name, group


def test_no_flag_that_decides_reads_a_variable() -> None:
    seen = set[str]()
    for name, command in commands(typer.main.get_command(app(completion=False))):
        for parameter in command.params:
            decides = DECIDE & {*parameter.opts, *parameter.secondary_opts}
            seen |= decides
            assert not decides or not parameter.envvar, (name, parameter.opts, parameter.envvar)
    assert seen == DECIDE
