"""The watcher's three pages over HTTP: `/metrics`, `/healthz`, `/readyz`. GET only; nothing can be asked of it but these."""

import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reconciler.errors import ReconcilerError, UsageError
from reconciler.whole import whole

# A page: status, content and content type.
Page = Callable[[], tuple[int, bytes, str]]
PLAIN = "text/plain; charset=utf-8"
SLOW_S = 10.0


def address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, [HOST]:PORT or :PORT; the host is 127.0.0.1 where none is given.

    Raises:
        UsageError: it is neither.
    """
    host, _, port = text.rpartition(":")
    number = whole(port)
    if number is None or number > 65535:
        raise UsageError(f"--listen {text!r} is not HOST:PORT", help="for example 127.0.0.1:9464")
    return host.strip("[]") or "127.0.0.1", number


@contextmanager
def serving(where: tuple[str, int], pages: Mapping[str, Page]) -> Iterator[str]:
    """Serve the pages for a while; the URL.

    Raises:
        ReconcilerError: the port cannot be used.
    """
    try:
        server = _Server(where, _handler(pages))
    except OSError as e:
        raise ReconcilerError(
            f"cannot listen on {where[0]}:{where[1]}: {e.strerror}",
            help="choose another address with --listen",
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.2,), daemon=True, name="pages")
    thread.start()
    host = f"[{where[0]}]" if ":" in where[0] else where[0]
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, where: tuple[str, int], handler: type[http.server.BaseHTTPRequestHandler]) -> None:
        if ":" in where[0]:
            import socket

            self.address_family = socket.AF_INET6
        super().__init__(where, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that left is no event."""


def _handler(pages: Mapping[str, Page]) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = SLOW_S  # of a client that sends nothing
        server_version, sys_version = "reconciler", ""

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, content, kind = page() if page else (404, b"not found\n", PLAIN)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            """What checks of load balancers send."""
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            """Nothing: scrapes are no events."""

    return Handler
