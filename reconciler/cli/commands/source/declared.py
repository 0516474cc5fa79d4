"""The source that a command names."""

from typing import Annotated

import typer

from reconciler.cli import completing, selectors, session
from reconciler.cli.flags import Flags
from reconciler.errors import ReconcilerError
from reconciler.kinds.nearest import nearest_or_known
from reconciler.model.desired import DesiredLoad
from reconciler.workflows.check import Checked

SourceName = Annotated[
    str,
    typer.Argument(
        help="metadata.name of the source, or its address.",
        callback=lambda name: name.removeprefix("ProfileSource/"),
        autocompletion=completing.sources,
    ),
]


def declared(flags: Flags, name: str) -> Checked:
    """The workspace, which declares this source.

    Raises:
        ReconcilerError: there is no such source.
        SpecError: the specs have findings that stop.
    """
    checked = session.read_workspace(flags)
    if name not in checked.specs.sources:
        hint = nearest_or_known(name, checked.specs.sources)
        raise ReconcilerError(f"no spec declares ProfileSource/{name}", help=hint)
    return checked


def chosen(flags: Flags, checked: Checked, name: str) -> list[DesiredLoad]:
    """The loads of a source on the datamarts that were asked for.

    Raises:
        ReconcilerError: there is no such datamart.
    """
    datamarts = selectors.datamarts(checked, flags.datamart)
    loads = [x for x in checked.desired().loads.values() if x.source == name]
    return [x for x in loads if datamarts is None or x.datamart in datamarts]
