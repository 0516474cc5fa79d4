"""How far loads are, to those who show it."""

from typing import Protocol


class Progress(Protocol):
    """Told how far loads are; a bar on a terminal, lines otherwise."""

    def start(self, address: str, chunks: int, lines: int, size: int) -> None:
        """A load begins.

        Args:
            address: of the load.
            chunks: how many it has.
            lines: commands to send.
            size: bytes to send.
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
