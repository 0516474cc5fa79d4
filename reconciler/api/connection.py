"""What goes over a connection, whoever uses it: headers with the token, GET alone where that is all, words for what goes wrong."""

import errno
import socket
import ssl
from collections.abc import Iterator, Sequence

from reconciler import __version__
from reconciler.api.answers import Answer, Verdict
from reconciler.api.libraries import httpx
from reconciler.api.proxy import Proxy, went_through
from reconciler.errors import ReconcilerError
from reconciler.origin import Origin
from reconciler.whole import whole

_TRUST = "if a proxy of your network inspects connections, set SSL_CERT_FILE to a file with its authority"
# What went wrong, by what is among the causes, the nearest one first; and what to do.
_CAUSES: tuple[tuple[type[BaseException], str, str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted", _TRUST),
    (ssl.SSLError, "no encrypted connection could be made", "check that the endpoint is the one for https"),
    (
        socket.gaierror,
        "the name of the host is not known",
        "check the endpoint, and the network's name server",
    ),
    (
        ConnectionRefusedError,
        "the connection was refused",
        "check host and port; behind a firewall, set HTTPS_PROXY",
    ),
)
# The same of a proxy: connections are made to it alone, and it looks up names and connects in its turn.
_PROXY_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (ssl.SSLCertVerificationError, "the certificate that came through it is not trusted"),
    (ssl.SSLError, "what came through it is no encrypted connection; it may answer with a page of its own"),
    (socket.gaierror, "the name of the proxy is not known"),
    (ConnectionRefusedError, "the proxy's host refused the connection"),
    (httpx.ConnectTimeout, "no connection to the proxy within the time limit"),
    # Whoever hangs up while the connection is encrypted may be noticed at any step of it, so by any of these.
    (ConnectionError, "it was closed while it was made; there is no encrypted connection"),
)
_FILES = (
    "this machine opens no further connection: too many files are open",
    "allow more open files (`ulimit -n 1024`)",
)
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection within the time limit"),
    (httpx.ConnectError, "no connection"),
    (httpx.TimeoutException, "no answer within the time limit"),
    (httpx.NetworkError, "the connection was lost"),
    (httpx.RemoteProtocolError, "the connection was closed early, or the answer is not HTTP"),
    (httpx.DecodingError, "the answer cannot be decompressed"),
)
_CHECK = "check the endpoint, the network and HTTPS_PROXY"
# What ends a request before a byte of it has left.
UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class GetOnly(httpx.BaseTransport):
    """A transport that refuses everything but GET before a byte leaves."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a GET on.

        Raises:
            RuntimeError: any other method; a read-only command tried to write.
        """
        if request.method != "GET":
            raise RuntimeError(f"read-only transport was asked to {request.method}")
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()


def headers(token: str) -> dict[str, str]:
    """The token goes out byte for byte, as the whole value (contract 1.2)."""
    return {
        "Authorization": token,
        "User-Agent": f"reconciler/{__version__}",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }


def check_token(token: str) -> str:
    """A token that can stand in a header.

    Raises:
        ReconcilerError: it is empty or has characters no header can carry; the value is not shown.
    """
    if not token or token != token.strip() or not token.isascii() or not token.isprintable():
        raise ReconcilerError(
            "the token is empty, has a blank at its beginning or end, or has characters that no HTTP header can carry",
            help="copy the token again; a token is one line",
        )
    return token


def server_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Only to the same one may a redirect be followed with the token (contract 12, 20)."""
    return url.scheme, url.host, url.port


def no_answer(origin: Origin, what: str, e: Exception) -> Answer:
    """The answer that a write did not get: whether it was sent, and why.

    Args:
        origin: of the platform.
        what: got no complete answer, in words.
        e: what ended it.
    """
    verdict = Verdict.LATER if isinstance(e, UNSENT) else Verdict.UNCLEAR
    return Answer(verdict, failure_words(origin, what, e), lost=connection_words(origin, e))


def failure_words(origin: Origin, what: str, e: Exception) -> str:
    """That a request got no complete answer, and why; where it was not sent, which connection could not be made.

    Args:
        origin: of the platform.
        what: got no complete answer, in words.
        e: what ended it.
    """
    through = f" through {found}" if (found := went_through(origin)) else ""
    begin = f"cannot connect to {origin.url}" if isinstance(e, UNSENT) else what
    return f"{begin}{through}: {connection_words(origin, e)}"


def connection_words(origin: Origin, e: Exception) -> str:
    """What went wrong with a connection, in words of our own: what a library says may quote a header or an address."""
    return connection_failure(e, went_through(origin))[0]


def connection_failure(e: Exception, through: Proxy | None = None) -> tuple[str, str]:
    """What went wrong with a connection, and what to do about it, in words of our own.

    Args:
        e: what ended it.
        through: the proxy that it went through.
    """
    causes = list(_chain(e))
    if any(isinstance(c, OSError) and c.errno in (errno.EMFILE, errno.ENFILE) for c in causes):
        return _FILES
    if through is not None and (words := _proxy_failure(e, causes, through)):
        return words
    for cause, said, todo in _CAUSES:
        if any(isinstance(c, cause) for c in causes):
            return said, todo
    return next((words for kind, words in _KINDS if isinstance(e, kind)), type(e).__name__), _CHECK


def _proxy_failure(e: Exception, causes: Sequence[BaseException], through: Proxy) -> tuple[str, str] | None:
    """Of a connection that could not be made; the proxy answers, and is answered for, by numbers alone."""
    name = through.asked_by
    check = f"check {name}; NO_PROXY lists hosts that are reached without a proxy"
    if isinstance(e, httpx.ProxyError):
        status = str(e)[:3] if whole(str(e)[:3]) is not None else ""
        if status == "407":
            told = (
                "does not accept the user and password"
                if through.signed_in
                else "asks for a user and a password"
            )
            return (
                f"the proxy {told} (407)",
                f"put them into {name}, like http://USER:PASSWORD@{through.shown.partition('://')[2]}",
            )
        return f"the proxy answered {status}" if status else "the proxy refused it", check
    if not isinstance(e, UNSENT):
        return None
    for cause, words in _PROXY_CAUSES:
        if any(isinstance(c, cause) for c in causes):
            return words, _TRUST if cause is ssl.SSLCertVerificationError else check
    return "no connection to the proxy", check


def _chain(e: BaseException | None) -> Iterator[BaseException]:
    while e is not None:
        yield e
        e = e.__cause__ or e.__context__
