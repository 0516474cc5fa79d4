"""How requests leave: TLS with the usual authorities (SSL_CERT_FILE and SSL_CERT_DIR count), through the environment's proxy.

The TLS context is made once: making one takes thirty milliseconds, and every connection of its own would.
"""

import functools
import ssl
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx


def is_loopback(endpoint: str) -> bool:
    """True for 127.0.0.0/8, ::1 and localhost."""
    host = urlsplit(endpoint).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def transport(endpoint: str) -> httpx.HTTPTransport:
    """A transport of its own for one connection at a time; never through a proxy to this machine."""
    verify: ssl.SSLContext | bool = _tls() if endpoint.startswith("https:") else False
    return httpx.HTTPTransport(verify=verify, proxy=_proxy(endpoint))


@functools.cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def _proxy(endpoint: str) -> str | None:
    """HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY names the host."""
    parts = urlsplit(endpoint)
    if is_loopback(endpoint) or proxy_bypass(parts.hostname or ""):
        return None
    found = getproxies().get(parts.scheme)
    return found if not found or "://" in found else f"http://{found}"
