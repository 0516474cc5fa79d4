"""`init`."""

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import exit_codes
from reconciler.cli.output.console import out, say

Root = Path()


def init(context: typer.Context, directory: Annotated[Path, typer.Argument(metavar="[DIR]")] = Root) -> int:
    """Create a workspace with starter specs; never overwrites."""
    from reconciler.cli.scaffold import scaffold

    target = context.obj / directory
    made = scaffold(target)
    for path in made.written:
        say(f"wrote {path}")
    for path in made.kept:
        say(f"kept the existing {path}")
    out(f"Next: reconciler -C {target} plan")
    return exit_codes.DONE
