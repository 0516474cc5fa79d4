"""SIGINT, SIGTERM and SIGHUP."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from reconciler.cli import exit_codes
from reconciler.cli.output.console import leave_closed_terminals

INTERRUPT_TIMEOUT_S = 10.0  # how long requests in flight may take once the run is interrupted


class Interrupt:
    """SIGINT, SIGTERM and SIGHUP: the first lets the run end in order, within seconds; a second one ends it at once."""

    def __init__(self, told: Callable[[str], None], at_end: Callable[[], None] = lambda: None) -> None:
        """Make one, of a run.

        Args:
            told: is told what happens.
            at_end: what is still done where the process ends at once.
        """
        self._event = threading.Event()
        self._told, self._at_end = told, at_end
        self._timer: threading.Timer | None = None
        self.code: int | None = None

    def stopping(self) -> bool:
        """True once nothing new may begin."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until nothing new may begin; True then."""
        return self._event.wait(seconds)

    def stop(self) -> None:
        """Let nothing new begin."""
        self._event.set()

    @contextmanager
    def installed(self) -> Iterator["Interrupt"]:
        """Handle the signals for a while; SIGHUP stays ignored where `nohup` has it so."""
        handled = [
            s for s in exit_codes.BY_SIGNAL if s != signal.SIGHUP or signal.getsignal(s) is not signal.SIG_IGN
        ]
        before = {s: signal.signal(s, self._handle) for s in handled}
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
        self.code = exit_codes.BY_SIGNAL[number]
        leave_closed_terminals()
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
        self._at_end()
        os._exit(self.code or 1)
