"""Remotes that answer every request with something that never ends, never fits, or never comes."""

import contextlib
import functools
import gzip
import itertools
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"


class Hostile:
    """One of `FATES` for every request, on a port of its own."""

    def __init__(self, fate: str, pause: float = 1.0) -> None:
        self.fate, self.pause, self.requests = fate, pause, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.ended = False
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self.ended = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        while not self.ended:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(connection,), daemon=True).start()

    def _connection(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while request := self._request(connection):
                self.requests += 1
                for block in FATES[self.fate](self, request):
                    if self.ended:
                        return
                    connection.sendall(block)

    def _request(self, connection: socket.socket) -> str:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := connection.recv(65536)):
                return ""
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        size = int((re.search(rb"content-length: (\d+)", head, re.IGNORECASE) or [b"", b"0"])[1])
        while len(body) < size and (more := connection.recv(65536)):
            body += more
        return head.decode("latin-1").partition("\r\n")[0]


def sized(body: bytes, head: bytes = OK) -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunk(block: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(block), block)


def gigabytes(_: Hostile, __: str) -> Iterator[bytes]:
    yield CHUNKED + b"\r\n" + chunk(b'{"status":"ok","data":["')
    block = chunk(b"x" * (1 << 20))
    for _i in range(8 << 10):
        yield block


def announced(_: Hostile, __: str) -> Iterator[bytes]:
    yield OK + b'Content-Length: 99999999999\r\n\r\n{"status":"ok","data":["'
    while True:
        yield b"x" * (1 << 20)


def bomb(_: Hostile, __: str) -> Iterator[bytes]:
    yield CHUNKED + b"Content-Encoding: gzip\r\n\r\n"
    pack = zlib.compressobj(9, zlib.DEFLATED, 31)
    for _i in range(4 << 10):
        if block := pack.compress(b" " * (1 << 20)):
            yield chunk(block)
    yield chunk(pack.flush()) + b"0\r\n\r\n"


@functools.cache
def nested() -> bytes:
    return gzip.compress(gzip.compress(b" " * (64 << 20)))


def bomb_in_a_bomb(_: Hostile, __: str) -> Iterator[bytes]:
    yield sized(nested(), OK + b"Content-Encoding: gzip, gzip\r\n")


def values(_: Hostile, __: str) -> Iterator[bytes]:
    yield sized(b'{"status":"ok","data":[' + b"{}," * (5 << 20) + b"{}]}")


def drip(remote: Hostile, _: str) -> Iterator[bytes]:
    yield OK + b'Content-Length: 1000000\r\n\r\n{"status":"ok","data":["'
    while True:
        time.sleep(remote.pause)
        yield b"x"


def slow_headers(remote: Hostile, _: str) -> Iterator[bytes]:
    for byte in itertools.chain(OK, b"X-Slow: ", itertools.repeat(ord("x"))):
        time.sleep(remote.pause)
        yield bytes([byte])


def headers_without_end(_: Hostile, __: str) -> Iterator[bytes]:
    yield OK
    for n in itertools.count():
        yield b"X-Header-%d: %s\r\n" % (n, b"x" * 4000)


def one_header_without_end(_: Hostile, __: str) -> Iterator[bytes]:
    yield OK + b"X: "
    while True:
        yield b"x" * 65536


def silence(remote: Hostile, _: str) -> Iterator[bytes]:
    while not remote.ended:
        time.sleep(0.1)
    yield b""


def redirects(remote: Hostile, _: str) -> Iterator[bytes]:
    where = b"HTTP/1.1 302 Found\r\nLocation: %s/v1/%d\r\n" % (remote.url.encode(), remote.requests)
    yield sized(b"", where)


def html(_: Hostile, __: str) -> Iterator[bytes]:
    yield sized(b"<!DOCTYPE html><html>maintenance</html>", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n")


def endless(row: Callable[[int], dict[str, Any]], size: int) -> Callable[[Hostile, str], Iterator[bytes]]:
    def answer(_: Hostile, request: str) -> Iterator[bytes]:
        first = int((re.search(r"first_result=(\d+)", request) or ["", "0"])[1])
        rows = [row(n) for n in range(first, first + size)]
        yield sized(json.dumps({"status": "ok", "data": rows, "first_result": first}).encode())

    return answer


def row(n: int) -> dict[str, Any]:
    return {"id": n, "name": f"n{n}", "token": f"t{n}", "organisation_id": 1185, "compartment_id": n}


def partly(status: bytes) -> Callable[[Hostile, str], Iterator[bytes]]:
    """A well-formed page without a row that is not the whole answer to a GET."""

    def answer(_: Hostile, __: str) -> Iterator[bytes]:
        body = json.dumps({"status": "ok", "data": [], "total": 0, "count": 0}).encode()
        yield sized(body, OK.replace(b"200 OK", status))

    return answer


FATES: dict[str, Callable[[Hostile, str], Iterator[bytes]]] = {
    "gigabytes": gigabytes,
    "a length of gigabytes": announced,
    "gzip bomb": bomb,
    "bomb in a bomb": bomb_in_a_bomb,
    "millions of values": values,
    "drip": drip,
    "slow headers": slow_headers,
    "headers without end": headers_without_end,
    "one header without end": one_header_without_end,
    "silence": silence,
    "endless redirect": redirects,
    "HTML": html,
    "accepted": partly(b"202 Accepted"),
    "of a cache": partly(b"203 Non-Authoritative Information"),
    "partial content": partly(b"206 Partial Content"),
    "endless list": endless(row, 500),
    "endless list of small pages": endless(row, 2),
    "endless list of pages of one": endless(row, 1),
    "endless list of large rows": endless(lambda n: {**row(n), "token": "x" * 10_000 + str(n)}, 500),
}
