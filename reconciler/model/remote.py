"""Rows of the platform, already checked and with ids as strings (contract 1.8)."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from reconciler.model.foreign import ForeignText
from reconciler.model.listing import Listing


@dataclass(frozen=True, slots=True)
class Datamart:
    """A datamart (contract 2); `type` is DATAMART or CROSS_DATAMART."""

    id: str
    name: str
    organisation_id: str
    type: str
    archived: bool


def owned(row: "Datamart | Compartment", organisation_id: str) -> bool:
    """True if a row is the organisation's own; one that names no organisation counts as its own (contract 3.5)."""
    return row.organisation_id in (organisation_id, "")


def token_key(token: str) -> str:
    """What two tokens share that differ only by case or by Unicode form: a platform may take them for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", token).casefold())


class Compartment(msgspec.Struct, frozen=True, gc=False):
    """A user account compartment (contract 3.2); `name` may be null on old rows."""

    id: str
    organisation_id: str
    name: str | None
    token: str
    archived: bool

    @property
    def token_key(self) -> str:
        """See `token_key`."""
        return token_key(self.token)


class Activation(msgspec.Struct, frozen=True, gc=False):
    """A compartment's selection row on a datamart (contract 4.1); `id` is the row's own id."""

    id: str
    datamart_id: str
    compartment_id: str
    default: bool


class Import(msgspec.Struct, frozen=True, gc=False):
    """A document import (contract 5.1)."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Execution:
    """One upload under an import (contract 6.2); counters are lines."""

    id: str
    status: str
    total_success: int | None = None
    total_failure: int | None = None
    error: ForeignText | None = None
    error_file_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What the remote showed; each collection may be `Unlisted`.

    Attributes:
        pinned: compartments read one by one because a spec pins their id (contract 3.5).
        activations: by datamart id.
        imports: by datamart id.
    """

    datamarts: Listing[Datamart]
    compartments: Listing[Compartment]
    activations: Mapping[str, Listing[Activation]] = field(default_factory=dict)
    imports: Mapping[str, Listing[Import]] = field(default_factory=dict)
    pinned: Mapping[str, Listing[Compartment]] = field(default_factory=dict)

    def of(self, kind: str, datamart_id: str) -> Listing[Any] | None:
        """The collection of a kind; None if it was not listed."""
        match kind:
            case "Compartment":
                return self.compartments
            case "Activation":
                return self.activations.get(datamart_id)
            case "DocumentImport":
                return self.imports.get(datamart_id)
            case _:
                return None
