"""Lines that the remote refused, found again in the source (G7), as far as its error files allow."""

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from reconciler.api.client import Reader
from reconciler.bulk.load.results.error_files import Entry, canonical, entries, numbers
from reconciler.bulk.scan.chunk_bytes import parts
from reconciler.bulk.scan.row_numbers import Rows
from reconciler.kinds import paths
from reconciler.model.foreign import ForeignText
from reconciler.model.load import Chunk
from reconciler.model.remote import Execution
from reconciler.model.source import SourceDefinition

MAX_BYTES = 512_000_000  # of an error file
MAX_ENTRIES = 1_000_000


class SentLine(NamedTuple):
    """One line of a chunk: its number in the chunk, what was sent, and where it is from."""

    number: int
    data: bytes
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class FailedLines:
    """Refused lines of one chunk.

    Attributes:
        lines: reason by number in the chunk; empty where they cannot be told.
        unplaced: how many are refused, but nobody can say which.
    """

    lines: dict[int, ForeignText]
    unplaced: int


def failed_lines(
    reader: Reader,
    root: Path,
    names: Sequence[str],
    source: SourceDefinition,
    chunk: Chunk,
    execution: Execution,
    fields: Collection[str] = (),
) -> FailedLines:
    """Which lines of a chunk an execution refused.

    Args:
        reader: fetches its error file.
        root: the workspace.
        names: places of the source.
        source: as the chunk was cut.
        chunk: what was sent.
        execution: with failures.
        fields: names that are kept in reasons.

    Raises:
        ReadFailed: the error file could not be fetched.
        ReconcilerError: the source cannot be read.
    """
    total = execution.total_failure or 0
    if not total or not execution.error_file_uri:
        return FailedLines({}, total)
    with tempfile.TemporaryFile() as file:  # without a name: it may hold profile values
        reader.download(paths.data_file(), {"uri": execution.error_file_uri}, file, MAX_BYTES)
        file.seek(0)
        found = _some(entries(file, fields))
    if found is None:
        return FailedLines({}, total)
    placed = numbers(found, chunk.lines)
    if placed is None:
        placed = _by_echo(found, sent_lines(root, names, source, chunk))
    return (
        FailedLines(placed, max(0, total - len(placed))) if len(placed) <= total else FailedLines({}, total)
    )


def _some(found: Iterator[Entry]) -> list[Entry] | None:
    kept = []
    for entry in found:
        kept.append(entry)
        if len(kept) > MAX_ENTRIES:
            return None
    return kept


def _by_echo(found: Sequence[Entry], lines: Iterator[SentLine]) -> dict[int, ForeignText]:
    """Entries that repeat their command belong to a line with that command; the first of several that are equal."""
    wanted: dict[bytes, list[ForeignText]] = {}
    for entry in found:
        if entry.echo is not None:
            wanted.setdefault(hashlib.sha256(entry.echo).digest(), []).append(entry.reason)
    placed: dict[int, ForeignText] = {}
    if not wanted:
        return placed
    for line in lines:
        reasons = wanted.get(hashlib.sha256(canonical(json.loads(line.data))).digest())
        if reasons:
            placed[line.number] = reasons.pop()
    return placed


def sent_lines(
    root: Path, names: Sequence[str], source: SourceDefinition, chunk: Chunk
) -> Iterator[SentLine]:
    """The lines of a chunk again, each with where it is from.

    Args:
        root: the workspace.
        names: places of the source, in the order of the scan.
        source: how to read it.
        chunk: which commands.

    Raises:
        ReconcilerError: a place cannot be read.
    """
    skip, number = chunk.start.skip, 0
    shown = Rows(names, source).names
    for part in parts(root, names, source, chunk.start):
        for text, line in zip(part.data.split(b"\n"), part.numbers, strict=False):
            if skip:
                skip -= len(text) + 1
                continue
            number += 1
            yield SentLine(number, text + b"\n", shown[part.file], part.before + line + 1)
            if number == chunk.lines:
                return
