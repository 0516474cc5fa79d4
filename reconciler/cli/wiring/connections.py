"""Connections and threads for small requests. What sends requests is loaded with the first connection, not with a command's help."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from reconciler.api.pacing import Pace
from reconciler.cli.wiring.destination import Target

if TYPE_CHECKING:
    from reconciler.api.client import Reader, Writer


@contextmanager
def reader(where: Target, parallelism: int) -> "Iterator[Reader]":
    """A connection that can emit nothing but GET."""
    from reconciler.api.client import Reader

    with closing(Reader(where.origin, where.token, pace=Pace(parallelism), observer=where.observer)) as made:
        yield made


@contextmanager
def writer(where: Target, parallelism: int) -> "Iterator[Writer]":
    """A connection that can write."""
    from reconciler.api.client import Writer

    with closing(Writer(where.origin, where.token, pace=Pace(parallelism), observer=where.observer)) as made:
        yield made


@contextmanager
def threads(parallelism: int) -> Iterator[Executor]:
    """Threads for small requests."""
    pool = ThreadPoolExecutor(parallelism, thread_name_prefix="io")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
