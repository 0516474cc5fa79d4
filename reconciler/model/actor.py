"""Who did something, from which commit and in which job, as far as that is known."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Empty is not known."""

    who: str = ""
    commit: str = ""
    job: str = ""
