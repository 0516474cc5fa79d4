"""What was found out about a platform: one answer for each open question of the contract (section 13)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """One answer.

    Attributes:
        switch: the name that the sandbox has for the question.
        section: of the contract.
        answer: an option of the switch, or a number; None if it could not be told.
        why: what was seen, or why nothing could be told.
    """

    switch: str
    section: str
    answer: str | int | float | None
    why: str
