"""Leave for last blocks on a cluster: one ticket is one try of one chunk, and has leave at most once.

An engine that loses a worker runs its task again, while the worker may only be cut off and still be sending. Each of them asks
under the same ticket, as an asker of its own; the first one that is given leave is the only one.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Ticket:
    """One try of one chunk.

    Attributes:
        name: the import's name.
        asker: who was given leave.
    """

    name: str
    asker: str | None = None


@dataclass(slots=True)
class Tickets:
    """The coordinator's list of them. Safe to share between threads.

    Attributes:
        may_commit: says, by the import's name, whether the last block may leave now.
    """

    may_commit: Callable[[str], bool]
    _open: dict[str, Ticket] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def issue(self, number: str, name: str) -> None:
        """A new try of a chunk."""
        with self._guard:
            self._open[number] = Ticket(name)

    def grant(self, number: str, asker: str) -> bool:
        """True if this asker may send the last block; what `may_commit` notes is noted before."""
        with self._guard:
            ticket = self._open.get(number)
            if ticket is None or ticket.asker is not None or not self.may_commit(ticket.name):
                return False
            ticket.asker = asker
            return True

    def is_open(self, number: str) -> bool:
        """True while who asks under it may be sending."""
        with self._guard:
            return number in self._open

    def close(self, number: str) -> str | None:
        """Give no leave under it any more; who had it, or None: then no last block has left, and none will."""
        with self._guard:
            return self._open.pop(number).asker
