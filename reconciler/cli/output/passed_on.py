"""Listeners that pass on everything they are told: the base of those that write some of it down as well."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from reconciler.api.observer import Exchange, Observer
from reconciler.bulk.load.progress import Before
from reconciler.cli.output.progress import Display
from reconciler.model.outcome import Outcome


class PassedOnRequests:
    """Passes on what it is told of requests; see `Observer`."""

    def __init__(self, inner: Observer) -> None:
        self._inner = inner

    def begun(self, exchange: Exchange) -> None:
        """A request is sent."""
        self._inner.begun(exchange)

    def ended(self, exchange: Exchange) -> None:
        """It was answered, or not."""
        self._inner.ended(exchange)

    def retrying(self, what: str, attempt: int, wait: float, why: str) -> None:
        """It is sent again.

        Args:
            what: method and route template.
            attempt: number of the next try.
            wait: seconds until then.
            why: what the last try came to.
        """
        self._inner.retrying(what, attempt, wait, why)


class PassedOnDisplay:
    """Passes on what it is told of a run; see `Display`."""

    def __init__(self, inner: Display) -> None:
        self._inner = inner

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inner.__exit__(kind, error, trace)

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A plan is being applied."""
        self._inner.began(run, plan_digest, actions)

    def start(self, address: str, chunks: int, lines: int, size: int, before: Before) -> None:
        """A load begins, or is continued.

        Args:
            address: the load's address.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
            before: what of it earlier runs have done.
        """
        self._inner.start(address, chunks, lines, size, before)

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """Chunks were sent, or are done.

        Args:
            address: the load's address.
            what: what was done with them.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
        """
        self._inner.advance(address, what, chunks, lines, size)

    def say(self, address: str, message: str) -> None:
        """A line about a load."""
        self._inner.say(address, message)

    def scanned(self, source: str, lines: int) -> None:
        """A source was read so far; it comes many times a second."""
        self._inner.scanned(source, lines)

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""
        self._inner.finished(outcome)

    def unbegun(self, outcome: Outcome) -> None:
        """An action of a later wave was not begun."""
        self._inner.unbegun(outcome)

    def wave(self, name: str, datamarts: int, state: str, why: str) -> None:
        """A wave of a rollout moved on.

        Args:
            name: of the wave.
            datamarts: how many datamarts the wave has.
            state: that the wave enters.
            why: the reason; empty where there is none.
        """
        self._inner.wave(name, datamarts, state, why)

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        """The run ended; nothing comes after it."""
        self._inner.ended(exit_code, summary)
