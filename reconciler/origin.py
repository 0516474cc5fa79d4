"""Where requests go: an address is parsed once, into one value, and every decision about it is taken from that value.

Enters: text from a workspace file, a flag, a variable or a spec. Leaves: `Origin`, `LocalSandbox` or `SourceUrl`, or an error
that does not show what may be secret in the text. TLS, proxies, locks, ledger keys, plans and messages take these values
and no text. Pure.

    spelling                                        one origin
    HTTPS://Api.Example, https://api.example:443/   https://api.example
    http://127.0.0.1:8080, http://[::1]:8080        http://localhost:8080   (this machine, by whatever name)
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from reconciler.errors import ReconcilerError

SANDBOX = "sandbox:"
ANY_TOKEN = "sandbox"  # noqa: S105 - sent where none is configured: the sandbox takes any, unless it was told which
STORES = ("s3", "gs", "az")
_PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
# Compiled by `re` when first needed: most commands show or read few addresses.
_NAME = rf"{_LABEL}(?:\.{_LABEL})*"
_NUMERIC = r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)"  # a resolver reads such a name as an address
_PATH = r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*"
_SHOWN = r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>[^\s'\"<>]*)"


class BadAddress(ReconcilerError):
    """A text that is no address requests may go to."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A server that requests may go to: by https, or by http on this machine.

    `str()` gives its one name, the same for every spelling; `url` is where to connect.

    Attributes:
        scheme: https or http.
        host: in small letters; an IPv6 address without brackets.
        port: always a number.
        path: before the paths of the API; empty, or begins with a slash and does not end with one.
    """

    scheme: str
    host: str
    port: int
    path: str = ""

    def __post_init__(self) -> None:
        if self.scheme not in _PORTS:
            raise BadAddress("the address does not begin with https://", help="write it like https://host")
        if self.scheme == "http" and not self.loopback:
            raise BadAddress(
                "the address is plain HTTP; what is sent could be read by others", help="use https://"
            )

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """Read `scheme://host[:port][/path]`.

        Raises:
            BadAddress: anything else is there, or it is no address requests may go to.
        """
        scheme, authority, rest = _parts(text)
        if re.search(r"[?#]", rest):
            raise BadAddress(
                "the address holds a query or a fragment", help="remove everything from ? or # on"
            )
        path = rest.rstrip("/")
        if not re.fullmatch(_PATH, path):
            raise BadAddress(
                "the path of the address has characters or parts that have more than one spelling",
                help="letters, digits, '-', '_', '~' and '.' can stand between slashes",
            )
        host, port = _host_and_port(authority)
        return cls(scheme, host, port or _PORTS.get(scheme, 0), path)

    @property
    def loopback(self) -> bool:
        """True if it is this very machine."""
        return self.host == "localhost" or ((ip := _address(self.host)) is not None and ip.is_loopback)

    @property
    def url(self) -> str:
        """Where to connect, as written, but for spelling."""
        return self._spelt(f"[{self.host}]" if ":" in self.host else self.host)

    def __str__(self) -> str:
        return self._spelt("localhost") if self.loopback else self.url

    def _spelt(self, host: str) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    def serves(self, scheme: str, host: str, port: int | None) -> bool:
        """True if a redirect to there stays where it was asked."""
        return (scheme, host, port or _PORTS.get(scheme)) == (self.scheme, self.host, self.port)


@dataclass(frozen=True, slots=True)
class LocalSandbox:
    """The built-in sandbox, started on demand; where it listens is known once it runs."""

    def __str__(self) -> str:
        return SANDBOX


Endpoint = Origin | LocalSandbox


def endpoint(text: str, given: str = "endpoint:") -> Endpoint:
    """The value of `endpoint:` or `--endpoint`; `given` says which.

    Raises:
        BadAddress: it is neither `sandbox:` nor an address requests may go to.
    """
    if text == SANDBOX:
        return LocalSandbox()
    try:
        return Origin.parse(text)
    except BadAddress as e:
        meant = f"did you mean '{SANDBOX}'?" if text.strip(" :/").lower() == "sandbox" else e.help
        raise BadAddress(f"{given} cannot be used: {e}", help=meant) from None


class SourceUrl(NamedTuple):
    """A URL of a source, in two parts.

    Attributes:
        store: `s3://bucket`, or the origin's own URL.
        key: what is read there, without a slash before it; may be a pattern.
        server: the web server, or None for an object store.
    """

    store: str
    key: str
    server: Origin | None

    @classmethod
    def parse(cls, text: str) -> "SourceUrl":
        """Read a URL of a source; it holds neither an account nor a query, which would end up in plans and reports.

        Raises:
            BadAddress: it does, or is of a kind that cannot be read.
        """
        scheme, authority, rest = _parts(text)
        if scheme in STORES:
            if not authority:
                raise BadAddress("the URL names no bucket", help=f"write it like {scheme}://bucket/key")
            return cls(f"{scheme}://{authority}", rest.lstrip("/"), None)
        if scheme not in _PORTS:
            known = ", ".join(f"{s}://" for s in (*STORES, "https"))
            raise BadAddress(
                f"'{scheme}://' is not a source that can be read", help=f"known: {known}, or a path"
            )
        if re.search(r"[?#]", rest):
            raise BadAddress(
                "the URL holds a query, which would end up in plans and reports",
                help="give credentials by the environment; a signed URL expires before the next run anyway",
            )
        host, port = _host_and_port(authority)
        server = Origin(scheme, host, port or _PORTS[scheme])
        return cls(server.url, rest.lstrip("/"), server)


def _parts(text: str) -> tuple[str, str, str]:
    """Scheme in small letters, authority, and the rest from the first slash, `?` or `#` on."""
    found = re.fullmatch(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", text, re.DOTALL)
    if not found:
        raise BadAddress("it is not an address such as https://host", help="write it like https://host")
    if "@" in found[2]:
        raise BadAddress(
            "the address holds a user name or a password",
            help="remove everything up to the @; credentials are set apart from addresses",
        )
    if not found[2].isascii() or not found[2].isprintable() or re.search(r"[\s\\]", found[2]):
        raise BadAddress(
            "the host has characters that no host has",
            help="write a name with other letters in its ASCII form, xn--…, and check for blanks",
        )
    return found[1].lower(), found[2], found[3]


def _host_and_port(authority: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::([0-9]{1,5}))?", authority)
    if not found or (found[2] and not 0 < int(found[2]) < 65536):
        raise BadAddress(
            "the address has no host, or a port that is none", help="write it like https://host:8443"
        )
    return _host(found[1].lower()), int(found[2]) if found[2] else None


def _host(written: str) -> str:
    if written.startswith("[") or re.fullmatch(_NUMERIC, written):
        ip = _address(written.strip("[]"))
        if ip is None or (ip.version == 6) is not written.startswith("[") or getattr(ip, "ipv4_mapped", None):
            raise BadAddress(
                "the host is a number that is no usual IP address", help="write it like 192.0.2.1"
            )
        return str(ip)
    if not re.fullmatch(_NAME, written) or len(written) > 253:
        raise BadAddress(
            "the host is no name of a machine",
            help="letters, digits, '-' and '_' can stand between dots; none at the end",
        )
    return written


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def masked(text: str) -> str:
    """A text in which each URL shows neither account nor query; the one way to show a URL that was not parsed."""
    return re.sub(_SHOWN, lambda found: f"{found['scheme']}://{_without_secrets(found)}", text)


def masked_line(line: str) -> str:
    """A line of a file in which each URL shows neither; a password may hold what no URL can, blanks included."""
    start, scheme, rest = line.partition("://")
    if "@" not in rest:
        return masked(line)
    secret, _, shown = rest.rpartition("@")
    return masked(f"{start}{scheme}…@{shown}") if "?" not in secret else f"{start}{scheme}…"


def _without_secrets(found: "re.Match[str]") -> str:
    account, at, rest = found["rest"].rpartition("@")
    if "?" in account:  # the @ may be one of the query, or the ? one of the password
        return "…"
    shown, question, query = rest.partition("?")
    wildcard = found["scheme"].lower() in STORES and "=" not in query
    return ("…@" if at else "") + (rest if wildcard or not question else f"{shown}?…").partition("#")[0]
