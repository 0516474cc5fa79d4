"""`--events FILE`: one JSON event a line (`reconciler.model.event`), beside whatever else is shown."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from reconciler.cli.progress import Display
from reconciler.errors import UsageError
from reconciler.model import event as e
from reconciler.model.outcome import Outcome


class Events:
    """Passes everything on to another display, and writes it down."""

    def __init__(self, path: Path, inner: Display, now: Callable[[], str]) -> None:
        self._inner, self._now = inner, now
        self._lock = threading.Lock()
        try:
            self._file: IO[bytes] = path.open("ab")
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror}") from None

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def _write(self, event: e.AnyEvent) -> None:
        with self._lock:
            self._file.write(msgspec.json.encode(event) + b"\n")
            self._file.flush()

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A plan is being applied."""
        self._write(e.RunStarted(at=self._now(), run=run, plan_digest=plan_digest, actions=actions))
        self._inner.began(run, plan_digest, actions)

    def start(self, address: str, chunks: int, lines: int, size: int) -> None:
        """A load begins."""
        self._write(e.LoadStarted(at=self._now(), address=address, chunks=chunks, lines=lines, bytes=size))
        self._inner.start(address, chunks, lines, size)

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """Chunks were sent, or are done."""
        made = e.CHUNK_EVENTS[what]
        self._write(made(at=self._now(), address=address, chunks=chunks, lines=lines, bytes=size))
        self._inner.advance(address, what, chunks, lines, size)

    def say(self, address: str, message: str) -> None:
        """A line about a load."""
        self._write(e.Message(at=self._now(), address=address, message=message))
        self._inner.say(address, message)

    def scanned(self, source: str, lines: int) -> None:
        """Passed on only: it comes many times a second."""
        self._inner.scanned(source, lines)

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""
        self._ended(outcome)
        self._inner.finished(outcome)

    def unbegun(self, outcome: Outcome) -> None:
        """An action of a later wave was not begun."""
        self._ended(outcome)
        self._inner.unbegun(outcome)

    def _ended(self, outcome: Outcome) -> None:
        self._write(
            e.ActionFinished(
                at=self._now(),
                address=outcome.address,
                action=outcome.action,
                status=outcome.status.value,
                message=outcome.message,
                counts=outcome.counts,
            )
        )

    def wave(self, name: str, datamarts: int, state: str, why: str) -> None:
        """A wave of a rollout moved on."""
        self._write(e.WaveMoved(at=self._now(), wave=name, datamarts=datamarts, state=state, why=why))
        self._inner.wave(name, datamarts, state, why)

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        """The run ended; nothing comes after it."""
        self._write(e.RunFinished(at=self._now(), exit_code=exit_code, summary=dict(summary)))
        self._inner.ended(exit_code, summary)
        with self._lock:
            self._file.close()
