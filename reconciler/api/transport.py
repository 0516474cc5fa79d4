"""How requests leave: TLS with the usual authorities (SSL_CERT_FILE and SSL_CERT_DIR count), through the environment's proxy.

Certificates are always checked: there is no way to say otherwise here. The TLS context is made once: making one takes thirty
milliseconds, and every connection of its own would.
"""

import functools
import os
import ssl
from collections.abc import Callable
from pathlib import Path

from reconciler.api.deadline import Deadline, TimedBackend
from reconciler.api.libraries import httpx
from reconciler.api.proxy import proxy
from reconciler.api.receiving import BOUNDS
from reconciler.errors import ReconcilerError
from reconciler.origin import Origin


class Transport(httpx.HTTPTransport):
    """One connection, and the deadline of the answer that it waits for.

    A request may name the seconds that its answer may take in all, as the extension `within`; None for a caller that sets the
    deadline itself.
    """

    def __init__(self, verify: ssl.SSLContext, proxy: str | None) -> None:
        super().__init__(verify=verify, proxy=proxy)
        self.deadline = Deadline()
        self._pool._network_backend = TimedBackend(self.deadline)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the time begins."""
        self.deadline.set(request.extensions.get("within", BOUNDS.seconds))
        return super().handle_request(request)


def transport(origin: Origin) -> Transport:
    """A transport of its own for one connection at a time; never through a proxy to this machine.

    Raises:
        ReconcilerError: the environment names authorities or a proxy that cannot be used.
    """
    through = proxy(origin)
    return Transport(
        _authorities() if origin.scheme == "https" else _no_authority(), through.url if through else None
    )


@functools.cache
def _authorities() -> ssl.SSLContext:
    for name, what, usable in (
        ("SSL_CERT_FILE", "file", Path.is_file),
        ("SSL_CERT_DIR", "folder", Path.is_dir),
    ):
        if (value := os.environ.get(name)) and not _holds(usable, value):
            raise _unusable(name, f"does not name a {what} that can be read")
    try:
        return httpx.create_ssl_context()
    except (OSError, ValueError) as e:  # ssl.SSLError is an OSError; its words are those of a C library
        if (keys := os.environ.get("SSLKEYLOGFILE")) and getattr(e, "filename", None) == keys:
            words = "the environment variable SSLKEYLOGFILE does not name a file that can be written"
            raise ReconcilerError(words, help="unset it: keys of connections are logged there") from None
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        raise _unusable(name, "does not hold certificates in PEM format that can be read") from None


def _holds(usable: Callable[[Path], bool], value: str) -> bool:
    try:
        return usable(Path(value))
    except (OSError, ValueError):
        return False


def _unusable(name: str, why: str) -> ReconcilerError:
    return ReconcilerError(
        f"the environment variable {name} {why}: {os.environ.get(name, '')!r}",
        help=f"correct {name}, or unset it to use the usual authorities",
    )


@functools.cache
def _no_authority() -> ssl.SSLContext:
    """Trusts no certificate at all, for connections that see none; made at once."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
