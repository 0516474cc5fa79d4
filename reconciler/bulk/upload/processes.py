"""Processes of the coordinator: they leave signals to it, and end when it is gone."""

import contextlib
import ctypes
import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait

# glibc's names for: the size from which an allocation is mapped by itself, and how much that was freed is kept.
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
_ALLOCATIONS = {_MMAP_THRESHOLD: 16 << 20, _TRIM_THRESHOLD: 64 << 20}


def keep_freed_memory() -> None:
    """Keep what blocks of a few MB leave free, for the next: giving it back and faulting it in takes a third of the time.

    Does nothing where the C library is another.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, size in _ALLOCATIONS.items():
            mallopt(parameter, size)


def belong_to_coordinator() -> None:
    """Initialise a process of a pool."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes sends it to all of its processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="coordinator-watch").start()
