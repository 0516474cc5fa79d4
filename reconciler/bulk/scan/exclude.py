"""A batch without some of its lines: those that a later line replaces, or that were sent before. Pure."""

import bisect
import itertools
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from reconciler.bulk.records.identity import is_delete
from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.scan.duplicates import ListedLines, NumberedLines
from reconciler.bulk.scan.identifiers import Seen
from reconciler.bulk.sources.segments import Segment
from reconciler.model.load import SUPERSEDED

Listed = ListedLines | NumberedLines


Contents = Callable[[Segment, Collection[int]], Mapping[int, Any]]


def without(
    batch: Batch, segment: Segment, before: int, replaced: Listed, contents: Contents | None = None
) -> Batch:
    """A batch without the lines that a later one replaces; they are rejected, in words of their own.

    Args:
        batch: made from the segment.
        segment: where its lines are from.
        before: lines before it in its file.
        replaced: asked for every segment, in order.
        contents: rejected lines carry their records as the source has them, which this reads again; none by default.
    """
    gone = replaced.among(segment.file, before + 1, before + batch.lines)
    if not gone:
        return batch
    before_them = sorted(r.line for r in batch.rejects)
    kept, left, rejects, deletes = list[bytes](), array("I"), list[Rejected](), 0
    shown = contents(segment, {number - before - 1 for number in gone}) if contents else {}
    seen = _seen_of(batch.identifiers, (before + n + 1 not in gone for n in batch.places))
    for at, (line, number) in enumerate(
        zip(batch.bytes_of(segment).split(b"\n"), batch.places, strict=False)
    ):
        if before + number + 1 not in gone:
            kept.append(line)
            left.append(number)
            continue
        deletes += is_delete(line)
        words = "a later row of the source has the same identity"
        row = at + bisect.bisect_left(before_them, number)
        rejects.append(Rejected(number, row, SUPERSEDED, words, None, shown.get(number)))
    return msgspec.structs.replace(
        batch,
        data=b"".join(line + b"\n" for line in kept),
        upserts=batch.upserts - (len(gone) - deletes),
        deletes=batch.deletes - deletes,
        rejects=[*rejects, *batch.rejects],
        rejected=batch.rejected + len(rejects),
        numbers=left,
        identifiers=seen,
    )


def only(batch: Batch, segment: Segment, before: int, wanted: Listed) -> Batch:
    """A batch with those lines alone that are listed; the others were sent before, and did not change.

    Args:
        batch: made from the segment.
        segment: where its lines are from.
        before: lines before it in its file.
        wanted: asked for every segment, in order.
    """
    listed = wanted.among(segment.file, before + 1, before + batch.lines)
    if len(listed) == batch.sent:
        return batch
    kept, places = list[bytes](), array("I")
    if listed:
        lines = batch.bytes_of(segment).split(b"\n")
        for number in sorted(number - before - 1 for number in listed):
            at = bisect.bisect_left(batch.places, number)
            if at < batch.sent and batch.places[at] == number:
                kept.append(lines[at])
                places.append(number)
    deletes = sum(map(is_delete, kept)) if batch.deletes else 0
    return msgspec.structs.replace(
        batch,
        data=b"".join(line + b"\n" for line in kept),
        upserts=len(kept) - deletes,
        deletes=deletes,
        numbers=places,
        unchanged=batch.sent - len(kept),
        identifiers=_seen_of(batch.identifiers, (before + n + 1 in listed for n in batch.places)),
    )


def _seen_of(seen: Seen | None, lasting: Iterable[bool]) -> Seen | None:
    """What was seen of identifiers, with the accounts of the lines that stay."""
    if seen is None or seen.accounts is None:
        return seen
    return msgspec.structs.replace(seen, accounts=list(itertools.compress(seen.accounts, lasting)))
