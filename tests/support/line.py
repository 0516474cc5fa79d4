"""A line between the tool and the sandbox that notes when how many bytes of a request arrive: what the platform sees."""

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit


class Line:
    """Passes connections on to `url`; its own address is `.url`."""

    def __init__(self, url: str, slow: float = 0.0) -> None:
        """Begin to listen.

        Args:
            url: where to.
            slow: bytes a second that each connection takes; 0 for all that come.
        """
        self._slow = slow
        there = urlsplit(url)
        self._there = (str(there.hostname), int(there.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.arrived: list[tuple[float, int]] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Take no further connection."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def most_above(self, rate: float) -> float:
        """Bytes beside `rate x span`, in the span that has the most of them."""
        most = lowest = 0.0
        before = 0
        for at, size in sorted(self.arrived):
            lowest = min(lowest, before - rate * at) if before else -rate * at
            before += size
            most = max(most, before - rate * at - lowest)
        return most

    def total(self) -> int:
        """All bytes that arrived."""
        return sum(size for _, size in self.arrived)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._connect, args=(near,), daemon=True))
                self._threads[-1].start()

    def _connect(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError), socket.create_connection(self._there) as far:
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pass, args=(far, near), kwargs={"noted": False}, daemon=True)
            back.start()
            self._pass(near, far, noted=True)
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket, *, noted: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                if noted:
                    self.arrived.append((time.monotonic(), len(block)))
                if noted and self._slow:
                    time.sleep(len(block) / self._slow)
                sink.sendall(block)
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
