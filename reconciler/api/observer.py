"""Who is told of requests: method, route template, status and time; never a path, a query, a body or a token."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.kinds import paths


@dataclass(slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        method: of HTTP.
        route: template of the path, without identifiers.
        begun: monotonic seconds.
        status: of the answer; None while there is none, and where there was none.
        seconds: how long it took; 0 while it is not over.
        failure: why there was no answer, in words of ours.
        address: of the load whose chunk it uploads; empty of all other requests.
        chunk: index of that chunk, from 1; else 0.
    """

    method: str
    route: str
    begun: float
    status: int | None = None
    seconds: float = field(default=0.0)
    failure: str | None = None
    address: str = ""
    chunk: int = 0


class Observer(Protocol):
    """Told of every request. Called from many threads."""

    def begun(self, exchange: Exchange) -> None:
        """It is sent."""

    def ended(self, exchange: Exchange) -> None:
        """It was answered, or not."""

    def retrying(self, what: str, attempt: int, wait: float, why: str) -> None:
        """It is sent again.

        Args:
            what: method and route template.
            attempt: number of the next try; 2 is the first after a failed one.
            wait: seconds until then.
            why: what the last try came to.
        """


class Silent:
    """Told, and does nothing."""

    def begun(self, exchange: Exchange) -> None:
        """Nothing."""

    def ended(self, exchange: Exchange) -> None:
        """Nothing."""

    def retrying(self, what: str, attempt: int, wait: float, why: str) -> None:
        """Nothing.

        Args:
            what: method and route template.
            attempt: number of the next try.
            wait: seconds until then.
            why: what the last try came to.
        """


SILENT = Silent()


def named(method: str, path: str) -> str:
    """A request for messages: method and route template."""
    return f"{method} {paths.route(path)}"


@contextmanager
def observed(
    observer: Observer, method: str, path: str, address: str = "", chunk: int = 0
) -> Iterator[Exchange]:
    """One exchange; who carries it out sets status or failure.

    Args:
        observer: is told.
        method: of HTTP.
        path: of the request.
        address: of the load whose chunk it uploads.
        chunk: index of that chunk.
    """
    exchange = Exchange(method, paths.route(path), time.monotonic(), address=address, chunk=chunk)
    observer.begun(exchange)
    try:
        yield exchange
    finally:
        exchange.seconds = time.monotonic() - exchange.begun
        observer.ended(exchange)
