"""What the specs ask for: built by `spec`, compared by `planning`."""

from dataclasses import dataclass, field

from reconciler.model.address import Address, Span
from reconciler.model.source import SourceDefinition


@dataclass(frozen=True, slots=True)
class DesiredCompartment:
    """`name` None is not managed; `id` pins."""

    key: str
    token: str | None
    name: str | None
    id: str | None
    span: Span

    @property
    def address(self) -> Address:
        """`Compartment/key`."""
        return Address("Compartment", self.key)


@dataclass(frozen=True, slots=True)
class DesiredActivation:
    """`default` True promotes; False is not managed (a default is never demoted, G10)."""

    compartment: str
    datamart: str
    datamart_id: str
    default: bool
    span: Span

    @property
    def address(self) -> Address:
        """`Activation/compartment@datamart`."""
        return Address("Activation", self.compartment, self.datamart)


@dataclass(frozen=True, slots=True)
class DesiredLoad:
    """One source on one datamart."""

    source: str
    datamart: str
    datamart_id: str
    definition: SourceDefinition
    suspended: bool
    span: Span
    label_span: Span
    missing_label: str | None = None

    @property
    def address(self) -> Address:
        """`ProfileSource/source@datamart`."""
        return Address("ProfileSource", self.source, self.datamart)


@dataclass(frozen=True, slots=True)
class Desired:
    """What the specs ask for; keys are addresses as text, in spec order."""

    datamarts: dict[str, tuple[str, Span]] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    compartments: dict[str, DesiredCompartment] = field(default_factory=dict)
    activations: dict[str, DesiredActivation] = field(default_factory=dict)
    loads: dict[str, DesiredLoad] = field(default_factory=dict)
