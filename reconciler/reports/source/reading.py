"""One reading of a source, to show. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reconciler.kinds.counts import few_lines
from reconciler.model.load import Reject, Scan
from reconciler.model.shown_rows import Shown

MORE = "… and more: `--rejects FILE` writes all of them"


class Reading(NamedTuple):
    """What is shown of it.

    Attributes:
        addresses: loads of the source that read just this.
        scan: what reading it gave.
        examples: a few rejected rows by code.
        max_bytes: of a chunk.
        shown: the first commands and what the properties hold, where that was asked for.
        expectations: each as the spec has it, with how many rows break it.
        values: show the values of those commands; else words stand for them.
    """

    addresses: Sequence[str]
    scan: Scan
    examples: Mapping[str, Sequence[Reject]]
    max_bytes: int
    shown: Shown | None = None
    values: bool = False
    expectations: Sequence[tuple[str, int]] = ()


def reasons(reading: Reading) -> list[tuple[str, int, Sequence[Reject]]]:
    """Why rows were rejected, the commonest first: code, count, a few of them."""
    found = sorted(reading.scan.reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(code, count, reading.examples.get(code, ())) for code, count in found]


def other_lines(scan: Scan) -> list[str]:
    """Lines of the files that are no rows, where there are any."""
    counts = (
        (scan.headers, "of headers"),
        (scan.continued, "more of rows of several lines"),
        (scan.blank, "blank at the ends of files"),
    )
    return [f"{count:,} {what}" for count, what in counts if count]


def replay(scan: Scan) -> str:
    """Whether a failed chunk may be sent again."""
    if scan.replay_safe:
        return "safe: a failed chunk is sent again by apply"
    return "not safe: a failed chunk is sent again only with --resend"


def files(scan: Scan, most: int) -> list[str]:
    """The first of its files."""
    return few_lines(scan.files, most)
