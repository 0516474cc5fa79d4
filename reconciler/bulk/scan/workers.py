"""Who does tasks of a pass: workers of a cluster."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Given(Protocol[T_co]):
    """A task that a worker was given."""

    @property
    def worker(self) -> str:
        """Who did it; empty until it is done."""

    def done(self) -> bool:
        """Whether it is."""

    def result(self) -> T_co:
        """What it made; waits for it.

        Raises:
            ReconcilerError: the source cannot be read, or there is no worker.
            Interrupted: the run is to end.
        """

    def cancel(self) -> None:
        """Its result is not wanted."""


class Workers(Protocol):
    """Who does tasks.

    Attributes:
        at_once: how many tasks they can do at once.
    """

    at_once: int

    def names(self) -> list[str]:
        """Of those that are there."""

    def give(self, task: Callable[..., T], *args: Any, near: str = "", first: bool = False) -> Given[T]:
        """Have a worker do something.

        Args:
            task: a function of a module.
            args: can be pickled, and hold nothing secret.
            near: the worker that does it soonest.
            first: before others that wait.
        """

    def tell(self, task: Callable[..., None], *args: Any) -> None:
        """Have all workers do something, if they can."""
