"""Rules about `previously`: an old name or token means one thing only. Pure, offline."""

from collections import defaultdict
from collections.abc import Iterator

from reconciler.model.diagnostic import Diagnostic, error
from reconciler.spec.documents import Document
from reconciler.spec.specs import Specs

_HELP = "remove it here, or remove the other document"


def compartments(specs: Specs) -> Iterator[Diagnostic]:
    """An old token or key is no other compartment's, old or new."""
    used: dict[str, tuple[Document, str]] = {}
    for key, document in specs.compartments.items():
        used.setdefault(key, (document, f"Compartment/{key} has this name"))
        if token := document.data["spec"].get("token"):
            used.setdefault(token, (document, f"Compartment/{key} has this token"))
    for key, document in specs.compartments.items():
        for i, former in enumerate(document.data["spec"].get("previously", ())):
            other, words = used.setdefault(former, (document, f"Compartment/{key} had this name or token"))
            if other is not document:
                yield _in_use(f"Compartment/{key}", document, i, former, (other, words))


def sources(specs: Specs) -> Iterator[Diagnostic]:
    """An old name of a source is no other source's on the same datamart: a load would count for both."""
    takers: dict[str, list[str]] = defaultdict(list)
    for name, document in specs.sources.items():
        for former in dict.fromkeys([name, *document.data["spec"].get("previously", ())]):
            takers[former].append(name)
    for name, document in specs.sources.items():
        mine = specs.members(document, "datamarts") or frozenset()
        for i, former in enumerate(document.data["spec"].get("previously", ())):
            for other in takers[former]:
                rival = specs.sources[other]
                first = other == former or list(specs.sources).index(other) < list(specs.sources).index(name)
                if other != name and first and mine & (specs.members(rival, "datamarts") or frozenset()):
                    verb = "has" if other == former else "had"
                    words = f"ProfileSource/{other} {verb} this name, on the same datamarts"
                    yield _in_use(f"ProfileSource/{name}", document, i, former, (rival, words))
                    break


def _in_use(
    address: str, document: Document, index: int, former: str, other: tuple[Document, str]
) -> Diagnostic:
    where, words = other
    return error(
        "previously-in-use",
        f"{address} names '{former}' under `previously`, but {words}",
        document.span("spec", "previously", index),
        secondary=((where.span("metadata", "name"), "the other document"),),
        help=_HELP,
    )
