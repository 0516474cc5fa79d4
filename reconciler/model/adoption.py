"""What exists on the platform, as the specs that mean it name it: found by `planning`, written by `spec`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Bound:
    """A declared compartment and the row of the platform that it is.

    Attributes:
        key: `metadata.name`.
        name: the platform's display name; None where it has none.
        datamarts: names of the declared datamarts on which it is active.
        unread: names of those whose activations could not be read.
    """

    key: str
    id: str
    token: str
    name: str | None
    datamarts: frozenset[str]
    unread: frozenset[str] = frozenset()

    @property
    def address(self) -> str:
        """`Compartment/key`."""
        return f"Compartment/{self.key}"


@dataclass(frozen=True, slots=True)
class Adoption:
    """How specs and platform match.

    Attributes:
        missing: addresses of what the platform does not have.
        ambiguous: ids of the rows that could be meant, by address.
        defaults: key of the compartment that is the default, by name of a datamart; None where no spec declares it.
    """

    bound: tuple[Bound, ...] = ()
    missing: tuple[str, ...] = ()
    ambiguous: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defaults: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpecEdit:
    """A value of a spec that the platform has otherwise.

    Attributes:
        addresses: what it is about.
        file: as shown to users.
        index: which document of the file.
        path: of the value in the document.
        before, after: as YAML on one line; `after` is None where the key goes.
        value: what is written; None removes the key.
    """

    addresses: tuple[str, ...]
    file: str
    line: int
    index: int
    path: tuple[str | int, ...]
    before: str
    after: str | None
    value: object
