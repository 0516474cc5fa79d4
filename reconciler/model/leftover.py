"""What an earlier run left on disk."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Left:
    """Something that lies on disk.

    Attributes:
        kind: `rows` that were read to their end, `unfinished-rows`, `lists` of lines, a `temporary` file, `rejected-rows` that a
            flag asked for, a `sent-index`, a `scan`, or a damaged `ledger`.
        path: relative to the workspace where it lies there.
        files: how many files it has.
        size: bytes.
        modified: when it was last written, in seconds since 1970.
        why: what it is there for, in words.
        removable: nobody needs it.
    """

    kind: str
    path: str
    files: int
    size: int
    modified: float
    why: str
    removable: bool
