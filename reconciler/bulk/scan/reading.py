"""Where the segments of a pass over a source are read and checked: here, with processes that share the work, or elsewhere.

`Here` reads and hashes every byte in this process, in order; what becomes of a segment is decided by `reconciler.bulk.scan.check`,
in other processes where there are any. What is asked of one that was killed, or that does not begin, is done here: nothing of it was
used yet, and it comes to the same.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.chosen import Choice, Chosen, sent
from reconciler.bulk.scan.gathering import Take
from reconciler.bulk.scan.identifiers import Identifiers
from reconciler.bulk.scan.segment_records import contents_reader, lines_of
from reconciler.bulk.sources.segments import Segment, in_place, segments
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.load import Chunk
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import canonical, shape

THREADS = 2
AHEAD = 6  # segments that are being worked on at once


class Asked(NamedTuple):
    """What is asked of each segment beside its lines. Can be pickled.

    Attributes:
        contents: rejected records carry their data.
        look: the identifiers are looked at.
        schemas: profiles are compared with these.
        takes: what is taken of each.
    """

    contents: bool
    look: bool
    schemas: tuple[DatamartSchema, ...]
    takes: tuple[Take, ...]

    def checker(self, source: SourceDefinition) -> Callable[..., Batch]:
        """The function that answers it."""
        check = checker(source, contents=self.contents, look=self.look, schemas=self.schemas)
        contents = contents_reader(source) if self.contents else None

        def answer(segment: Segment, chosen: Chosen | None, *, accounts: bool) -> Batch:
            return sent(check(segment, accounts=accounts), segment, chosen, self.takes, contents)

        return answer


@dataclass(frozen=True, slots=True)
class Look:
    """What is asked of each segment beside its lines, and of how many of them."""

    identifiers: Identifiers | None = None
    _: KW_ONLY
    contents: bool = False
    schemas: Sequence[DatamartSchema] = ()
    takes: Sequence[Take] = ()

    @property
    def asked(self) -> Asked:
        """The same as a process can be told it."""
        return Asked(self.contents, self.identifiers is not None, tuple(self.schemas), tuple(self.takes))

    @property
    def accounts(self) -> int:
        """Of how many more lines the spellings of accounts are compared."""
        return 0 if self.identifiers is None else self.identifiers.left


class Reading(Protocol):
    """One pass over a source."""

    def batches(self, look: Look) -> Iterator[tuple[Segment, Batch]]:
        """Every segment with what became of it, in order; where it was read elsewhere, without its bytes.

        Raises:
            ReconcilerError: the source cannot be read.
        """

    def cut(self, chunks: Sequence[Chunk]) -> None:
        """So much is cut by now; digests that are missing can be made."""

    def digested(self, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """All chunks, with their digests.

        Raises:
            ReconcilerError: the source cannot be read again.
        """

    def source_digest(self) -> str:
        """Of what shapes the lines and of all that was read; asked after the last batch."""


class Here:
    """Reads in this process."""

    def __init__(
        self,
        root: Path,
        names: Sequence[str],
        source: SourceDefinition,
        workers: Executor | None = None,
        choice: Choice | None = None,
        *,
        digest: bool = True,
    ) -> None:
        self._choice = choice or Choice()
        self._root, self._names, self._source, self._workers = root, names, source, workers
        self._digest = SourceDigest(source)
        self._feed = self._digest.feed if digest else None

    def batches(self, look: Look) -> Iterator[tuple[Segment, Batch]]:
        """Every segment with what became of it, in order.

        Raises:
            ReconcilerError: the source cannot be read.
        """
        check = look.asked.checker(self._source)
        pieces = segments(self._root, self._names, self._source, feed=self._feed)
        if self._workers is None:
            for segment in pieces:
                yield segment, check(segment, self._chosen(segment), accounts=look.accounts > 0)
            return
        waiting: deque[tuple[Segment, Callable[[], Batch]]] = deque()
        with ThreadPoolExecutor(THREADS, thread_name_prefix="frames") as threads:
            for segment in pieces:
                if segment.frame is not None or segment.bad is not None:
                    # frames work without the interpreter's lock
                    future = threads.submit(check, segment, self._chosen(segment), accounts=look.accounts > 0)
                    waiting.append((segment, future.result))
                else:
                    waiting.append((segment, self._submit(self._workers, check, segment, look)))
                if len(waiting) >= AHEAD:
                    first, done = waiting.popleft()
                    yield first, done()
            for first, done in waiting:
                yield first, done()

    def _submit(
        self, workers: Executor, check: Callable[..., Batch], segment: Segment, look: Look
    ) -> Callable[[], Batch]:
        chosen, accounts = self._chosen(segment), look.accounts > 0
        future: Future[Batch] | None = None
        with suppress(BrokenExecutor):
            job = _job(segment, self._root, self._names, self._source)
            future = workers.submit(work, *job, chosen, look.asked, accounts)

        def answer() -> Batch:
            if future is not None:
                with suppress(BrokenExecutor):
                    return future.result()
            return check(segment, chosen, accounts=accounts)

        return answer

    def _chosen(self, segment: Segment) -> Chosen | None:
        """The lines that are sent of a segment, where lists name some; asked for every one, in order."""
        choice = self._choice
        return choice.of(segment, lines_of(segment, self._source)) if choice.made else None

    def cut(self, chunks: Sequence[Chunk]) -> None:
        """Nothing: who cuts digests, too."""

    def digested(self, chunks: Sequence[Chunk]) -> tuple[Chunk, ...]:
        """The same chunks."""
        return tuple(chunks)

    def source_digest(self) -> str:
        """Of what shapes the lines and of all that was read."""
        return self._digest.hexdigest()


def _job(
    segment: Segment, root: Path, names: Sequence[str], source: SourceDefinition
) -> tuple[SourceDefinition, Segment, str | None, int]:
    """What a process needs: where the bytes are, if it can read them there by itself; else the bytes."""
    if in_place(names[segment.file], source):
        return source, segment._replace(data=b""), str(root / names[segment.file]), len(segment.data)
    return source, segment, None, 0


def work(
    source: SourceDefinition,
    segment: Segment,
    path: str | None,
    size: int,
    chosen: Chosen | None,
    asked: Asked,
    accounts: bool,
) -> Batch:
    """Check one segment, in a process of its own.

    Args:
        source: how to read it.
        segment: whole rows of one place.
        path: of the local file to read the segment from; None if the segment holds its bytes.
        size: bytes to read there.
        chosen: which of its lines are sent; all of them if None.
        asked: what is wanted of it.
        accounts: the accounts that the lines name are returned, too.
    """
    if path is not None:
        with Path(path).open("rb") as file:
            file.seek(segment.offset)
            segment = segment._replace(data=file.read(size))
    return asked.checker(source)(segment, chosen, accounts=accounts)


class SourceDigest:
    """The source digest: what shapes the lines, then the decompressed bytes in path order."""

    def __init__(self, source: SourceDefinition) -> None:
        self._hash = hashlib.sha256(canonical(shape(source)) + b"\n")

    def feed(self, data: bytes) -> None:
        """More of the bytes."""
        self._hash.update(data)

    def hexdigest(self) -> str:
        """Of all that was fed."""
        return self._hash.hexdigest()
