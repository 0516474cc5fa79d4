"""What the seal of a saved plan says."""

from enum import StrEnum


class Seal(StrEnum):
    """NONE: not sealed. UNKNOWN: sealed, and the key is not here. RIGHT and WRONG: asked with the key."""

    NONE = "none"
    UNKNOWN = "unknown"
    RIGHT = "right"
    WRONG = "wrong"
