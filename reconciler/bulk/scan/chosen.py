"""Which lines of a segment are sent, where lists name some: told to whoever checks it, so no other line is handed over. Pure.

Where a segment begins in its file has to be known before it is checked, so its lines are counted where the source is divided.
"""

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.duplicates import ListedLines, NumberedLines, packed_lines
from reconciler.bulk.scan.exclude import Contents, only, without
from reconciler.bulk.scan.gathering import Take
from reconciler.bulk.sources.segments import Segment


class Chosen(NamedTuple):
    """Which lines of a segment are sent, as `packed_lines` packs them; None where there is no such list.

    Attributes:
        replaced: those that a later line replaces.
        wanted: those that are sent, of the others.
    """

    replaced: bytes | None
    wanted: bytes | None


class Choice:
    """Which lines are sent of segments, by lists of lines.

    Attributes:
        made: there is such a list.
    """

    def __init__(self, replaced: ListedLines | None = None, wanted: ListedLines | None = None) -> None:
        self._replaced, self._wanted = replaced, wanted
        self.made = replaced is not None or wanted is not None
        self._before: dict[int, int] = {}

    def of(self, segment: Segment, lines: int) -> Chosen:
        """The lines that are sent of a segment; asked for every one, in order.

        Args:
            segment: its bytes are not needed.
            lines: how many it takes.
        """
        file = segment.file
        before = self._before.setdefault(file, segment.header)
        self._before[file] = before + lines

        def packed(listed: ListedLines | None) -> bytes | None:
            return None if listed is None else packed_lines(listed, file, before, lines)

        return Chosen(packed(self._replaced), packed(self._wanted))


def sent(
    batch: Batch,
    segment: Segment,
    chosen: Chosen | None,
    takes: Sequence[Take] = (),
    contents: Contents | None = None,
) -> Batch:
    """A batch with those lines alone that are sent; what is taken is taken of those that no later one replaces.

    Args:
        batch: made from the segment.
        segment: where its lines are from.
        chosen: which of them are sent; all of them if None.
        takes: what is taken.
        contents: gives the records of replaced lines as the source has them, where these are wanted.
    """
    if chosen is not None and chosen.replaced is not None:
        batch = without(batch, segment, 0, NumberedLines(chosen.replaced), contents)
    if takes:
        data = batch.bytes_of(segment)
        batch.taken = tuple(take(data, batch.places, batch.rejects) for take in takes)
    if chosen is not None and chosen.wanted is not None:
        batch = only(batch, segment, 0, NumberedLines(chosen.wanted))
    return batch
