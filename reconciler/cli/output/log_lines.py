"""Structured logs: one JSON object a line, on stderr."""

from collections.abc import Callable

import msgspec

from reconciler.cli.output.console import say

Value = str | int | float | bool | None


class LogLines:
    """Writes lines with time, level and event, and whatever else there is."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now

    def info(self, event: str, **more: Value) -> None:
        """Something happened."""
        self._line("info", event, more)

    def failure(self, event: str, **more: Value) -> None:
        """Something went wrong."""
        self._line("error", event, more)

    def tell(self, text: str) -> None:
        """A line for people."""
        self._line("info", "message", {"message": text})

    def _line(self, level: str, event: str, more: dict[str, Value]) -> None:
        say(msgspec.json.encode({"at": self._now(), "level": level, "event": event, **more}).decode())
