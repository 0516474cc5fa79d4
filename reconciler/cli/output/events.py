"""`--events FILE`: one JSON event a line (`reconciler.model.event`), beside whatever else is shown."""

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from reconciler.bulk.load.progress import Before
from reconciler.cli.output import output_file
from reconciler.cli.output.console import say
from reconciler.cli.output.passed_on import PassedOnDisplay
from reconciler.cli.output.progress import Display
from reconciler.errors import DiskFailed
from reconciler.model import event as e
from reconciler.model.foreign import plain_json
from reconciler.model.outcome import Outcome


class Events(PassedOnDisplay):
    """Passes everything on to another display, and writes it down."""

    def __init__(self, path: Path, inner: Display, now: Callable[[], str]) -> None:
        super().__init__(inner)
        self._now = now
        self._lock = threading.Lock()
        self._path, self._descriptor = path, output_file.open_to_append(path)
        self._failed: DiskFailed | None = None
        self._begun = False

    def _write(self, event: e.AnyEvent) -> None:
        """The first that cannot be written is told and is the last: a run that writes to the platform goes on without."""
        with self._lock:
            if self._failed is not None:
                return
            try:
                line = plain_json(msgspec.json.encode(event).decode())
                output_file.write_all(self._descriptor, f"{line}\n".encode())
            except OSError as error:
                self._failed = DiskFailed.of("write", self._path, error)
        if self._failed is not None:
            say(f"{self._failed}; no further events are written")

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A plan is being applied.

        Raises:
            DiskFailed: the event cannot be written; nothing was sent yet.
        """
        self._write(e.RunStarted(at=self._now(), run=run, plan_digest=plan_digest, actions=actions))
        if self._failed is not None and not self._begun:
            raise self._failed
        self._begun = True
        super().began(run, plan_digest, actions)

    def start(self, address: str, chunks: int, lines: int, size: int, before: Before) -> None:
        """A load begins, or is continued.

        Args:
            address: the load's address.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
            before: what of it earlier runs have done.
        """
        self._write(
            e.LoadStarted(
                at=self._now(),
                address=address,
                chunks=chunks,
                lines=lines,
                bytes=size,
                sent_before=before.sent,
                done_before=before.done,
            )
        )
        super().start(address, chunks, lines, size, before)

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """Chunks were sent, or are done.

        Args:
            address: the load's address.
            what: what was done with them.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
        """
        made = e.CHUNK_EVENTS[what]
        self._write(made(at=self._now(), address=address, chunks=chunks, lines=lines, bytes=size))
        super().advance(address, what, chunks, lines, size)

    def say(self, address: str, message: str) -> None:
        """A line about a load."""
        self._write(e.Message(at=self._now(), address=address, message=message))
        super().say(address, message)

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""
        self._ended(outcome)
        super().finished(outcome)

    def unbegun(self, outcome: Outcome) -> None:
        """An action of a later wave was not begun."""
        self._ended(outcome)
        super().unbegun(outcome)

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
        """A wave of a rollout moved on.

        Args:
            name: of the wave.
            datamarts: how many datamarts the wave has.
            state: that the wave enters.
            why: the reason; empty where there is none.
        """
        self._write(e.WaveMoved(at=self._now(), wave=name, datamarts=datamarts, state=state, why=why))
        super().wave(name, datamarts, state, why)

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        """The run ended; nothing comes after it."""
        self._write(e.RunFinished(at=self._now(), exit_code=exit_code, summary=dict(summary)))
        super().ended(exit_code, summary)
        with self._lock:
            os.close(self._descriptor)
