"""Reads that are tried again: what may be, after how long, and who is told."""

from collections.abc import Callable, Iterable

from reconciler.api.answers import retry_after_s
from reconciler.api.libraries import httpx, stamina


class Retryable(Exception):
    """Raised by a read that may be tried again.

    Attributes:
        why: status or words of ours, without what the platform said.
        told: is told of the next try: its number, the seconds until then, and why.
        todo: what to do where it fails for good, if that is known.
        connected: there was a connection; without one nothing is said of the request, since any other fails for the same cause.
    """

    def __init__(
        self,
        message: str,
        why: str,
        told: Callable[[int, float, str], None],
        retry_after: float | None = None,
        todo: str = "",
        *,
        connected: bool = True,
    ) -> None:
        super().__init__(message)
        self.why, self.told, self.retry_after, self.todo = why, told, retry_after, todo
        self.connected = connected


def _tell(details: stamina.instrumentation.RetryDetails) -> None:
    if isinstance(details.caused_by, Retryable):
        details.caused_by.told(details.retry_num + 1, details.wait_for, details.caused_by.why)


stamina.instrumentation.set_on_retry_hooks([_tell])  # its default hook would log to stderr on its own


def tries(attempts: int, seconds: float) -> Iterable[stamina.Attempt]:
    """Attempts at one read, with a wait before each but the first.

    Args:
        attempts: at most so many.
        seconds: in so much time.
    """
    return stamina.retry_context(
        on=_backoff, attempts=attempts, timeout=seconds, wait_initial=0.1, wait_max=5.0, wait_jitter=0.3
    )


def _backoff(e: Exception) -> bool | float:
    if not isinstance(e, Retryable):
        return False
    return e.retry_after if e.retry_after is not None else True


def passes(status: int) -> bool:
    """Whether a read that was answered so is tried again: the same request may be answered otherwise soon."""
    return status in (408, 425, 429) or status >= 500


def retry_after_of(response: httpx.Response) -> float | None:
    """Seconds that an answer asks to wait."""
    return retry_after_s(response.headers.get("Retry-After"))
