"""What the specs ask for: built by `spec`, compared by `planning`.

Where a resource is declared is looked up for the few that have something to say: finding positions takes as long as reading
the specs. There may be hundreds of thousands of activations: an object for one is made when it is asked for.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from reconciler.model.address import Address, Span
from reconciler.model.rollout import Rollout
from reconciler.model.source import SourceDefinition


class DesiredCompartment(msgspec.Struct, frozen=True, gc=False):
    """`name` None is not managed; `id` pins; `tombstone` is True where the spec only says where it must not be active.

    A tombstone is no reason to make what is not there. `allow_token_change` is the opt-in to give an existing compartment the
    declared token. `previously` are old tokens, and old keys.
    """

    key: str
    token: str | None
    name: str | None
    id: str | None
    where: Callable[[], Span]
    tombstone: bool = False
    allow_token_change: bool = False
    previously: tuple[str, ...] = ()

    @property
    def span(self) -> Span:
        """Where it is declared."""
        return self.where()

    @property
    def address(self) -> str:
        """`Compartment/key`."""
        return f"Compartment/{self.key}"


class DesiredActivation(msgspec.Struct, frozen=True, gc=False):
    """`default` True promotes; False is not managed (a default is never demoted, G10).

    Attributes:
        address: `Activation/compartment@datamart`.
    """

    address: str
    compartment: str
    datamart: str
    datamart_id: str
    default: bool
    where: Callable[[], Span]

    @property
    def span(self) -> Span:
        """Where it is declared."""
        return self.where()


@dataclass(frozen=True, slots=True)
class DesiredActivations(Mapping[str, DesiredActivation]):
    """The activations by address, in the order of the specs.

    Attributes:
        datamarts: ids by name, in order.
        on: names of datamarts, by compartment.
        defaults: compartment and datamart, where the one is declared as the default of the other.
        where: of these two, gives what finds the place.
    """

    datamarts: Mapping[str, str] = field(default_factory=dict)
    on: Mapping[str, frozenset[str]] = field(default_factory=dict)
    defaults: frozenset[tuple[str, str]] = frozenset()
    where: Callable[[str, str], Callable[[], Span]] = lambda *_: lambda: Span("")

    @classmethod
    def of(cls, every: Iterable[DesiredActivation]) -> "DesiredActivations":
        """The same, from an object for each."""
        by_place = {(a.compartment, a.datamart): a for a in every}
        on: dict[str, set[str]] = {}
        for key, datamart in by_place:
            on.setdefault(key, set()).add(datamart)
        return cls(
            {a.datamart: a.datamart_id for a in by_place.values()},
            {key: frozenset(names) for key, names in on.items()},
            frozenset(place for place, a in by_place.items() if a.default),
            lambda key, datamart: by_place[key, datamart].where,
        )

    def groups(self) -> dict[frozenset[str], list[str]]:
        """Compartments, by the datamarts that they are declared on."""
        found: dict[frozenset[str], list[str]] = {}
        for key, names in self.on.items():
            found.setdefault(names, []).append(key)
        return found

    def one(self, key: str, datamart: str) -> DesiredActivation:
        """The activation of a compartment on a datamart.

        Args:
            key: of the compartment.
            datamart: its name.
        """
        return DesiredActivation(
            f"Activation/{key}@{datamart}",
            key,
            datamart,
            self.datamarts[datamart],
            (key, datamart) in self.defaults,
            self.where(key, datamart),
        )

    def places(self) -> Iterator[tuple[str, str]]:
        """Compartment and datamart of each."""
        for key, names in self.on.items():
            for datamart in self.datamarts:
                if datamart in names:
                    yield key, datamart

    def __getitem__(self, address: str) -> DesiredActivation:
        kind, _, rest = address.partition("/")
        key, _, datamart = rest.partition("@")
        if kind != "Activation" or datamart not in self.on.get(key, ()):
            raise KeyError(address)
        return self.one(key, datamart)

    def __iter__(self) -> Iterator[str]:
        return (f"Activation/{key}@{datamart}" for key, datamart in self.places())

    def __len__(self) -> int:
        return sum(map(len, self.on.values()))


class SourcePlaces(Protocol):
    """Where the parts of a source stand in its spec."""

    def of_field(self, field: str) -> Span:
        """The value of a field of `spec`."""
        ...

    def of_column(self, column: str, field: str | None = None) -> Span | None:
        """The first place that names a column; of one field, where it is given. None where none does."""
        ...

    def of_expectation(self, number: int) -> Span:
        """The check, in its entry of `expect`; checks are counted from 0."""
        ...

    def of_expected_field(self, number: int) -> Span:
        """The field that a check is about."""
        ...


@dataclass(frozen=True, slots=True)
class DesiredLoad:
    """One source on one datamart.

    Attributes:
        schema_file: the datamart's schema as a file of the workspace; None asks the platform.
        places: of its parts in the spec.
    """

    source: str
    datamart: str
    datamart_id: str
    definition: SourceDefinition
    suspended: bool
    span: Span
    label_span: Span
    schema_file: str | None = None
    places: SourcePlaces | None = field(default=None, compare=False, repr=False)

    @property
    def address(self) -> Address:
        """`ProfileSource/source@datamart`."""
        return Address("ProfileSource", self.source, self.datamart)


@dataclass(frozen=True, slots=True)
class Desired:
    """What the specs ask for; keys are addresses as text, in spec order.

    Attributes:
        removals: activations that must not be: what `deactivations` name.
        managed: names of compartments that say where they are active; what they leave out may be pruned.
        protected: names of compartments of which nothing is ever removed.
    """

    datamarts: dict[str, tuple[str, Span]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    compartments: dict[str, DesiredCompartment] = field(default_factory=dict)
    activations: DesiredActivations = field(default_factory=DesiredActivations)
    removals: dict[str, DesiredActivation] = field(default_factory=dict)
    managed: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()
    loads: dict[str, DesiredLoad] = field(default_factory=dict)
    rollout: Rollout | None = None
