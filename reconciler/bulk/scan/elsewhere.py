"""What of a segment can be known only where it was read, and is told to who has not its bytes. Pure data; nothing of a profile."""

from collections.abc import Callable

import msgspec


class Glance(msgspec.Struct):
    """What one segment looks like.

    Attributes:
        whole: what is said of all of it, or of the beginning of its file, if it begins there.
        line: the first line (0 is the first of the segment) that is so, or is rejected for its looks.
        words: what is said of the rows from there on.
    """

    whole: str | None = None
    line: int | None = None
    words: str | None = None


class Elsewhere(msgspec.Struct):
    """Of a segment whose lines to send were made on another machine, and stay there.

    Attributes:
        size: bytes of those lines.
        ends: where each of them ends, as `cuttable.ends_of` packs it; or what gives this.
        glance: what the segment looks like.
    """

    size: int
    ends: bytes | Callable[[], bytes]
    glance: Glance
