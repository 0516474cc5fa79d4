"""A sink on loopback for uploads: answers each with a success, counts bytes, at full speed or throttled.

python -m tests.benchmarks.sink [MB/s]     prints its port
"""

import socket
import sys
import threading
import time

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n{"status":"ok","data":{"id":"1"}}'


class Bucket:
    """Bytes a second for all connections together."""

    def __init__(self, rate: float) -> None:
        self.rate, self.free_at, self.lock = rate, time.monotonic(), threading.Lock()

    def take(self, size: int) -> None:
        if not self.rate:
            return
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now - 0.02) + size / self.rate
            wait = self.free_at - now
        if wait > 0:
            time.sleep(wait)


def serve(connection: socket.socket, bucket: Bucket) -> None:
    with connection:
        while head := _head(connection):
            raw, _, body = head.partition(b"\r\n\r\n")
            fields = dict(r.lower().split(b": ", 1) for r in raw.split(b"\r\n")[1:])
            if fields.get(b"expect") == b"100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            left = int(fields.get(b"content-length", b"0")) - len(body)
            buffer = bytearray(1 << 18)
            while left > 0:
                got = connection.recv_into(buffer, min(left, len(buffer)))
                if not got:
                    return
                left -= got
                bucket.take(got)
            connection.sendall(ANSWER)


def _head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    return data


def main() -> None:
    bucket = Bucket(float(sys.argv[1]) * 1e6 if len(sys.argv) > 1 else 0.0)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection, bucket), daemon=True).start()


if __name__ == "__main__":
    main()
