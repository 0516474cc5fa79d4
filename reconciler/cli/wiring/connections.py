"""Connections and threads for small requests."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from reconciler.api.client import Reader, Writer
from reconciler.api.pacing import Pace
from reconciler.cli.wiring.destination import Target


@contextmanager
def reader(where: Target, parallelism: int) -> Iterator[Reader]:
    """A connection that can emit nothing but GET."""
    made = Reader(where.origin, where.token, pace=Pace(parallelism), observer=where.observer)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def writer(where: Target, parallelism: int) -> Iterator[Writer]:
    """A connection that can write."""
    made = Writer(where.origin, where.token, pace=Pace(parallelism), observer=where.observer)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def threads(parallelism: int) -> Iterator[Executor]:
    """Threads for small requests."""
    pool = ThreadPoolExecutor(parallelism, thread_name_prefix="io")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
