"""The commit gate: a sender asks its coordinator before the last block of a body (design 6, "Sending"), and for shares of the rate.

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

from reconciler.bulk.upload.rate import NextShare, Share
from reconciler.errors import ReconcilerError

# The coordinator may have to ask a server for the lock, and make a note durable.
ANSWER_TIMEOUT_S = 60.0
_LONGEST = 4096  # bytes of a question; a datagram is whole or not there
_COMMIT, _SHARE = "commit", "share"  # what is asked for


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
        return self._answer(_COMMIT, job) == "yes"

    def next_share(self) -> Share | None:
        """What may leave next, and when; None also if nobody answers in time."""
        size, _, wait = self._answer(_SHARE, "").partition(" ")
        return Share(int(size), float(wait)) if wait else None

    def _answer(self, what: str, job: str) -> str:
        self._asked += 1
        head = f"{self._asked} "
        try:
            self._socket.send(f"{head}{what} {job}".encode())
            while True:
                reply = self._socket.recv(_LONGEST).decode()
                if reply.startswith(head):  # not one that came too late for an earlier question
                    return reply.removeprefix(head)
        except (OSError, UnicodeDecodeError):
            return ""


class CommitGate:
    """The coordinator's side. Safe to share between threads."""

    def __init__(self, grant: Callable[[str], bool], shares: NextShare | None = None) -> None:
        """Begin to answer.

        Args:
            grant: says, by the import's name, whether the last block may leave now.
            shares: hands out the rate of all uploads; None where none is set.
        """
        self._grant, self._shares = grant, shares
        self.limited = shares is not None
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

    def next_share(self) -> Share | None:
        """What may leave next, and when; None once the run is ending."""
        return None if self._closed.is_set() or self._shares is None else self._shares()

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
            with contextlib.suppress(OSError, ValueError):  # a sender that is gone concerns nobody else
                question = asked.recv(_LONGEST).decode()
                if asked is not self._woken:
                    number, what, job = question.split(" ", 2)
                    asked.send(f"{number} {self._said(what, job)}".encode())

    def _said(self, what: str, job: str) -> str:
        if what == _COMMIT:
            return "yes" if self.may_commit(job) else "no"
        share = self.next_share()
        return "no" if share is None else f"{share.bytes} {share.wait!r}"
