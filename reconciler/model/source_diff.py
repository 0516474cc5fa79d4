"""What a load would change for some identities of its source."""

from dataclasses import dataclass

from reconciler.model.preview import Preview


@dataclass(frozen=True, slots=True)
class Unpredicted:
    """A command whose effect cannot be said, and why."""

    path: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class SourceDiff:
    """One source on one datamart.

    Attributes:
        address: of the load.
        commands: how many commands the whole source holds.
        rejected: how many of its rows are not sent.
        previews: one for each identity that was looked at; its command is the last one about it.
        unpredicted: identities that were looked at in vain.
    """

    address: str
    commands: int
    rejected: int
    previews: tuple[Preview, ...]
    unpredicted: tuple[Unpredicted, ...] = ()
