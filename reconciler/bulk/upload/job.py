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
from reconciler.api.uploads import Form, multipart, stream
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.chunker import blocks
from reconciler.bulk.upload.commit_gate import Channels, CommitChannel
from reconciler.bulk.upload.processes import belong_to_coordinator
from reconciler.errors import ReconcilerError
from reconciler.ledger.lock import hold_shared
from reconciler.model.load import Chunk
from reconciler.model.source import SourceDefinition
from reconciler.origin import Origin

# How long the remote may take to answer once all is sent. Past it the answer is unclear, and executions are looked for.
ANSWER_TIMEOUT = 120.0
_held: list[object] = []
_channel: list[CommitChannel] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything one upload needs.

    Attributes:
        name: the import's name; what the gate is asked for.
        path: URL path of the executions.
        timeout: total seconds for the write.
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
    return upload(job, _channel[0].may_commit)


def upload(job: Job, may_commit: Callable[[str], bool]) -> Answer:
    """Send one chunk once and classify the answer. Never raises for what the remote or the source did.

    Args:
        job: what to send.
        may_commit: asked with the job's name before the last block.
    """
    deadline = time.monotonic() + job.timeout
    form = (
        multipart(f"{job.name}.ndjson", f"rcl-{job.chunk.sha256}")
        if job.source.upload == "multipart"
        else Form()
    )
    size = len(form.before) + job.chunk.size + len(form.after)
    try:
        return stream(
            job.origin,
            job.path,
            job.token,
            _body(job, form, deadline, may_commit),
            size,
            form.content_type,
            ANSWER_TIMEOUT,
        )
    except (Withheld, ReconcilerError) as e:
        return Answer(Verdict.WITHHELD, str(e))


def _body(job: Job, form: Form, deadline: float, may_commit: Callable[[str], bool]) -> Iterator[bytes]:
    """The chunk's bytes; the last block comes only with leave.

    Raises:
        Withheld: it must not be finished.
    """
    digest = hashlib.sha256()
    held: bytes | None = None
    if form.before:
        yield form.before
    pieces = chunk_pieces(Path(job.root), job.files, job.source, job.chunk)
    with contextlib.closing(blocks(pieces)) as source:
        for block in source:
            if held is not None:
                yield held
            digest.update(block)
            held = block
    if held is None or digest.hexdigest() != job.chunk.sha256:
        raise Withheld("the source changed during the upload")
    if time.monotonic() > deadline:
        raise Withheld("the write's deadline has passed")
    if not may_commit(job.name):
        raise Withheld("the run is ending")
    yield held + form.after
