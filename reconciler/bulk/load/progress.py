"""How far loads are, to those who show it."""

from typing import NamedTuple, Protocol


class Before(NamedTuple):
    """What earlier runs have done of a load: chunks that were sent, those of them that are done, and rows and bytes that were sent."""

    sent: int = 0
    done: int = 0
    lines: int = 0
    size: int = 0

    @property
    def words(self) -> str:
        """For a line about the load; empty for one that no run has begun."""
        if not self.sent:
            return ""
        left = self.sent - self.done
        parts = [f"{self.done:,} done"] if self.done else []
        return "; before this run: " + ", ".join([*parts, *([f"{left:,} sent"] if left else [])])


class Progress(Protocol):
    """Told how far loads are; a bar on a terminal, lines otherwise."""

    def start(self, address: str, chunks: int, lines: int, size: int, before: Before) -> None:
        """A load begins, or is continued.

        Args:
            address: of the load.
            chunks: how many it has.
            lines: commands in all of them.
            size: bytes of all of them.
            before: what of it earlier runs have done.
        """

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """`what` (sent, done) moved on by so much.

        Args:
            address: of the load.
            what: `sent` or `done`.
            chunks: how many more.
            lines: commands in them.
            size: bytes of them.
        """

    def say(self, address: str, message: str) -> None:
        """A line about a load."""
