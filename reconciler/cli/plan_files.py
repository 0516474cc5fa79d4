"""Saved plans."""

import shlex
from contextlib import suppress
from pathlib import Path

from reconciler.cli.output import output_file
from reconciler.cli.output.console import say
from reconciler.cli.wiring.given_file import given_blocks
from reconciler.errors import ReconcilerError, Refused
from reconciler.model.plan import Plan

AGAIN = "Next: `reconciler plan` again, once what stops it is fixed."  # of a plan that cannot be applied
PATIENCE_S = 3600.0  # for a pipe that `plan` writes into


def read(file: Path) -> Plan:
    """A saved plan.

    Raises:
        ReconcilerError: it cannot be read.
    """
    from reconciler.planning.plan.document import decode

    try:
        return decode(_content(file), str(file))
    except OSError as e:
        raise ReconcilerError(f"cannot read the plan {file}: {e.strerror}", help=_other(file)) from None


def _other(file: Path) -> str:
    """The plan beside it that may be meant, or how one is made."""
    from reconciler.kinds.nearest import nearest

    with suppress(OSError):
        if near := nearest(file.name, (x.name for x in file.parent.iterdir() if x.is_file())):
            return near
    return "`reconciler plan --out FILE` makes a plan"


def _content(file: Path) -> bytes:
    """What a file holds that may be a plan; of one that cannot be, what shows that.

    Raises:
        OSError: it cannot be read.
        ReconcilerError: it is larger than any plan.
    """
    blocks, size, announced = list[bytes](), 0, file.stat().st_size
    for block in given_blocks(file, PATIENCE_S):
        blocks.append(block)
        size += len(block)
        begins = block.lstrip()[:1] if size == len(block) else b"{"
        if begins not in (b"{", b""):
            return block
        if max(size, announced) > output_file.MOST_OF_A_PLAN:
            raise ReconcilerError(
                f"{file} has more than {output_file.MOST_OF_A_PLAN:,} bytes, and is no plan"
            )
    return b"".join(blocks)


def read_to_apply(file: Path) -> Plan:
    """A plan that can be applied, as far as it says itself.

    Raises:
        Refused: it cannot, or it is no plan.
        ReconcilerError: it cannot be read.
    """
    from reconciler.planning.plan.obstacles import obstacle

    made = read(file)
    if (why := obstacle(made)) is not None:
        shown = f"`reconciler show {shlex.quote(str(file))}`"
        advice = f"`reconciler plan --out FILE` saves a plan; {shown} shows what drifted"
        raise Refused(why, help=f"{shown} lists the reasons" if made.audit is None else advice)
    return made


def save(made: Plan, path: Path) -> None:
    """Write a plan, and say how to go on.

    Raises:
        DiskFailed: the path cannot be written.
    """
    from reconciler.planning.plan.obstacles import stopped

    write(made, path)
    if (why := stopped(made)) is not None:
        say(f"The plan is saved in {path} for review; {why}.\n{AGAIN}")
    elif not output_file.is_stdout(path):
        say(f"The plan is saved; `reconciler apply {shlex.quote(str(path))}` applies exactly this plan.")


def write(made: Plan, path: Path) -> None:
    """Write a plan where it is wholly there or not at all.

    Raises:
        DiskFailed: the path cannot be written.
    """
    from reconciler.planning.plan import document

    output_file.write_plan_file(path, document.encode(made))
