"""What the platform has otherwise than specs say -> the values to write into the specs. Pure.

Only values that specs say are changed: what they leave out stays unmanaged. Tombstones stay, and so does an activation that
a source needs.
"""

from collections.abc import Callable, Iterator
from typing import Any

from reconciler.model.adoption import Adoption, Bound, SpecEdit
from reconciler.spec.documents import Document, Path
from reconciler.spec.exported import datamart_set, flow
from reconciler.spec.overlays import Overlaid
from reconciler.spec.source_fields import references
from reconciler.spec.specs import Specs

Accept = Callable[[str], bool]


def edits(specs: Specs, found: Adoption, accept: Accept = lambda _: True) -> list[SpecEdit]:
    """The values to change.

    Args:
        specs: as they are.
        found: how they match the platform.
        accept: false for an address whose difference stays.
    """
    needed = _needed(specs)
    made: list[SpecEdit] = []
    for bound in found.bound:
        document = specs.compartments[bound.key]
        if accept(bound.address):
            made += _fields(document, bound)
        made += _activations(specs, document, bound, needed.get(bound.key, frozenset()), accept)
    return [*made, *_defaults(specs, found, accept)]


def _fields(document: Document, bound: Bound) -> Iterator[SpecEdit]:
    spec = document.data["spec"]
    if "name" in spec and spec["name"] != bound.name:
        yield _edit(document, ("spec", "name"), bound.name or None, (bound.address,))
    if "token" in spec and spec["token"] != bound.token and not spec.get("allow_token_change"):
        yield _edit(document, ("spec", "token"), bound.token or None, (bound.address,))


def _activations(
    specs: Specs, document: Document, bound: Bound, needed: frozenset[str], accept: Accept
) -> Iterator[SpecEdit]:
    declared = specs.members(document, "activations")
    if declared is None:
        return
    tombs = specs.members(document, "deactivations") or frozenset()
    there = (bound.datamarts - tombs) | (declared & (needed | bound.unread))
    addresses = {n: f"Activation/{bound.key}@{n}" for n in sorted(declared ^ there)}
    moved = {n for n, address in addresses.items() if accept(address)}
    if not moved:
        return
    value = adjusted(document.data["spec"]["activations"], declared ^ moved, specs)
    yield _edit(document, ("spec", "activations"), value, tuple(addresses[n] for n in sorted(moved)))


def _defaults(specs: Specs, found: Adoption, accept: Accept) -> Iterator[SpecEdit]:
    for name, key in found.defaults.items():
        datamart = specs.datamarts[name]
        wanted = datamart.default_compartment
        if wanted is None or wanted == key:
            continue
        if accept(address := f"Activation/{wanted}@{name}"):
            yield _edit(datamart.document, ("spec", name, "default_compartment"), key, (address,))


def adjusted(expression: Any, members: frozenset[str], specs: Specs) -> Any:
    """A datamart set with these members, as near to the one that is written as can be; None for no member.

    Args:
        expression: the set as written.
        members: names.
        specs: say which datamarts there are.
    """
    if not members:
        return None
    for made in _candidates(expression, members, specs):
        if made and specs.resolve(made) == members:
            return made
    return datamart_set(sorted(members), sorted(specs.live))


def _candidates(expression: Any, members: frozenset[str], specs: Specs) -> Iterator[Any]:
    names = _names(expression)
    if names is not None:
        kept = [n for n in names if n in members or n in specs.absent]
        yield [*kept, *sorted(members - set(kept))]
        return
    match expression:
        case {"datamarts": inner, "except": left_out} if (out := _names(left_out)) is not None:
            reached = specs.resolve(inner)
            kept = [n for n in out if n not in members]
            out = [*kept, *sorted(reached - members - set(kept))]
            yield {"datamarts": inner, "except": out} if out else inner
        case _:
            yield {"datamarts": expression, "except": sorted(specs.resolve(expression) - members)}


def _names(expression: Any) -> list[str] | None:
    """The names of a set that is a name or a list of names."""
    found = [expression] if isinstance(expression, str) else expression
    if isinstance(found, list) and all(isinstance(n, str) for n in found) and "all" not in found:
        return found
    return None


def _needed(specs: Specs) -> dict[str, frozenset[str]]:
    """Datamarts on which sources load into a compartment, by its key."""
    needed: dict[str, frozenset[str]] = {}
    for document in specs.sources.values():
        targets = specs.members(document, "datamarts") or frozenset()
        for _, key in references(document.data["spec"]):
            needed[key] = needed.get(key, frozenset()) | targets
    return needed


def _edit(document: Document, path: Path, value: Any, addresses: tuple[str, ...]) -> SpecEdit:
    held, old = _holder(document, path), document.data
    for key in path:
        old = old[key]
    span = held.span(*path)
    after = None if value is None else flow(value)
    return SpecEdit(addresses, held.path, span.line, held.index, path, flow(old), after, value)


def _holder(document: Document, path: Path) -> Document:
    """The document that says a value: the overlay where it does, else the one below it."""
    if not isinstance(document, Overlaid):
        return document
    return document.top if path in document.top.positions().values else document.base
