"""This content was loaded under another name of workspace or source: perhaps it was renamed (design 6). Pure."""

from collections.abc import Collection, Iterable, Iterator

from reconciler.kinds.names import parse
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.remote import Import
from reconciler.planning.loads.generations import Content, generations


def renamed(
    want: DesiredLoad, content: Content, imports: Iterable[Import], declared: Collection[tuple[str, str]]
) -> Iterator[Diagnostic]:
    """A finding where a first load would send what was loaded under a name that no spec declares.

    Args:
        want: the source on the datamart.
        content: what it holds.
        imports: all of the datamart.
        declared: names of workspace and source that specs declare, former ones included.
    """
    by_name: dict[tuple[str, str], list[Import]] = {}
    for row in imports:
        if (name := parse(row.name)) is not None:
            by_name.setdefault((name.load.workspace, name.load.source), []).append(row)
    for workspace, source in sorted(by_name.keys() - set(declared)):
        rows = by_name[workspace, source]
        found = [g for g in generations(rows, [(workspace, source)]) if g.chunks and content.is_of(g)]
        if not found:
            continue
        here = want.definition
        add = [f"previously: [{source}] in the source"] if source != here.source else []
        add += [f"previously: [{workspace}] in reconciler.yaml"] if workspace != here.workspace else []
        yield warning(
            "load-under-another-name",
            f"the same content was loaded as {found[-1].key.title} of the source '{source}' of the workspace '{workspace}', "
            "which no spec declares; this plan loads it again",
            want.span,
            help=f"if it was renamed, write {' and '.join(add)}",
            address=str(want.address),
        )
        return
