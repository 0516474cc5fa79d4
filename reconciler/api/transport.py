"""How requests leave: TLS with the usual authorities (SSL_CERT_FILE and SSL_CERT_DIR count), through the environment's proxy.

Certificates are always checked: there is no way to say otherwise here. The TLS context is made once: making one takes thirty
milliseconds, and every connection of its own would.
"""

import functools
import ssl
from urllib.request import getproxies, proxy_bypass

import httpx

from reconciler.origin import Origin


def transport(origin: Origin) -> httpx.HTTPTransport:
    """A transport of its own for one connection at a time; never through a proxy to this machine."""
    return httpx.HTTPTransport(
        verify=_authorities() if origin.scheme == "https" else _nobody(), proxy=proxy(origin)
    )


@functools.cache
def _authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@functools.cache
def _nobody() -> ssl.SSLContext:
    """Trusts no certificate at all, for connections that see none; made at once."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def proxy(origin: Origin) -> str | None:
    """HTTPS_PROXY or HTTP_PROXY, unless NO_PROXY names the host."""
    if origin.loopback or proxy_bypass(origin.host):
        return None
    found = getproxies().get(origin.scheme)
    return found if not found or "://" in found else f"http://{found}"
