"""One chunk = one job: picklable, run in a sending process, keeps no state.

It reads the source again from the chunk's start, streams it in blocks of 256 KiB with a Content-Length, and withholds
the last block until the running digest equals the name's, the deadline has not passed and the coordinator gives leave.
"""

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.api.answers import Answer, Verdict
from reconciler.api.uploads import SLOWEST, Form, multipart, stream
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.chunker import blocks
from reconciler.bulk.upload.commit_gate import Channels, CommitChannel
from reconciler.bulk.upload.processes import belong_to_coordinator
from reconciler.bulk.upload.rate import Allowance, NextShare
from reconciler.errors import ReconcilerError
from reconciler.ledger.lock import hold_shared
from reconciler.model.load import Chunk
from reconciler.model.source import SourceDefinition
from reconciler.origin import Origin

# How long the remote may take to answer once all is sent. Past it the answer is unclear, and executions are looked for.
ANSWER_TIMEOUT = 120.0
ENDING = "the run is ending"
_held: list[object] = []
_channel: list[CommitChannel] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything one upload needs.

    Attributes:
        name: the import's name; what the gate is asked for.
        path: URL path of the executions.
        timeout: seconds for the write, beside those that its bytes need at `SLOWEST`.
        limited: shares of the run's rate are asked for.
    """

    name: str
    origin: Origin
    path: str
    token: str = field(repr=False)
    root: str
    files: tuple[str, ...]
    source: SourceDefinition
    chunk: Chunk
    timeout: float
    limited: bool = False


class Withheld(Exception):
    """The last block was not sent, on purpose."""


def prepare(sender_locks: list[str], channels: Channels) -> None:
    """Initialise a sending process: it holds the shared lock for as long as it lives, and has a channel to its coordinator.

    Raises:
        DiskFailed: a lock file cannot be opened.
    """
    _held.extend(hold_shared([Path(p) for p in sender_locks]))
    belong_to_coordinator()
    _channel.append(CommitChannel(channels))


def upload_in_process(job: Job) -> Answer:
    """`upload`, in a sending process."""
    return upload(job, _channel[0].may_commit, _channel[0].next_share)


def upload(job: Job, may_commit: Callable[[str], bool], next_share: NextShare) -> Answer:
    """Send one chunk once and classify the answer. Never raises for what the remote or the source did.

    Args:
        job: what to send.
        may_commit: asked with the job's name before the last block.
        next_share: asked before other blocks, if the job is limited.
    """
    form = (
        multipart(f"{job.name}.ndjson", f"rcl-{job.chunk.sha256}")
        if job.source.upload == "multipart"
        else Form()
    )
    size = len(form.before) + job.chunk.size + len(form.after)
    deadline = time.monotonic() + job.timeout + size / SLOWEST
    allowance = Allowance(next_share if job.limited else None, time.sleep, time.monotonic)
    try:
        return stream(
            job.origin,
            job.path,
            job.token,
            _body(job, form, deadline, may_commit, allowance),
            size,
            form.content_type,
            ANSWER_TIMEOUT,
        )
    except (Withheld, ReconcilerError) as e:
        return Answer(Verdict.WITHHELD, str(e))


def _body(
    job: Job, form: Form, deadline: float, may_commit: Callable[[str], bool], allowance: Allowance
) -> Iterator[bytes]:
    """The chunk's bytes; the last block comes only with leave, and with its share of the rate already there.

    Raises:
        Withheld: it must not be finished.
    """

    def may_leave(block: bytes) -> bytes:
        if not allowance.wait_for(len(block)):
            raise Withheld(ENDING)
        if time.monotonic() > deadline + allowance.waited:
            raise Withheld("the write's deadline has passed")
        return block

    digest = hashlib.sha256()
    held: bytes | None = None
    if form.before:
        yield may_leave(form.before)
    pieces = chunk_pieces(Path(job.root), job.files, job.source, job.chunk)
    with contextlib.closing(blocks(pieces)) as source:
        for block in source:
            if held is not None:
                yield may_leave(held)
            digest.update(block)
            held = block
    if held is None or digest.hexdigest() != job.chunk.sha256:
        raise Withheld("the source changed during the upload")
    last = may_leave(held + form.after)
    if not may_commit(job.name):
        raise Withheld(ENDING)
    yield last
