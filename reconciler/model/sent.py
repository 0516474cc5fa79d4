"""What is kept of the rows that a load sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptIndex:
    """One sent index.

    Attributes:
        generation: number of its load.
        rows: identities that it has.
        unknown: those of which it is not certain that the platform took the last command.
        since_full: how many deltas follow the last load of all rows.
        identities: whom they are about is kept, too, enciphered.
        trouble: why it cannot be used; empty if it can.
    """

    generation: int
    rows: int = 0
    unknown: int = 0
    since_full: int = 0
    identities: bool = False
    trouble: str = ""
