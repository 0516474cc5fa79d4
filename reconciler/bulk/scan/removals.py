"""Identities that no row of a source names any more: the DELETE commands that come after its rows, and what stays to be deleted.

They lie in a file of this run alone, enciphered with a key that is nowhere written (`reconciler.bulk.sources.enciphered`); so
whatever ends the run, nobody can read what is left. The file is made from the same index by every run, so its commands are the
same, byte for byte.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reconciler.bulk.sources import enciphered
from reconciler.model.load import Position
from reconciler.model.source import Removals, SourceDefinition

PLACE = "identities that are no longer in the source"  # in place of a file's name
_TITLE = "removals of one run"
_BEGIN = b'{"operation":"DELETE",'


class Entry(NamedTuple):
    """One identity that no row names.

    Attributes:
        deleted: a DELETE command of this load is about it.
        entry: digests of identity and last command, as the index has them.
        identity: the fields of the command that say whom it is about, as a JSON object.
    """

    deleted: bool
    entry: bytes
    identity: bytes


class Piece(NamedTuple):
    """Some of the commands.

    Attributes:
        frame: number of the frame that they lie in.
        before: commands before it.
        lines: how many.
    """

    frame: int
    before: int
    data: bytes
    lines: int


def written(found: Iterator[Entry], path: Path, key: bytes) -> Removals:
    """Write a file of this run.

    Args:
        found: in order of their digests.
        path: of the new file.
        key: of this run.

    Raises:
        MissingExtra: the library for it is not installed.
    """
    with path.open("wb") as file:
        enciphered.write(file, key, _TITLE, (bytes([x.deleted]) + x.entry + x.identity for x in found))
    return Removals(path=str(path), key=key)


class Left:
    """All that is in a file of this run, as often as it is asked for; nothing without one."""

    def __init__(self, made: Removals | None) -> None:
        self._made = made

    def __iter__(self) -> Iterator[Entry]:
        """In order of their digests.

        Raises:
            ReconcilerError: the file was changed.
        """
        made = self._made
        if made is None:
            return
        ends = 1 + made.digests
        with Path(made.path).open("rb") as file:
            for records in enciphered.read(file, made.key, _TITLE):
                for record in records:
                    yield Entry(bool(record[0]), record[1:ends], record[ends:])


def commands(source: SourceDefinition, start: Position | None = None) -> Iterator[Piece]:
    """The DELETE commands of a source, from the frame on that a chunk begins in.

    Args:
        source: how it is read; without removals there are none.
        start: where the chunk begins.

    Raises:
        ReconcilerError: the file was changed.
    """
    made = source.removals
    if made is None:
        return
    first, before = (start.offset, start.line) if start is not None else (0, 0)
    with Path(made.path).open("rb") as file:
        for frame, records in enumerate(enciphered.read(file, made.key, _TITLE, first), first):
            lines = [_BEGIN + x[made.digests + 2 :] + b"\n" for x in records if x[0]]
            yield Piece(frame, before, b"".join(lines), len(lines))
            before += len(lines)
