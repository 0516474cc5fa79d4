"""Sampled read-back (opt-in): whether the platform holds what the merge table predicts (contract 7.4, 8).

A few lines are drawn from chunks that are still to be sent, evenly and by their digests, so that a run draws the same again.
What is stored before they are sent is read, what should be stored after is predicted, and what is stored then is compared.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.api.profiles import stored_profile
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.prepare import Ready
from reconciler.bulk.load.results.failed_lines import SentLine, sent_lines
from reconciler.errors import ReadFailed
from reconciler.kinds.merge import Unpredictable, agrees, merged
from reconciler.model.load import Chunk

# A profile may become visible only after its execution ended (contract 8): seconds to wait for it, on top of `settle`.
VISIBLE_TIMEOUT_S, VISIBLE_POLL_S = 10.0, 0.5


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line that was drawn: its chunk, where it is from, its command, and the profile that should be stored after it."""

    chunk: int
    line: SentLine
    command: dict[str, Any]
    profile: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Verified:
    """What reading back showed; a line that could not be predicted, or read in time, is not verified.

    Attributes:
        differing: lines of which something else is stored, or nothing.
        absent: those of them of which nothing is stored.
    """

    matching: int
    not_verified: int
    differing: tuple[SentLine, ...]
    absent: tuple[SentLine, ...] = ()


def expectations(
    context: Context, datamart_id: str, ready: Ready, chunks: Sequence[Chunk], default_compartment: str | None
) -> tuple[list[Expectation], int]:
    """Draw lines from chunks that are about to be sent, and predict; the second value counts those that cannot be.

    Args:
        context: collaborators of the load.
        datamart_id: the target datamart.
        ready: the prepared load.
        chunks: those about to be sent.
        default_compartment: id of the compartment for commands that name none.

    Raises:
        ReadFailed: a stored profile could not be read.
        ReconcilerError: the source can no longer be read.
    """
    found, unpredictable = [], 0
    for chunk, line in _drawn(context, ready, chunks):
        command = json.loads(line.data)
        try:
            before = stored_profile(context.writer, datamart_id, command, default_compartment)
            found.append(Expectation(chunk, line, command, merged(before, command)))
        except Unpredictable:
            unpredictable += 1
    return found, unpredictable


def _drawn(context: Context, ready: Ready, chunks: Sequence[Chunk]) -> Iterator[tuple[int, SentLine]]:
    wanted: dict[int, set[int]] = {}
    for number in range(ready.source.verify if chunks else 0):
        chunk = chunks[number * len(chunks) // ready.source.verify]
        seed = hashlib.sha256(f"{chunk.sha256} {number}".encode()).digest()
        wanted.setdefault(chunk.index, set()).add(1 + int.from_bytes(seed[:8], "big") % chunk.lines)
    for chunk in chunks:
        numbers = wanted.get(chunk.index, set())
        for line in sent_lines(context.root, ready.scan.files, ready.source, chunk) if numbers else ():
            if line.number in numbers:
                yield chunk.index, line
            if line.number >= max(numbers):
                break


def verify(
    context: Context, datamart_id: str, expected: Sequence[Expectation], default_compartment: str | None
) -> Verified:
    """Read profiles back until all are as expected, or time is up (contract 8).

    Args:
        context: collaborators of the load.
        datamart_id: the target datamart.
        expected: the predicted profiles.
        default_compartment: id of the compartment for commands that name none.
    """
    waiting = list(expected)
    deadline = context.clock.now() + context.settle + VISIBLE_TIMEOUT_S
    while True:
        differing, unread, absent = list[Expectation](), list[Expectation](), list[SentLine]()
        for one in waiting:
            try:
                now = stored_profile(context.writer, datamart_id, one.command, default_compartment)
            except ReadFailed:
                unread.append(one)
                continue
            if (now is None) is not (one.profile is None) or not agrees(one.profile, now):
                differing.append(one)
                absent += [one.line] if now is None else []
        waiting = [*differing, *unread]
        if not waiting or context.clock.now() > deadline or context.stopping():
            break
        context.clock.wait(VISIBLE_POLL_S, "until stored profiles show what was sent")
    return Verified(
        len(expected) - len(waiting), len(unread), tuple(x.line for x in differing), tuple(absent)
    )
