"""`--events FILE`: one JSON event a line, beside whatever else is shown."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from reconciler.cli.progress import Display
from reconciler.errors import UsageError
from reconciler.model.outcome import Outcome


class Events:
    """Passes everything on to another display, and writes it down."""

    def __init__(self, path: Path, inner: Display, now: Callable[[], str]) -> None:
        self._inner, self._now = inner, now
        self._lock = threading.Lock()
        try:
            self._file: IO[str] = path.open("a", encoding="utf-8")
        except OSError as e:
            raise UsageError(f"cannot write {path}: {e.strerror}") from None

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._inner.__exit__(kind, error, trace)

    def _write(self, event: str, **fields: object) -> None:
        with self._lock:
            self._file.write(json.dumps({"at": self._now(), "event": event, **fields}) + "\n")
            self._file.flush()

    def start(self, address: str, chunks: int, lines: int, size: int) -> None:
        """A load begins."""
        self._write("load_started", address=address, chunks=chunks, lines=lines, bytes=size)
        self._inner.start(address, chunks, lines, size)

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """Chunks were sent, or are done."""
        self._write(f"chunk_{what}", address=address, chunks=chunks, lines=lines, bytes=size)
        self._inner.advance(address, what, chunks, lines, size)

    def say(self, address: str, message: str) -> None:
        """A line about a load."""
        self._write("message", address=address, message=message)
        self._inner.say(address, message)

    def scanned(self, source: str, lines: int) -> None:
        """Passed on only: it comes many times a second."""
        self._inner.scanned(source, lines)

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""
        self._write(
            "action_finished",
            address=outcome.address,
            action=outcome.action,
            status=outcome.status.value,
            message=outcome.message,
            counts=outcome.counts,
        )
        self._inner.finished(outcome)
