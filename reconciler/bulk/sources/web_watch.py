"""A limit for each step of one answer as a whole. `urllib` limits each read of the connection, and a server may send a byte now and then."""

import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

LOOK_S = 1.0  # between two looks at the clock
_OF_A_SHUT_CONNECTION = (OSError, http.client.HTTPException, ValueError, AttributeError)


class Watch:
    """Ends the connections of one answer when a step takes too long. A thread looks at the clock until `end`."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._until: float | None = None
        self._over, self._ended = threading.Event(), threading.Event()
        threading.Thread(target=self._look, daemon=True).start()

    def handler(self) -> urllib.request.BaseHandler:
        """For an opener, so that its connections are known."""
        return _Handler(self._sockets)

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """A step; the last one, if it fails.

        Args:
            seconds: that it may take.

        Raises:
            TimeoutError: it took longer.
        """
        self._until = time.monotonic() + seconds
        try:
            yield
        except BaseException as e:
            self.end()
            if not (self._over.is_set() and isinstance(e, _OF_A_SHUT_CONNECTION)):
                raise
        finally:
            self._until = None
        if self._over.is_set():
            self.end()
            raise TimeoutError

    def end(self) -> None:
        """No step follows."""
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            until = self._until
            if until is not None and time.monotonic() > until:
                self._over.set()
                for each in self._sockets:
                    with suppress(OSError):
                        each.shutdown(socket.SHUT_RDWR)


class _Known:
    """Of a connection: tells of its sockets, one of which may be that to a proxy."""

    sockets: list[socket.socket]
    _sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket | None:
        return self._sock

    @sock.setter
    def sock(self, made: socket.socket | None) -> None:
        self._sock = made
        if made is not None:
            self.sockets.append(made)


class _Handler(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    def __init__(self, sockets: list[socket.socket]) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._known(http.client.HTTPConnection), req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._known(http.client.HTTPSConnection), req)

    def _known(self, kind: type[http.client.HTTPConnection]) -> Any:
        return type("Known", (_Known, kind), {"sockets": self._sockets})
