"""The sandbox as the other end of benchmarks: a raw upload, against a socket that only reads; and small requests a second.

99 MB, just below what the platform takes. The client is the same for both ends: one connection, blocks of 256 KiB, as the product sends. Medians of interleaved rounds.
"""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx

from tests.benchmarks.shape import Row, Size, median

BODY, BLOCK, REQUESTS, AT_ONCE = 99_000_000, 256 * 1024, 4000, 8
LINE = b'{"operation":"DELETE","compartment_id":"1000","user_account_id":"u-0000001"}\n'
SINK = """\
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
buffer = bytearray(1 << 18)
while True:
    connection, _ = server.accept()
    while connection.recv_into(buffer): pass

    connection.close()
"""


def sink(size: int, block: bytes) -> float:
    """Bytes a second into a socket whose other end, in a process of its own, only reads."""
    process = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        port = int(process.stdout.readline())
        begun = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            for _ in range(size // len(block)):
                connection.sendall(block)
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)  # until the other end has read all
        return size / (time.perf_counter() - begun)
    finally:
        process.kill()
        process.wait()


def uploaded(port: int, size: int, block: bytes) -> float:
    """Bytes a second into an execution, with the same client."""
    url = f"http://127.0.0.1:{port}"
    body = {"name": "b", "document_type": "USER_PROFILE", "mime_type": "APPLICATION_X_NDJSON"}
    made = httpx.post(f"{url}/v1/datamarts/1509/document_imports", json=body, headers={"Authorization": "t"})
    path = f"/v1/datamarts/1509/document_imports/{made.json()['data']['id']}/executions"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: t\r\nConnection: close\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {size // len(block) * len(block)}\r\n\r\n"
    )
    begun = time.perf_counter()
    with closing(socket.create_connection(("127.0.0.1", port))) as connection:
        connection.sendall(head.encode())
        for _ in range(size // len(block)):
            connection.sendall(block)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    took = time.perf_counter() - begun
    assert b'"PENDING"' in answer, answer[:500]
    return size / took


def small(port: int) -> float:
    """Answers a second, of one compartment each, to a client with a connection for each of its threads."""
    local = threading.local()

    def get(_: int) -> None:
        if not hasattr(local, "socket"):
            local.socket = socket.create_connection(("127.0.0.1", port))
        local.socket.sendall(
            b"GET /v1/user_account_compartments/1000 HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: t\r\n\r\n"
        )
        answer = b""
        while b"\r\n\r\n" not in answer or not answer.endswith(b"}}"):
            answer += local.socket.recv(65536)
        assert json.loads(answer.split(b"\r\n\r\n")[1])["data"]["id"] == "1000"

    begun = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(get, range(REQUESTS)))
    return REQUESTS / (time.perf_counter() - begun)


def sandbox(size: Size) -> Iterator[Row]:
    """An upload of one body, and small answers a second."""
    block = (LINE * (BLOCK // len(LINE) + 1))[:BLOCK]
    command = [sys.executable, "-m", "reconciler", "sandbox", "serve", "--port", "0"]
    process = subprocess.Popen([*command, "--switch", "profiles=counted"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr
        url = next(word for word in process.stderr.readline().split() if word.startswith("http"))
        port = int(url.rsplit(":", 1)[1])
        found = [(sink(BODY, block), uploaded(port, BODY, block), small(port)) for _ in range(size.rounds)]
    finally:
        process.kill()
        process.wait()
    bare, ours, rate = (median(list(column)) for column in zip(*found, strict=True))
    yield Row(
        "sandbox, upload of 99 MB", ours / 1e6, "MB/s", "socket that only reads", bare / 1e6, least=0.25
    )
    yield Row("sandbox, small requests", rate, "1/s", "limit", 1_000, least=1)
