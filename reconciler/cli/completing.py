"""What a shell proposes while a command is typed: addresses, datamarts, sources and environments of the local specs.

Reads files and nothing else; whatever goes wrong gives no proposal, since there is nowhere to say it.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from reconciler.workflows.check import Checked

VARIABLE = "_RECONCILER_COMPLETE"  # set by the scripts of `--install-completion` and `--show-completion`
_TYPED = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")

Proposals = Callable[[typer.Context, str], list[str]]


def words(environ: "os._Environ[str] | dict[str, str]") -> list[str] | None:
    """What is typed so far, without the program's name; None where no shell asks for proposals.

    Args:
        environ: environment variables.
    """
    if VARIABLE not in environ:
        return None
    return next((environ[name].split()[1:] for name in _TYPED if name in environ), [])


def _of(found: Callable[["Checked"], Iterable[str]]) -> Proposals:
    def proposed(context: typer.Context, incomplete: str) -> list[str]:
        with suppress(Exception):
            from reconciler.workflows.check import check

            checked = check(_root(context), {}, os.environ, any_environment=True)
            return sorted(x for x in set(found(checked)) if x.startswith(incomplete))
        return []

    return proposed


def _root(context: typer.Context) -> Path:
    while context.parent is not None:
        context = context.parent  # type: ignore[assignment]
    return Path(context.params.get("directory") or ".")


def _addresses(checked: "Checked") -> Iterable[str]:
    desired = checked.desired()
    return (*desired.compartments, *desired.activations, *desired.loads)


addresses = _of(_addresses)
loads = _of(lambda checked: checked.desired().loads)
datamarts = _of(lambda checked: checked.specs.datamarts)
sources = _of(lambda checked: checked.specs.sources)


def topics(incomplete: str) -> list[str]:
    """What `explain` explains: codes and fields."""
    from reconciler.spec.catalogue import catalogue
    from reconciler.spec.fields import fields
    from reconciler.spec.row_codes import ROW_CODES

    known = [*catalogue(), *ROW_CODES, "fields", *(f.path for f in fields())]
    return sorted(x for x in known if x.startswith(incomplete))


def environments(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the environments of reconciler.yaml."""
    with suppress(Exception):
        from reconciler.spec.documents import parse
        from reconciler.spec.find import WORKSPACE_FILE, content_of, workspace_file

        (workspace,), _ = parse(WORKSPACE_FILE, content_of(workspace_file(_root(context))))
        found = workspace.data["spec"].get("environments", {})
        return sorted(name for name in found if name.startswith(incomplete))
    return []
