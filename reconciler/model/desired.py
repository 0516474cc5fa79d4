"""What the specs ask for: built by `spec`, compared by `planning`.

Where a resource is declared is looked up for the few that have something to say: finding positions takes as long as reading
the specs. There may be hundreds of thousands of activations, hence structs.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

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
class DesiredLoad:
    """One source on one datamart.

    Attributes:
        schema_file: the datamart's schema as a file of the workspace; None asks the platform.
    """

    source: str
    datamart: str
    datamart_id: str
    definition: SourceDefinition
    suspended: bool
    span: Span
    label_span: Span
    missing_label: str | None = None
    schema_file: str | None = None

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
    activations: dict[str, DesiredActivation] = field(default_factory=dict)
    removals: dict[str, DesiredActivation] = field(default_factory=dict)
    managed: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()
    loads: dict[str, DesiredLoad] = field(default_factory=dict)
    rollout: Rollout | None = None
