"""Which proxy of the environment requests go through. Nothing but this module asks the environment for one."""

import os
import re
from dataclasses import dataclass, field
from urllib.request import getproxies, proxy_bypass

from reconciler.errors import ReconcilerError
from reconciler.origin import Origin

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<account>[^@/\s]*@)?"
    r"(?P<place>(?:[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,126}|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?)/?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and what asks for it.

    Attributes:
        url: with user and password, if it has them; never shown.
        shown: without them.
        asked_by: the variable, or what stands for one.
    """

    url: str = field(repr=False)
    shown: str
    asked_by: str

    @property
    def signed_in(self) -> bool:
        """True if the URL has a user."""
        return "@" in self.url

    def __str__(self) -> str:
        return f"the proxy {self.shown} (from {self.asked_by})"


def proxy(origin: Origin) -> Proxy | None:
    """HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY, unless NO_PROXY names the host; never to this machine.

    Raises:
        ReconcilerError: the value is not the URL of an HTTP proxy. Its text is not shown: it may hold a password.
    """
    if origin.loopback or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    proxies = getproxies()
    key = next((k for k in (origin.scheme, "all") if proxies.get(k)), None)
    if key is None:
        return None
    found, asked_by = proxies[key], _variable(key)
    value = found if "://" in found else f"http://{found}"
    read = _URL.fullmatch(value)
    if not read or int(read["port"] or 1) > 65_535:
        raise ReconcilerError(
            f"{asked_by} is not the URL of an HTTP proxy",
            help="for example http://proxy.example:3128; SOCKS proxies are not supported; NO_PROXY lists hosts that need none",
        )
    return Proxy(value, f"{read['scheme'].lower()}://{read['place']}", asked_by)


def _variable(key: str) -> str:
    """Small letters count before capitals, as in `getproxies`; other systems have settings beside variables."""
    for name in (f"{key}_proxy", f"{key}_proxy".upper()):
        if os.environ.get(name):
            return f"the environment variable {name}"
    return "the settings of this system"


def went_through(origin: Origin) -> Proxy | None:
    """The proxy that a request went through: what `proxy` said before it was sent."""
    try:
        return proxy(origin)
    except ReconcilerError:
        return None
