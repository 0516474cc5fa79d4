"""One limit for all of an answer: connecting, waiting and reading. Limits for each read alone never end a slow drip.

A connection serves one request at a time, so its transport, its backend and its streams share one deadline.
"""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore


class Deadline:
    """An instant after which nothing more is read or written; none until it is set."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._at: float | None = None

    def set(self, seconds: float | None) -> None:
        """Let it end in so many seconds; None for no end."""
        self._at = None if seconds is None else self._now() + seconds

    def within(self, timeout: float | None) -> float | None:
        """A timeout of one operation, shortened to what is left.

        Raises:
            httpcore.ReadTimeout: nothing is left.
        """
        if self._at is None:
            return timeout
        left = self._at - self._now()
        if left <= 0:
            raise httpcore.ReadTimeout("the whole answer took too long")
        return left if timeout is None else min(timeout, left)


class TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends by the deadline."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner, self._deadline = inner, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes."""
        return self._inner.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of them."""
        self._inner.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        """Close it."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Begin TLS."""
        inner = self._inner.start_tls(ssl_context, server_hostname, self._deadline.within(timeout))
        return TimedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        """What the connection below says."""
        return self._inner.get_extra_info(info)


class TimedBackend(httpcore.NetworkBackend):
    """Makes connections that end by the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._inner, self._deadline = httpcore.SyncBackend(), deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect.

        Args:
            host: name or address.
            port: of it.
            timeout: seconds for connecting alone.
            local_address: to connect from.
            socket_options: as `socket.setsockopt` takes them.
        """
        inner = self._inner.connect_tcp(
            host, port, self._deadline.within(timeout), local_address, socket_options
        )
        return TimedStream(inner, self._deadline)
