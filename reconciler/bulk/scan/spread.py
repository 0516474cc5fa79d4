"""A pass over a source whose segments are read, checked and digested by workers of a cluster; the coordinator has the order.

Workers give counts, digests and places (`reconciler.bulk.scan.worker_tasks`). One of them reads all of the source in order: it
makes the source's digest, and says where the source can be divided. So many tasks are on their way at once; what they give is taken
in the order of the source, so what comes out is what a pass in one process gives.
"""

import itertools
import os
import secrets
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from reconciler.bulk.scan import worker_frames, worker_parts, worker_tasks
from reconciler.bulk.scan.batch import Batch, Rejected
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.chosen import Choice
from reconciler.bulk.scan.duplicates import ListedLines, NumberedLines
from reconciler.bulk.scan.exclude import without
from reconciler.bulk.scan.reading import Look
from reconciler.bulk.scan.segment_records import contents_reader
from reconciler.bulk.scan.spread_digests import Digesting
from reconciler.bulk.scan.worker_parts import Framed, Looked, Pass, Piece, Place, Stretch
from reconciler.bulk.scan.workers import Given, Workers
from reconciler.bulk.sources.segments import Segment, alone
from reconciler.errors import ReconcilerError
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Chunk
from reconciler.model.source import SPOOL, SourceDefinition

AHEAD = 64  # answers about a file that wait for the files before it
STRETCHES = 256  # known ones that nobody has yet
MOST_ASKED = 256  # stretches that are being checked so that each of few workers has a chunk


def divisible(source: SourceDefinition, names: Sequence[str]) -> bool:
    """True if each part of a source can be read wherever it is, with no more of what only this run has than numbers of lines."""
    if source.removals or source.format == SPOOL:
        return False
    if not (source.listed or source.superseded):
        return not source.of_this_run
    return all(alone(name, source) for name in names)  # else lines cannot be counted before they are read


class _Asked(NamedTuple):
    """A stretch that is being checked; bytes of it (rows, of Parquet), and by whom it is, as far as that was asked for."""

    given: Given[Looked]
    size: int
    near: str


class Spread:
    """One pass; `close` it, whatever became of it."""

    def __init__(
        self,
        workers: Workers,
        root: Path,
        names: Sequence[str],
        source: SourceDefinition,
        schemas: Sequence[DatamartSchema] = (),
        replaced: ListedLines | None = None,
        wanted: ListedLines | None = None,
    ) -> None:
        self._workers, self._choice = workers, Choice(replaced, wanted)
        self._task = Pass(
            key=secrets.token_hex(8),
            root=str(root),
            source=replace(source, superseded="", listed=""),  # the lists are here
            numbered=self._choice.made,
            schemas=tuple(schemas),
            salt=os.urandom(16),
        )
        self._places = [Place(i, n, worker_parts.state(root, n)) for i, n in enumerate(names)]
        self._framing = _Framing(workers, self._task, self._places)
        self._digesting = Digesting(workers, self._task, self._places)
        self._given = deque[_Asked]()
        self._shares = _Shares(workers, source.max_bytes)
        self._through: list[_Through] = []

    def batches(self, look: Look) -> Iterator[tuple[Segment, Batch]]:
        """Every segment with what became of it, in order.

        Raises:
            ReconcilerError: the source cannot be read, or there is no worker.
        """
        self._task = replace(self._task, takes=tuple(look.takes))
        whole = self._framing.whole()
        self._through = [_Through(self._workers, self._task, self._places[i]) for i in sorted(whole)]
        for is_whole, files in itertools.groupby(range(len(self._places)), whole.__contains__):
            for looked, worker in (
                self._whole(files, look) if is_whole else self._stretches(max(files) + 1, look)
            ):
                for segment, batch in looked.found:
                    piece = self._digesting.add(segment, batch, worker)
                    self._shares.made(piece, batch)
                    if piece is not None and batch.elsewhere is not None and not batch.elsewhere.ends:
                        batch.elsewhere.ends = partial(self._ends, piece, worker)
                    if look.contents and batch.rejects and piece is not None:
                        yield segment, self._with_contents(piece, batch)
                    else:
                        yield segment, batch
        self._framing.end()

    def _ends(self, piece: Piece, worker: str) -> bytes:
        """Where the lines of a segment end."""
        place = self._places[piece.segment.file]
        return self._workers.give(
            worker_tasks.ends, self._task, place, piece, near=worker, first=True
        ).result()

    def _with_contents(self, piece: Piece, batch: Batch) -> Batch:
        """A batch whose rejected records have their data: this is read here, for it must not pass the scheduler."""
        place, stretch = self._places[piece.segment.file], worker_parts.one_piece(self._task, piece)
        again, contents = checker(self._task.source, contents=True), contents_reader(self._task.source)
        replaced = piece.chosen.replaced if piece.chosen else None
        rejects: list[Rejected] = []
        with ExitStack() as stack:
            for segment in worker_parts.read(self._task, place, stretch, stack):
                made = again(segment)
                if replaced is not None:
                    made = without(made, segment, 0, NumberedLines(replaced), contents)
                rejects += made.rejects
        if [(r.line, r.code) for r in rejects] != [(r.line, r.code) for r in batch.rejects]:
            raise ReconcilerError("the source changed while it was read")
        return msgspec.structs.replace(batch, rejects=rejects)

    def _whole(self, files: Iterable[int], look: Look) -> Iterator[tuple[Looked, str]]:
        """Files that only one task after the other can read; while one is, the next ones are, too."""
        for _ in files:
            while True:
                self._framing.read_on()
                for one in self._through[: self._workers.at_once]:
                    one.read_on(look.accounts)
                if (found := self._through[0].answer(look.accounts)) is None:
                    break
                yield found
            del self._through[0]

    def _stretches(self, end: int, look: Look) -> Iterator[tuple[Looked, str]]:
        """Files before this one, whose parts can be read by themselves."""
        while True:
            while self._room(look) and (one := self._framing.next(end, wait=not self._given)):
                one = _with_choice(one, self._choice)
                self._digesting.expect(one)
                near = self._shares.next(self._given)
                given = self._workers.give(
                    worker_tasks.look, self._task, self._places[one.file], one, look.accounts, near=near
                )
                self._given.append(_Asked(given, _size(one), near))
            if not self._given:
                return
            first = self._given[0].given
            yield first.result(), first.worker
            self._given.popleft()

    def _room(self, look: Look) -> bool:
        """Whether one more stretch can be checked meanwhile. Of each that is, as many accounts come as are still wanted: so there are few."""
        asked, at_once = len(self._given), self._workers.at_once
        if look.accounts:
            return asked < at_once
        return asked <= 2 * at_once or (asked < MOST_ASKED and not self._shares.enough(self._given))

    def cut(self, chunks: Sequence[Chunk]) -> None:
        """So much is cut by now: those chunks are digested."""
        self._digesting.cut(chunks)

    def digested(self, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """All chunks, with their digests.

        Raises:
            ReconcilerError: the source cannot be read again, or there is no worker.
        """
        return self._digesting.digested(chunks)

    def source_digest(self) -> str:
        """Of what shapes the lines and of all that was read."""
        return self._framing.digest

    def close(self) -> None:
        """Nothing of the pass is wanted any more."""
        for one in self._given:
            one.given.cancel()
        rest: list[_Framing | Digesting | _Through] = [self._framing, self._digesting, *self._through]
        for each in rest:
            each.cancel()
        self._workers.tell(worker_tasks.forget, self._task.key)
        worker_tasks.forget(self._task.key)  # what was done here, after workers were lost


def _with_choice(stretch: Stretch, choice: Choice) -> Stretch:
    """A stretch with the lines that are sent of it; asked for every stretch, in order."""
    if not choice.made:
        return stretch
    return stretch._replace(
        segments=tuple(p._replace(chosen=choice.of(p.segment, p.lines)) for p in stretch.segments)
    )


def _size(stretch: Stretch) -> int:
    """Bytes of a stretch; rows, of Parquet."""
    return stretch.rows[1] if stretch.rows is not None else sum(p.size for p in stretch.segments)


class _Shares:
    """Which worker checks what: all of one chunk, as far as that can be told before, since the one who digests it has to have its lines.

    The next chunk is of the worker that has the least to check.
    """

    def __init__(self, workers: Workers, max_bytes: int) -> None:
        self._names, self._max_bytes = workers.names(), max_bytes
        self._read = self._lines = 1  # so much was made of so much
        self._last, self._chunk = "", -1
        self._chunks = dict.fromkeys(self._names, 0)  # that each was given

    def made(self, piece: Piece | None, batch: Batch) -> None:
        """What became of a segment."""
        if piece is not None and batch.elsewhere is not None:
            self._read += piece.size
            self._lines += batch.elsewhere.size

    def enough(self, given: Sequence[_Asked]) -> bool:
        """True if every worker has a chunk to check, and the first one another."""
        chunks = (len(self._names) + 1) * self._max_bytes
        return self._lines * sum(g.size for g in given) // self._read >= chunks

    def next(self, given: Sequence[_Asked]) -> str:
        """Who checks the next stretch, after those that are being checked; empty if that is all one."""
        if len(self._names) < 2:
            return ""
        begins = self._lines * (self._read + sum(g.size for g in given)) // self._read
        if (chunk := begins // self._max_bytes) != self._chunk:
            loads = Counter[str]()
            for one in given:
                loads[one.near] += one.size
            self._last = min(self._names, key=lambda n: (loads[n], self._chunks[n]))
            self._chunk = chunk
            self._chunks[self._last] += 1
        return self._last


class _Framing:
    """Has all of the source read in order by one worker, and knows where it can be divided so far."""

    def __init__(self, workers: Workers, task: Pass, places: Sequence[Place]) -> None:
        self._workers, self._task, self._places = workers, task, tuple(places)
        self._stretches = deque[Stretch]()
        self._answers, self._reached, self.digest = 0, 0, ""
        self._given: Given[Framed] | None = None
        self._give("")

    def _give(self, near: str) -> None:
        if not self.digest and self._given is None and len(self._stretches) < STRETCHES:
            self._given = self._workers.give(
                worker_frames.frame, self._task, self._places, self._answers, near=near, first=True
            )

    def _take(self) -> Framed:
        self._give("")
        assert self._given is not None  # noqa: S101 - asked for by who waits for more
        found, near = self._given.result(), self._given.worker
        self._given, self._answers = None, self._answers + 1
        self._stretches.extend(found.stretches)
        self._reached, self.digest = found.reached, found.digest
        self._give(near)
        return found

    def whole(self) -> frozenset[int]:
        """Files that only one task after the other can read; asked first."""
        return self._take().whole

    def next(self, end: int, *, wait: bool) -> Stretch | None:
        """The next stretch of the files before this one; None if there is no more, or, without `wait`, if it is not known yet."""
        while not self._stretches and self._reached < end and not self.digest:
            if not wait and not (self._given is not None and self._given.done()):
                self._give("")
                return None
            self._take()
        if not self._stretches or self._stretches[0].file >= end:
            return None
        return self._stretches.popleft()

    def read_on(self) -> None:
        """Take what is there, so that the worker reads on."""
        if self._given is not None and self._given.done():
            self._take()

    def end(self) -> None:
        """Wait until all is read."""
        while not self.digest:
            self._take()

    def cancel(self) -> None:
        """No more is wanted."""
        if self._given is not None:
            self._given.cancel()


class _Through:
    """Has one file read from its beginning to its end."""

    def __init__(self, workers: Workers, task: Pass, place: Place) -> None:
        self._workers, self._task, self._place = workers, task, place
        self._answers = deque[tuple[Looked, str]]()
        self._count, self._ended, self._near = 0, False, ""
        self._given: Given[Looked] | None = None
        self._accounts: int | None = None  # of the whole file: who begins anew gives the same answers

    def read_on(self, accounts: int) -> None:
        """Take what is there, and have more read; `accounts` counts from its beginning on."""
        if self._given is not None and self._given.done():
            self._take(self._given)
        self._give(accounts)

    def _give(self, accounts: int) -> None:
        if self._accounts is None:
            self._accounts = accounts
        if self._given is None and not self._ended and len(self._answers) < AHEAD:
            self._given = self._workers.give(
                worker_tasks.look_through,
                self._task,
                self._place,
                self._count,
                self._accounts,
                near=self._near,
            )

    def _take(self, given: Given[Looked]) -> None:
        found = given.result()
        self._answers.append((found, given.worker))
        self._count, self._ended, self._given, self._near = self._count + 1, found.last, None, given.worker

    def answer(self, accounts: int) -> tuple[Looked, str] | None:
        """The next answer, waited for; None after the last one."""
        if not self._answers and not self._ended:
            self._give(accounts)
            assert self._given is not None  # noqa: S101 - there are no answers that it would wait for
            self._take(self._given)
        return self._answers.popleft() if self._answers else None

    def cancel(self) -> None:
        """No more is wanted."""
        if self._given is not None:
            self._given.cancel()
