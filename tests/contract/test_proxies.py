"""A proxy that fails is named, with the variable that asks for it and without user and password; the endpoint is not blamed."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from reconciler.api import client
from reconciler.api.answers import Verdict
from reconciler.api.client import Reader, Writer
from reconciler.api.proxy import proxy
from reconciler.api.uploads import stream
from reconciler.bulk.sources.web import open_url
from reconciler.errors import ReadFailed, ReconcilerError
from reconciler.origin import Origin

ORIGIN = Origin.parse("https://api.example")
PASSWORD = "s3cret-passw0rd"
NAMES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")

PAGE = b"<html>Sign in</html>"
ANSWERS = {
    "signs in": b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
    "refuses": b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n" + PAGE,
    "a page": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 20\r\n\r\n" + PAGE,
    "closes": b"",
    "is no proxy": b"220 mail.example ESMTP\r\n",
    "hangs up": b"HTTP/1.1 200 OK\r\n\r\n",
}


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setattr(client.Reader, "attempts", 1)


@contextmanager
def listening(answer: bytes, rude: bool = False) -> Iterator[int]:
    """A port where every connection gets this answer to its first request; a rude one is reset when more comes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    connection.recv(4096)
                    connection.sendall(answer)
                    if rude:
                        connection.recv(1)
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        continue
                    # What the client sends is read: closed with bytes unread, a connection is reset, and the answer may be lost.
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def read() -> ReadFailed:
    with closing(Reader(ORIGIN, "token")) as reader, pytest.raises(ReadFailed) as failed:
        reader.get("/v1/datamarts")
    return failed.value


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("how", "words", "todo"),
    [
        ("signs in", "does not accept the user and password (407)", "USER:PASSWORD@"),
        ("refuses", "the proxy answered 502", "NO_PROXY"),
        ("a page", "no encrypted connection", "NO_PROXY"),
        ("closes", "no complete answer through the proxy", ""),
        ("is no proxy", "no complete answer through the proxy", ""),
        ("hangs up", "there is no encrypted connection", "NO_PROXY"),
        ("refused", "the proxy's host refused the connection", "NO_PROXY"),
        ("unknown", "the name of the proxy is not known", "NO_PROXY"),
    ],
)
def test_a_proxy_that_fails(
    monkeypatch: pytest.MonkeyPatch, variable: str, how: str, words: str, todo: str
) -> None:
    with listening(ANSWERS.get(how, b""), rude=how == "hangs up") as port:
        place = {"refused": f"127.0.0.1:{closed_port()}", "unknown": "proxy.invalid:3128"}.get(
            how, f"127.0.0.1:{port}"
        )
        monkeypatch.setenv(variable, f"http://me:{PASSWORD}@{place}")
        failed = read()
        said, advice = str(failed), failed.help or ""
        assert f"the proxy http://{place} (from the environment variable {variable})" in said
        assert words in said
        assert todo in advice
        assert (variable in advice) or not todo
        with closing(Writer(ORIGIN, "token")) as writer:
            wrote = writer.send("POST", "/v1/datamarts/1/document_imports", {})
        sent = stream(ORIGIN, "/x", "token", iter([b"line"]), 4, "text/plain", 5.0)
        unsent = "no complete answer" not in said
        for answer in (wrote, sent):
            assert (answer.verdict is Verdict.LATER) == unsent
            assert f"the proxy http://{place}" in answer.message
            assert words in answer.message or not unsent
        for text in (said, advice, wrote.message, sent.message, repr(proxy(ORIGIN))):
            assert PASSWORD not in text
            assert "me:" not in text


def test_a_proxy_that_asks_for_a_user_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(ANSWERS["signs in"]) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{port}")
        assert "the proxy asks for a user and a password (407)" in str(read())


@pytest.mark.parametrize(
    ("environment", "used"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "proxy.corp:3128"}, "http://proxy.corp:3128"),
        ({"HTTP_PROXY": "proxy.corp:3128"}, None),
        ({"ALL_PROXY": "proxy.corp:3128"}, "http://proxy.corp:3128"),
        ({"ALL_PROXY": "proxy.corp:3128", "HTTPS_PROXY": "https://other:1"}, "https://other:1"),
        ({"ALL_PROXY": "socks5://proxy.corp:1080", "HTTPS_PROXY": "other:1"}, "http://other:1"),
        ({"HTTPS_PROXY": "proxy.corp:3128", "NO_PROXY": "api.example"}, None),
        ({"HTTPS_PROXY": "proxy.corp:3128", "NO_PROXY": "x.example, .example"}, None),
        ({"HTTPS_PROXY": "proxy.corp:3128", "NO_PROXY": "api.example:443"}, None),
        ({"HTTPS_PROXY": "proxy.corp:3128", "NO_PROXY": "api.example:8443"}, "http://proxy.corp:3128"),
        ({"HTTPS_PROXY": "proxy.corp:3128", "NO_PROXY": "*"}, None),
        ({"ALL_PROXY": "proxy.corp:3128", "NO_PROXY": "other.example"}, "http://proxy.corp:3128"),
    ],
)
def test_which_proxy_is_used(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], used: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy(ORIGIN)
    assert (found.url if found else None) == used
    assert proxy(Origin.parse("http://127.0.0.1:8089")) is None
    assert proxy(Origin.parse("https://localhost")) is None


def test_a_proxy_of_another_kind_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5://me:{PASSWORD}@proxy.corp:1080")
    with pytest.raises(ReconcilerError, match="ALL_PROXY") as refused:
        proxy(ORIGIN)
    assert PASSWORD not in f"{refused.value} {refused.value.help}"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("how", "words"),
    [("signs in", "the proxy answered 407"), ("refuses", "the proxy answered 502"), ("refused", "refused")],
)
def test_a_source_of_a_web_server_behind_a_proxy_that_fails(
    monkeypatch: pytest.MonkeyPatch, variable: str, how: str, words: str
) -> None:
    with listening(ANSWERS.get(how, b"")) as port:
        place = f"127.0.0.1:{closed_port() if how == 'refused' else port}"
        monkeypatch.setenv(variable, f"http://me:{PASSWORD}@{place}")
        with pytest.raises(ReconcilerError) as failed:
            open_url("https://files.example/a.csv")
    said = str(failed.value)
    assert "https://files.example/a.csv" in said
    assert f"through the proxy http://{place} (from the environment variable {variable})" in said
    assert words in said
    assert PASSWORD not in said
