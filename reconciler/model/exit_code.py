"""How a command ends, as a number that pipelines go by (design 4): each is written here, and nowhere else."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes. From 129 on they say which signal ended the run: 128 and its number."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    PARTLY = 3
    REFUSED = 4
    LOCKED = 5
    USAGE = 64
    HUNG_UP = 129
    INTERRUPTED = 130
    TERMINATED = 143
