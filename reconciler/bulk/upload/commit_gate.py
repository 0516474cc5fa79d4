"""The commit gate: a sender asks its coordinator before the last block of a body (design 6, "Sending").

The coordinator says yes only while it holds the lock and is not stopping, and after `committing` is in the journal. A thread
of the coordinator asks by a call; a sending process asks through a pair of sockets that it was started with, so there is nothing
to connect to. An answer that does not come in time is a no: the sender closes the connection with the body incomplete.
"""

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.errors import ReconcilerError

# The coordinator may have to ask a server for the lock, and make a note durable.
ANSWER_TIMEOUT_S = 60.0
_LONGEST = 4096  # bytes of a question; a datagram is whole or not there


@dataclass(frozen=True, slots=True)
class Channels:
    """What sending processes are started with: one socket for each, and the numbers that they take, one each."""

    numbers: socket.socket
    sockets: tuple[socket.socket, ...]


class CommitChannel:
    """The sending process's side."""

    def __init__(self, channels: Channels, timeout: float = ANSWER_TIMEOUT_S) -> None:
        channels.numbers.settimeout(timeout)
        self._socket = channels.sockets[channels.numbers.recv(1)[0]]
        self._socket.settimeout(timeout)
        self._asked = 0

    def may_commit(self, job: str) -> bool:
        """True if the last block may leave now; False also if nobody answers in time."""
        self._asked += 1
        head = f"{self._asked} "
        try:
            self._socket.send(f"{head}{job}".encode())
            while True:
                reply = self._socket.recv(_LONGEST).decode()
                if reply.startswith(head):  # not one that came too late for an earlier question
                    return reply == f"{head}yes"
        except (OSError, UnicodeDecodeError):
            return False


class CommitGate:
    """The coordinator's side. Safe to share between threads."""

    def __init__(self, grant: Callable[[str], bool]) -> None:
        self._grant = grant
        self._closed = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._given: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True, name="commit-gate")
        self._thread.start()

    def may_commit(self, job: str) -> bool:
        """True if the last block may leave now; asked by threads of the coordinator."""
        try:
            return not self._closed.is_set() and self._grant(job)
        except ReconcilerError:  # the note is not durable
            return False

    def channels(self, count: int) -> Channels:
        """New sockets for so many sending processes; kept open here until the gate is closed."""
        numbers, take = socket.socketpair()
        numbers.sendall(bytes(range(count)))
        ours = []
        theirs = []
        for _ in range(count):
            mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
            mine.setblocking(False)
            ours.append(mine)
            theirs.append(other)
        self._given += [numbers, take, *ours, *theirs]
        for mine in ours:
            self._selector.register(mine, selectors.EVENT_READ)
        self._wake.send(b"+")  # look at the new ones, too
        return Channels(take, tuple(theirs))

    def close(self) -> None:
        """Answer no one any more."""
        self._closed.set()
        self._wake.send(b"-")
        self._thread.join(timeout=2)
        if self._thread.is_alive():  # still asking the server for the lock; what it answers comes too late
            return
        self._answer(0)  # no to who asked meanwhile
        self._selector.close()
        for each in (*self._given, self._wake, self._woken):
            each.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            self._answer(None)

    def _answer(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            asked = key.fileobj
            assert isinstance(asked, socket.socket)  # noqa: S101 - only sockets are registered
            with contextlib.suppress(
                OSError, UnicodeDecodeError
            ):  # a sender that is gone concerns nobody else
                question = asked.recv(_LONGEST).decode()
                if asked is not self._woken:
                    number, _, job = question.partition(" ")
                    asked.send(f"{number} {'yes' if self.may_commit(job) else 'no'}".encode())
