"""What a worker of a Dask cluster does: read a part of a source, or send one chunk, with the token that this machine has.

Nothing secret and nothing of a profile is among what it is handed or gives back: both pass the scheduler, and its dashboard.
"""

import functools
import hashlib
import os
import pickle
import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import reconciler
from reconciler.api.answers import Answer, Verdict
from reconciler.bulk.scan.worker_parts import FoundOtherwise
from reconciler.bulk.sent.digests import NotTheKey
from reconciler.bulk.sources import object_store
from reconciler.bulk.upload.job import Job, upload
from reconciler.bulk.upload.processes import keep_freed_memory
from reconciler.bulk.upload.rate import Share
from reconciler.cli.wiring import destination
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.ledger.lock import hold_shared
from reconciler.origin import ANY_TOKEN

OTHER_CODE = "it has another version of reconciler"
LEAVE, SHARES = "leave", "shares"  # what a worker asks its coordinator for
SHARE_ANSWER_S = 30.0  # nothing depends on it but time: bytes without the last block have no effect
_once = threading.Lock()
_held: list[object] = []
_tokens: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One try of one chunk.

    Attributes:
        job: what to send; without the token.
        credential: where the token is found on the worker.
        run: names the queue of questions; unlike that of any other run.
        ticket: what is asked for.
        limit: seconds after which an answer counts as a no.
        locks: files of the senders' lock, where coordinator and worker are on one machine.
    """

    job: Job
    credential: destination.Credential
    run: str
    ticket: str
    limit: float
    locks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an errand.

    Attributes:
        asker: who did it; one that an engine runs twice has two.
        unanswered: leave, or a share of the rate, was asked for, and nobody answered in time; so the last block was not sent.
    """

    asker: str
    answer: Answer
    unanswered: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a part of a source could not be read."""

    words: str
    help: str | None


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a task that reads, and which worker did it."""

    worker: str
    value: Any = None
    failure: Failure | None = None


@functools.cache
def own_code() -> str:
    """A digest of this program's own code, wherever it is installed: with other code, other lines might be made of the same source."""
    home, made = Path(reconciler.__file__).parent, hashlib.sha256()
    # A wheel has files beside the packages that `init` writes for users; they are not this program's.
    for path in sorted(p for p in home.rglob("*.py") if (p.parent / "__init__.py").exists()):
        made.update(f"{path.relative_to(home)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return made.hexdigest()


def packed(*job: Any) -> tuple[str, bytes]:
    """What a worker is handed: it looks at the code that it is of before it looks at what it is."""
    return own_code(), pickle.dumps(job)


def do(code: str, job: bytes) -> Done:
    """Do a task of `reconciler.bulk.scan.worker_frames` or `worker_tasks`. Raises nothing: an exception would be logged with its arguments.

    Args:
        code: that the coordinator has.
        job: the task and its arguments.
    """
    from distributed import get_worker

    worker = str(get_worker().address)
    if code != own_code():
        same = "install on every worker the version of reconciler that this machine has"
        return Done(worker, failure=Failure(f"on the worker {worker}: {OTHER_CODE}", same))
    keep_freed_memory()
    try:
        task, args = pickle.loads(job)  # noqa: S301 - of the coordinator, which may run any code here
        return Done(worker, task(*args))
    except FoundOtherwise as e:
        shared = "workers open the same paths as this machine: sources have to be on storage that all of them share, or in an object store"
        return Done(worker, failure=Failure(f"on the worker {worker}: {e}", shared))
    except (MissingExtra, NotTheKey) as e:
        return Done(worker, failure=Failure(f"on the worker {worker}: {e}", e.help))
    except ReconcilerError as e:
        return Done(worker, failure=Failure(str(e), e.help))
    except Exception as e:
        return Done(worker, failure=Failure(f"the worker {worker} failed: {type(e).__name__}", None))


@dataclass(slots=True)
class _Leave:
    errand: Errand
    asker: str = field(default_factory=lambda: secrets.token_hex(8))
    unanswered: bool = False

    def may_commit(self, _name: str) -> bool:
        """Ask the coordinator by queues of the scheduler. Silence, a lost connection and an answer that is late are a no."""
        return bool(self._answered(LEAVE, self.errand.limit))

    def next_share(self) -> Share | None:
        """What may leave next, and when; None also if nobody answers in time."""
        found = self._answered(SHARES, SHARE_ANSWER_S)
        return None if found is None else Share(*found)

    def _answered(self, what: str, limit: float) -> Any:
        begun = time.monotonic()
        try:
            from distributed import get_client

            client = get_client(timeout=limit)
            found = client.sync(_ask, client, self.errand, what, self.asker, limit, callback_timeout=limit)
        except Exception:
            self.unanswered = True
            return None
        self.unanswered = time.monotonic() - begun > limit
        return None if self.unanswered else found


def send(code: str, job: bytes) -> Sent:
    """Send one chunk once. Raises nothing: an exception would be logged with its arguments.

    Args:
        code: that the coordinator has.
        job: the errand.
    """
    if code != own_code():
        return Sent("", Answer(Verdict.SITUATION, f"a worker of the cluster could not begin: {OTHER_CODE}"))
    (errand,) = pickle.loads(job)  # noqa: S301 - of the coordinator, which may run any code here
    return upload_on_worker(errand)


def upload_on_worker(errand: Errand) -> Sent:
    """Send one chunk once. Raises nothing: an exception would be logged with its arguments."""
    leave = _Leave(errand)
    object_store.forget()  # this process may outlive the command before, and objects be replaced since
    try:
        _prepare(errand.locks)
        answer = upload(replace(errand.job, token=_token(errand)), leave.may_commit, leave.next_share)
    except ReconcilerError as e:
        answer = Answer(Verdict.SITUATION, f"a worker of the cluster could not begin: {e}")
    except Exception as e:
        answer = Answer(Verdict.UNCLEAR, f"a worker of the cluster failed: {type(e).__name__}")
    return Sent(leave.asker, answer, leave.unanswered)


def _prepare(locks: tuple[str, ...]) -> None:
    with _once:
        if not _held:
            keep_freed_memory()
            _held.extend(hold_shared([Path(p) for p in locks]) or [None])


def _token(errand: Errand) -> str:
    """The token as this machine has it; read once for each run, since a command may take long."""
    with _once:
        if errand.run not in _tokens:
            found = destination.token(
                Path(errand.job.root), errand.credential, errand.credential.file, os.environ
            )
            if found is None and not errand.credential.any_token:
                raise ReconcilerError("it has no API token; set RECONCILER_TOKEN in its environment")
            _tokens.clear()
            _tokens[errand.run] = found or ANY_TOKEN
        return _tokens[errand.run]


def question_queue(run: str, what: str) -> str:
    """The name of the queue by which all workers ask."""
    return f"{run}-{what}"


def answer_queue(run: str, what: str, asker: str) -> str:
    """The name of the queue by which one of them is answered; one for each thing, so that an answer is to what was asked."""
    return f"{run}-{what}-{asker}"


async def _ask(client: Any, errand: Errand, what: str, asker: str, limit: float) -> Any:
    from distributed import Queue

    replies = await Queue(answer_queue(errand.run, what, asker), client=client)
    try:
        questions = await Queue(question_queue(errand.run, what), client=client)
        await questions.put([errand.ticket, asker])
        return await replies.get(timeout=limit)
    finally:
        replies.close()
