"""Processes of the coordinator: they leave signals to it, and end when it is gone."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait


def belong_to_coordinator() -> None:
    """Initialise a process of a pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="coordinator-watch").start()
