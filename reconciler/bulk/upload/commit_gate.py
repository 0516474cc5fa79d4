"""The commit gate: a sender asks its coordinator before the last block of a body (design 6, "Sending").

The coordinator says yes only while it holds the lock and is not stopping, and after `committing` is in the journal. If it
is gone, the question fails, and the sender closes the connection with the body incomplete.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Client, Listener


@dataclass(frozen=True, slots=True)
class CommitGateClient:
    """The sender's side of the gate: where to ask. Travels with every job."""

    address: str | tuple[str, int]
    key: bytes = field(repr=False)

    def may_commit(self, job: str) -> bool:
        """True if the last block may leave now; False also if nobody answers."""
        try:
            with Client(self.address, authkey=self.key) as connection:
                connection.send(job)
                return connection.recv() is True
        except (OSError, EOFError, ConnectionError):
            return False


_NO_MORE = ""


class CommitGate:
    """Answers senders from a thread of the coordinator."""

    def __init__(self, grant: Callable[[str], bool]) -> None:
        self._grant = grant
        self._key = os.urandom(32)
        self._listener = self._listen()
        self._thread = threading.Thread(target=self._serve, daemon=True, name="commit-gate")
        self._closed = False
        self._thread.start()

    def _listen(self) -> Listener:
        try:
            return Listener(authkey=self._key, backlog=64)
        except OSError:  # the temporary folder's path is too long for a socket's name
            return Listener(("127.0.0.1", 0), authkey=self._key, backlog=64)

    @property
    def client(self) -> CommitGateClient:
        """What a sender needs to ask."""
        address = self._listener.address
        return CommitGateClient(
            address if isinstance(address, str) else (str(address[0]), int(address[1])), self._key
        )

    def close(self) -> None:
        """Answer no one any more. Waits for nobody who began to ask and stopped in the middle."""
        self._closed = True
        threading.Thread(
            target=self.client.may_commit, args=(_NO_MORE,), daemon=True, name="commit-gate-close"
        ).start()
        self._thread.join(timeout=2)
        self._listener.close()

    def _serve(self) -> None:
        """Until it is told that no more comes: then nobody who has connected is left without an answer."""
        job = None
        while job != _NO_MORE:
            # A sender that dies while asking, or a stranger without the key, concerns nobody else.
            with contextlib.suppress(Exception), self._listener.accept() as connection:
                job = connection.recv()
                connection.send(bool(not self._closed and isinstance(job, str) and job and self._grant(job)))
