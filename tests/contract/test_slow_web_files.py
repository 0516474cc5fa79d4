"""Files of a web server that sends a byte now and then: each step has a limit as a whole, whatever the step."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from reconciler.bulk.sources import web, web_watch
from reconciler.errors import ReconcilerError

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
ROWS = b"id,tier\n" + b"u1,gold\n" * 2000
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def drip(head: bytes, more: bytes | list[bytes]) -> Iterator[bytes]:
    """All of the head at once, then byte after byte."""
    yield head
    for byte in itertools.cycle(more):
        time.sleep(0.05)
        yield byte if isinstance(byte, bytes) else bytes([byte])


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[], Iterator[bytes]]], str]]:
    for module, name, value in (
        (web, "TIMEOUT", 1.0),
        (web, "OPENING_S", 1.0),
        (web, "SLOWEST", 1e6),
        (web_watch, "LOOK_S", 0.05),
    ):
        monkeypatch.setattr(module, name, value)
    listeners = []

    def serve(answer: Callable[[], Iterator[bytes]]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=send, args=(connection,), daemon=True).start()

        def send(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.recv(65536)
                for block in answer():
                    connection.sendall(block)

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/a.csv"

    yield serve
    for each in listeners:
        each.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda: drip(b"HTTP/1.1 200 OK\r\nX: ", b"a"), id="a header"),
        pytest.param(lambda: drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="100 Continue without end"),
        pytest.param(
            lambda: iter(lambda: (time.sleep(0.01), b"HTTP/1.1 100 Continue\r\n\r\n")[1], None),
            id="many 100 Continue",
        ),
        pytest.param(lambda: drip(HEAD + b"Content-Length: 99999\r\n\r\nid,tier\n", b"u"), id="a body"),
        pytest.param(lambda: drip(HEAD + b"\r\nid,tier\n", b"u"), id="a body that ends by closing"),
        pytest.param(lambda: drip(CHUNKED + b"8\r\nid,tier\n\r\n", b"1\r\nu\r\n"), id="small chunks"),
        pytest.param(lambda: drip(CHUNKED + b"8\r\nid,tier\n\r\n1;", b"x"), id="the size of a chunk"),
        pytest.param(lambda: drip(HEAD + b"Content-Length: 9\r\n\r\n", [b""]), id="nothing"),
    ],
)
def test_it_ends_with_words(answer: Callable[[], Iterator[bytes]], served: Callable[..., str]) -> None:
    begun = time.monotonic()
    with pytest.raises(ReconcilerError, match="the server sends too slowly"):
        read(served(answer))
    assert time.monotonic() - begun < 20


def read(url: str) -> None:
    with web.open_url(url) as file:
        while file.read(1 << 20):
            pass


@pytest.mark.parametrize("kind", ["length", "chunked", "closing"])
def test_a_file_that_is_read_slowly_is_whole(kind: str, served: Callable[..., str]) -> None:
    """What the reader does between two reads is not the server's time."""
    head = {"length": HEAD + b"Content-Length: %d\r\n\r\n" % len(ROWS), "chunked": CHUNKED, "closing": HEAD + b"\r\n"}[kind]  # fmt: skip
    body = b"".join(
        b"%x\r\n%s\r\n" % (len(ROWS[n : n + 999]), ROWS[n : n + 999]) for n in range(0, len(ROWS), 999)
    )

    def answer() -> Iterator[bytes]:
        yield head
        yield body + b"0\r\n\r\n" if kind == "chunked" else ROWS

    found = bytearray()
    with web.open_url(served(answer)) as file:
        while block := file.read(4000):
            found += block
            time.sleep(0.4)
    assert bytes(found) == ROWS


def test_no_thread_is_left(served: Callable[..., str]) -> None:
    before = threading.active_count()

    def answer() -> Iterator[bytes]:
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(ROWS) + ROWS

    url = served(answer)
    for _ in range(5):
        with web.open_url(url) as file:
            file.read()
    deadline = time.monotonic() + 10
    while threading.active_count() > before + 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert threading.active_count() <= before + 1  # the server's
