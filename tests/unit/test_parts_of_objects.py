"""What is read of an object in parts is that object, whole, or an error: whatever a server answers to a request for a part."""

import http.server
import re
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.bulk.sources import object_store
from reconciler.errors import ReconcilerError
from tests.support.served import served

pytest.importorskip("obstore", reason="needs the extra cloud")
BODY = b"".join(b"u%04d,x\n" % n for n in range(700))
PART = 1000
GOOD = {"as asked", "no tag"}
CHANGED, LENGTH = "the object changed while it was read", "of a part of 1,000 bytes, the server sent"
BAD = {
    "another tag": CHANGED,
    "another size": CHANGED,
    "nothing": LENGTH,
    "less": LENGTH,
    "more": LENGTH,
    "less, and says so": "the store could not be read",
    "says nothing": "the store could not be read",
}


class Server:
    """Gives parts, from the second one on as it is told; it looks at no condition."""

    def __init__(self) -> None:
        self.how = "as asked"
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                asked = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                first, last = (int(asked[1]), min(int(asked[2]) + 1, len(BODY))) if asked else (0, len(BODY))
                how = server.how if asked and first else "as asked"
                part, size = BODY[first:last], len(BODY)
                match how:
                    case "nothing":
                        part = b""
                    case "less" | "less, and says so":
                        part = part[:-7]
                    case "more":
                        part = BODY[first : last + 7]
                    case "another size":
                        size += 7
                end = first + len(part) if how == "less, and says so" else last
                self.send_response(206 if asked else 200)
                if asked and how != "says nothing":
                    self.send_header("Content-Range", f"bytes {first}-{end - 1}/{size}")
                if how != "no tag":
                    self.send_header("ETag", '"b"' if how == "another tag" else '"a"')
                self.send_header("Last-Modified", "Wed, 25 Nov 2026 12:00:00 GMT")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(part)

            do_HEAD = do_GET  # noqa: N815 - a name of http.server

        self.server, address = served(Handler)
        self.url = f"{address}/x.csv"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(object_store, "RANGE", PART)
    object_store.forget()
    made = Server()
    yield made
    made.server.shutdown()
    made.server.server_close()
    object_store.forget()


def _read(url: str) -> bytes:
    with object_store.open_object(url) as file:
        return b"".join(iter(lambda: file.read(300), b""))


@pytest.mark.parametrize("how", sorted(GOOD))
def test_parts_that_are_as_asked(how: str, server: Server) -> None:
    server.how = how
    assert _read(server.url) == BODY


@pytest.mark.parametrize("how", sorted(BAD))
def test_parts_that_are_not(how: str, server: Server) -> None:
    server.how = how
    with pytest.raises(ReconcilerError, match=BAD[how]):
        _read(server.url)
