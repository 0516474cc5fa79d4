"""Composition root: the real clock, token, client, pools, ledger and lock. Everything below takes them as arguments."""

import datetime
import getpass
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from reconciler.api.client import Reader, Writer
from reconciler.api.pacing import Pace
from reconciler.api.presence import Clock
from reconciler.beneath import open_beneath
from reconciler.bulk.scan.spool import Spools
from reconciler.cli import user_command
from reconciler.cli.sandbox_process import ensure
from reconciler.errors import ReconcilerError
from reconciler.ledger.lock import Lock
from reconciler.origin import LocalSandbox, Origin
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.bulk.upload.commit_gate import CommitGate

INTERRUPT_TIMEOUT_S = 10.0  # how long requests in flight may take once the run is interrupted
LONGEST_FOLDER = 60  # characters
CREDENTIAL_S, CREDENTIAL_BYTES = 60.0, 1 << 16
SHORTEST_KEY = 32  # characters: a random key in hexadecimal of half the hash's size
CLOCK = Clock(time.monotonic, time.sleep, time.time)


def created_at() -> str:
    """Now, in UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - the one real clock


def who() -> str:
    """Who runs this, as the pipeline or the machine says."""
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CHANGE_AUTHOR"):
        if value := os.environ.get(name):
            return value
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    return f"{user}@{os.uname().nodename}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where this run talks to, and with what."""

    origin: Origin
    token: str


def target(root: Path, settings: Settings, token_file: Path | None) -> Target:
    """Resolve endpoint and token; starts the sandbox if it is the endpoint.

    Raises:
        ReconcilerError: no token is configured, or it cannot be read.
    """
    if isinstance(settings.endpoint, LocalSandbox):
        origin = Origin.parse(ensure(root))
        return Target(origin, token(root, settings, token_file, os.environ) or "sandbox")
    found = token(root, settings, token_file, os.environ)
    if found is None:
        raise ReconcilerError(
            "no API token is configured",
            help="set RECONCILER_TOKEN, give --token-file FILE, or set token: {env: NAME} in reconciler.yaml",
        )
    return Target(settings.endpoint, found)


def origin_key(root: Path, settings: Settings) -> str:
    """What ledger and lock know a platform by: its origin, or for the sandbox where it keeps its state."""
    where = settings.endpoint
    return f"{where}{root.resolve()}" if isinstance(where, LocalSandbox) else str(where)


def token(root: Path, settings: Settings, token_file: Path | None, environ: Mapping[str, str]) -> str | None:
    """The token: --token-file, RECONCILER_TOKEN, the workspace's `token:`, or `credential_command`; never shown.

    Raises:
        ReconcilerError: the named place does not hold one.
    """
    if token_file is not None:
        return _read(token_file)
    if value := environ.get("RECONCILER_TOKEN"):
        return value
    if settings.token_source is not None:
        return text_of("token", settings.token_source, root, environ)
    if settings.credential_command:
        return _run(settings.credential_command, root)
    return None


def plan_key(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """The key that plans are sealed with; None where the workspace has none, or its variable is not set.

    Raises:
        ReconcilerError: it is too short to be a key.
    """
    name = (settings.plan_key or {}).get("env", "")
    value = environ.get(name) or None
    if value is not None and len(value) < SHORTEST_KEY:
        raise ReconcilerError(
            f"the plan_key in the environment variable {name} has {len(value)} characters; at least {SHORTEST_KEY} are needed",
            help="make a random key, for example with `openssl rand -hex 32`",
        )
    return value


def text_of(
    what: str,
    value: str | Mapping[str, str],
    root: Path,
    environ: Mapping[str, str],
    *,
    inside: bool = False,
) -> str:
    """A text, or what a typed reference to one ({env: NAME}, {file: PATH}) stands for.

    Args:
        what: is read, for messages.
        value: the text or reference.
        root: paths are relative to it.
        environ: environment variables.
        inside: a file must really lie below the root, and be a regular one.

    Raises:
        ReconcilerError: it stands for nothing.
    """
    if isinstance(value, str):
        return value
    if path := value.get("file"):
        return _read(root / path, what, root if inside else None)
    name = value["env"]
    if not environ.get(name):
        raise ReconcilerError(f"the {what} is read from the environment variable {name}, which is not set")
    return environ[name]


def _read(path: Path, what: str = "token", root: Path | None = None) -> str:
    """The text of a file without the end of its last line; with a root, of a regular file beneath it."""
    try:
        with open_beneath(root, path) if root else path.open("rb") as file:
            return file.read().decode("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as e:
        raise ReconcilerError(
            f"cannot read the {what} from {path}: {getattr(e, 'strerror', 'not text')}"
        ) from None


def _run(command: tuple[str, ...], root: Path) -> str:
    name = f"the credential_command {command[0]!r}"
    try:
        done = user_command.run(command, root, CREDENTIAL_S, limit=CREDENTIAL_BYTES)
    except OSError as e:
        raise ReconcilerError(f"{name} cannot be run: {e.strerror}") from None
    if done.code != 0:
        raise ReconcilerError(f"{name} {done.why or f'ended with {done.code}'}")
    return done.out.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")


@contextmanager
def reader(where: Target, parallelism: int) -> Iterator[Reader]:
    """A connection that can emit nothing but GET."""
    made = Reader(where.origin, where.token, pace=Pace(parallelism))
    try:
        yield made
    finally:
        made.close()


@contextmanager
def writer(where: Target, parallelism: int) -> Iterator[Writer]:
    """A connection that can write."""
    made = Writer(where.origin, where.token, pace=Pace(parallelism))
    try:
        yield made
    finally:
        made.close()


@contextmanager
def threads(parallelism: int) -> Iterator[Executor]:
    """Threads for small requests."""
    pool = ThreadPoolExecutor(parallelism, thread_name_prefix="io")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def readers() -> Iterator[Executor]:
    """Processes that share the reading of a large source: one for each processor."""
    from reconciler.bulk.upload.processes import belong_to_coordinator, keep_freed_memory

    keep_freed_memory()
    count = max(2, min(8, os.cpu_count() or 1))
    pool = ProcessPoolExecutor(count, mp_context=_processes(), initializer=belong_to_coordinator)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _processes() -> Any:
    """How processes begin: small, and without threads or locks of this one."""
    here = (
        len(tempfile.gettempdir()) <= LONGEST_FOLDER
    )  # its socket lies there, and a socket's name has to be short
    if not here or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["reconciler.bulk.upload.job"])
    return context


def spools(root: Path) -> Spools:
    """Where sources that cannot be read twice are kept while they are loaded."""

    def resolve(what: str, value: str | Mapping[str, str], outside: bool) -> str:
        return text_of(what, value, root, os.environ, inside=not outside)

    return Spools(root / ".reconciler" / "spool", root, resolve)


class Senders:
    """Processes that make the bytes they send, started when first needed, and anew should one be killed."""

    def __init__(self, parallelism: int, lock: Lock) -> None:
        # Making lines takes a processor: many more processes than those would only take memory.
        self._count, self._lock = min(parallelism, max(4, os.cpu_count() or 1)), lock
        self._pool: ProcessPoolExecutor | None = None
        self._gate: CommitGate | None = None
        self._guard = threading.Lock()

    def get(self, gate: "CommitGate") -> Executor:
        """The pool; its processes ask this gate."""
        from reconciler.bulk.upload.job import prepare

        with self._guard:
            if self._pool is None or self._gate is not gate or getattr(self._pool, "_broken", False):
                if self._pool is not None:
                    self._pool.shutdown(wait=False)
                self._gate = gate
                self._pool = ProcessPoolExecutor(
                    self._count,
                    mp_context=_processes(),
                    initializer=prepare,
                    initargs=([str(p) for p in self._lock.sender_files], gate.channels(self._count)),
                )
            return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class Interrupt:
    """SIGINT and SIGTERM: the first lets the run end in order, within seconds; a second one ends it at once."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._event = threading.Event()
        self._told = told
        self._timer: threading.Timer | None = None
        self.code: int | None = None

    def stopping(self) -> bool:
        """True once nothing new may begin."""
        return self._event.is_set()

    def stop(self) -> None:
        """Let nothing new begin."""
        self._event.set()

    @contextmanager
    def installed(self) -> Iterator["Interrupt"]:
        """Handle the two signals for a while."""
        before = {s: signal.signal(s, self._handle) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            if self._timer is not None:
                self._timer.cancel()

    def _handle(self, number: int, _frame: FrameType | None) -> Any:
        if self.code is not None:
            self._end("stopped immediately")
        self.code = 130 if number == signal.SIGINT else 143
        self._event.set()
        self._told("interrupted: finishing requests in flight, starting nothing new; the state is saved")
        self._timer = threading.Timer(
            INTERRUPT_TIMEOUT_S,
            self._end,
            (f"requests did not end within {INTERRUPT_TIMEOUT_S:g} s; stopped",),
        )
        self._timer.daemon = True
        self._timer.start()

    def _end(self, why: str) -> None:
        """End the process, no less safely than a kill: all that was sent is in the journal."""
        self._told(f"{why}; run the same command again to continue")
        os._exit(self.code or 1)
