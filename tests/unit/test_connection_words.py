"""What is said of a connection that fails: the nearest cause that is known, in words of our own."""

import errno
import socket
import ssl

import httpx
import pytest

from reconciler.api.connection import connection_failure, connection_words
from reconciler.origin import Origin

ORIGIN = Origin.parse("https://api.example")


def failed(kind: type[httpx.HTTPError], *causes: BaseException) -> httpx.HTTPError:
    """As httpx raises it: with the words of what it was raised from."""
    whole: BaseException | None = None
    for cause in reversed(causes):
        cause.__cause__ = whole
        whole = cause
    made = kind("token-and-address")  # type: ignore[arg-type]
    made.__cause__ = whole
    return made


@pytest.mark.parametrize(
    ("error", "words", "todo"),
    [
        (failed(httpx.ConnectError, ConnectionRefusedError(111, "x")), "the connection was refused", "port"),
        (failed(httpx.ConnectError, OSError("x"), socket.gaierror(-2, "x")), "name of the host", "endpoint"),
        (failed(httpx.ConnectError, ssl.SSLCertVerificationError("x")), "is not trusted", "SSL_CERT_FILE"),
        (failed(httpx.ConnectError, ssl.SSLError("x")), "no encrypted connection", "https"),
        (failed(httpx.ConnectError, OSError(errno.EMFILE, "x")), "too many files are open", "ulimit -n"),
        (failed(httpx.ConnectError, OSError(errno.ENFILE, "x")), "too many files are open", "ulimit -n"),
        (failed(httpx.ConnectError, OSError(errno.ENETUNREACH, "x")), "no connection", "the network"),
        (failed(httpx.ConnectError), "no connection", "the network"),
        (failed(httpx.ConnectTimeout), "no connection within the time limit", "the network"),
        (failed(httpx.ReadTimeout), "no answer within the time limit", "the network"),
        (failed(httpx.ReadError, ConnectionResetError(104, "x")), "the connection was lost", "the network"),
        (failed(httpx.ReadError, ssl.SSLError("x")), "no encrypted connection", "https"),
        (failed(httpx.RemoteProtocolError), "closed early", "the network"),
        (failed(httpx.DecodingError), "cannot be decompressed", "the network"),
        (failed(httpx.HTTPError), "HTTPError", "the network"),
    ],
)
def test_a_failure_and_what_to_do(error: httpx.HTTPError, words: str, todo: str) -> None:
    said, help_ = connection_failure(error)
    assert words in said
    assert todo in help_
    assert connection_words(ORIGIN, error) == said
    assert "token-and-address" not in said + help_


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(httpx.ConnectError) as found:
        httpx.get(f"http://127.0.0.1:{port}", trust_env=False)
    assert connection_words(ORIGIN, found.value) == "the connection was refused"
