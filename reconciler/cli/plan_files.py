"""Saved plans."""

import shlex
from pathlib import Path

from reconciler.cli.output import output_file
from reconciler.cli.output.console import say
from reconciler.errors import ReconcilerError
from reconciler.model.plan import Plan


def read(file: Path) -> "Plan":
    """A saved plan.

    Raises:
        ReconcilerError: it cannot be read.
    """
    from reconciler.planning.plan.document import decode

    try:
        return decode(file.read_bytes(), str(file))
    except OSError as e:
        raise ReconcilerError(f"cannot read the plan {file}: {e.strerror}") from None


def save(made: Plan, path: Path) -> None:
    """Write a plan, and say how to go on.

    Raises:
        UsageError: the path cannot be written.
    """
    from reconciler.planning.plan.obstacles import stopped

    write(made, path)
    if (why := stopped(made)) is not None:
        say(
            f"The plan is saved in {path} for review; {why}.\nNext: remove what stops it, and run `reconciler plan` again."
        )
    elif not output_file.is_stdout(path):
        say(f"The plan is saved; `reconciler apply {shlex.quote(str(path))}` applies exactly this plan.")


def write(made: Plan, path: Path) -> None:
    """Write a plan where it is wholly there or not at all.

    Raises:
        UsageError: the path cannot be written.
    """
    from reconciler.planning.plan import document

    output_file.write_plan_file(path, document.encode(made))
