"""What is left to be done when a command ends, however it does."""

from collections.abc import Callable
from contextlib import ExitStack

_open = ExitStack()


def at_end(callback: Callable[[], None]) -> None:
    """Do this when the command ends, before what was said earlier."""
    _open.callback(callback)


def end() -> None:
    """Do all of it."""
    _open.close()
