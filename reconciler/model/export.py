"""What `export` declares: made by `planning`, written by `spec`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatamartEntry:
    """One entry of a `Datamarts` document.

    Attributes:
        title: the platform's name.
        default: key of the compartment that is its default; None where no spec can name it.
        imports: names of document imports, which no spec declares.
    """

    name: str
    id: str
    title: str
    default: str | None = None
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CompartmentDocument:
    """One `Compartment` document.

    Attributes:
        key: `metadata.name`.
        token: None where only the id tells it from others.
        name: the display name; None is not managed.
        id: the pin, where the token is not enough.
        datamarts: names of the datamarts where it is active.
        why: why it is pinned.
    """

    key: str
    token: str | None
    name: str | None
    id: str | None
    datamarts: tuple[str, ...]
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that stays unmanaged, and why."""

    about: str
    why: str


@dataclass(frozen=True, slots=True)
class Export:
    """Declarations in the order of files.

    Attributes:
        live: names of all datamarts that specs name, with those of `datamarts`.
        declared: how many compartments specs declare already.
    """

    datamarts: tuple[DatamartEntry, ...] = ()
    compartments: tuple[CompartmentDocument, ...] = ()
    remarks: tuple[Remark, ...] = ()
    live: tuple[str, ...] = ()
    declared: int = 0
