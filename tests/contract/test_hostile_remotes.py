"""Reads and writes against remotes that never end, never fit or never come: each ends, in time, and is never an absence (G6)."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import stamina

from reconciler.api import pages, resources, uploads
from reconciler.api.answers import Verdict
from reconciler.api.client import Reader, Writer
from reconciler.api.receiving import Bounds
from reconciler.api.uploads import stream
from reconciler.model.listing import Unlisted
from reconciler.origin import Origin
from tests.support.hostile import FATES, Hostile

SMALL = Bounds(bytes=1 << 20, values=50_000, seconds=0.4)
PATIENT = Bounds(bytes=1 << 20, values=50_000, seconds=20)
SLOW = {"drip", "slow headers", "silence"}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pages, "MAX_PAGES", 60)
    monkeypatch.setattr(pages, "MAX_ROWS", 3_000)
    monkeypatch.setattr(pages, "MAX_BYTES", 1 << 20)
    stamina.set_testing(True, attempts=1)
    yield
    stamina.set_testing(False)


@pytest.mark.parametrize("fate", FATES)
def test_every_read_ends_and_is_no_absence(fate: str) -> None:
    remote = Hostile(fate, pause=0.02)
    reader = Reader(Origin.parse(remote.url), "token", bounds=SMALL if fate in SLOW else PATIENT)
    begun = time.monotonic()
    try:
        found = resources.compartments(reader, "1185")
    finally:
        reader.close()
        remote.stop()
    assert isinstance(found, Unlisted)
    assert "xxxx" not in found.reason
    assert time.monotonic() - begun < 10


ONE_ANSWER = [fate for fate in FATES if not fate.startswith("endless list")]


@pytest.mark.parametrize("fate", ONE_ANSWER)
def test_every_write_ends_and_proves_nothing(fate: str) -> None:
    remote = Hostile(fate, pause=0.02)
    writer = Writer(Origin.parse(remote.url), "token", bounds=SMALL if fate in SLOW else PATIENT)
    try:
        answer = writer.send("POST", "/v1/x", {"name": "n"})
    finally:
        writer.close()
        remote.stop()
    assert answer.verdict is Verdict.UNCLEAR, answer


@pytest.mark.parametrize("fate", ONE_ANSWER)
def test_every_upload_ends_and_proves_nothing(fate: str) -> None:
    remote = Hostile(fate, pause=0.02)
    try:
        answer = stream(
            Origin.parse(remote.url), "/v1/x", "token", iter([b"{}\n"]), 3, "application/x-ndjson",
            0.4 if fate in SLOW else 20,
        )  # fmt: skip
    finally:
        remote.stop()
    assert answer.verdict is Verdict.UNCLEAR, answer


def drips(connection: socket.socket) -> None:
    """The answer of a proxy to CONNECT, byte by byte."""
    connection.recv(65536)
    for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nX: ", itertools.repeat(120)):
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def hardly_takes(connection: socket.socket) -> None:
    """So few bytes that each part is taken within the limit of one, and the whole never."""
    while connection.recv(64):
        time.sleep(0.05)


def promises(connection: socket.socket) -> None:
    """Interim answers without end."""
    connection.recv(65536)
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        connection.recv(65536)
        time.sleep(0.01)


@pytest.mark.parametrize("fate", [drips, hardly_takes, promises])
def test_an_upload_that_is_hardly_taken_ends(
    fate: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step of it has a limit as a whole, not between two bytes."""
    monkeypatch.setattr(uploads, "STEP_S", 0.5)
    monkeypatch.setattr(uploads, "SLOWEST", 10_000_000)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    def serve() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                fate(connection)

    threading.Thread(target=serve, daemon=True).start()
    here = f"http://127.0.0.1:{listener.getsockname()[1]}"
    if fate is drips:
        monkeypatch.setenv("HTTPS_PROXY", here)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("https_proxy", raising=False)
    begun, blocks = time.monotonic(), [b"x" * (1 << 18)] * (4 if fate is promises else 64)
    origin = Origin.parse("https://api.example" if fate is drips else here)
    answer = stream(origin, "/v1/x", "token", iter(blocks), len(blocks) << 18, "application/x-ndjson", 0.5)
    assert answer.verdict is Verdict.UNCLEAR, answer
    assert "time limit" in answer.message, answer
    assert time.monotonic() - begun < 8
    listener.close()
