"""Rules about what profile sources refer to: compartments, and the datamarts they are active on. Pure, offline."""

from collections.abc import Iterator

from reconciler.kinds.nearest import nearest
from reconciler.model.diagnostic import Diagnostic, error
from reconciler.spec.source_fields import references
from reconciler.spec.specs import Specs


def compartments(specs: Specs) -> Iterator[Diagnostic]:
    """A source names only compartments that are declared."""
    for document in specs.sources.values():
        for path, key in references(document.data["spec"]):
            if specs.lacks(key):
                yield error(
                    "unknown-reference",
                    f"no spec declares the compartment '{key}'",
                    document.span("spec", *path),
                    help=nearest(key, specs.compartments),
                )


def activated(specs: Specs) -> Iterator[Diagnostic]:
    """A compartment is active wherever a source loads into it (contract 7.6)."""
    for name, document in specs.sources.items():
        targets = specs.members(document, "datamarts")
        if not targets:
            continue
        for path, key in references(document.data["spec"]):
            if key not in specs.compartments:
                continue
            compartment = specs.compartments[key]
            declared = specs.members(compartment, "activations")
            gone = targets & (specs.members(compartment, "deactivations") or frozenset())
            field = "activations" if declared is not None else "deactivations"
            if missing := sorted(gone if declared is None else targets - declared):
                names = ", ".join(missing)
                yield error(
                    "source-not-activated",
                    f"ProfileSource/{name} targets {names}, where '{key}' is not activated",
                    document.span("spec", *path),
                    secondary=((compartment.span("spec", field), f"{field} of it"),),
                    help=f"activate '{key}' there, or remove {names} from the source's datamarts",
                )
