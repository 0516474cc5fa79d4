"""Kill the process at one of the boundaries of a run: before or after a note of the journal, a request that writes, or a sent index that is
written or removed.

Installed in the process of a run by `tests.support.zygote`, through two environment variables: CRASH_LOG, a file that gets
the name of every boundary that was passed, and CRASH_AT, the number of the one to die at; or CRASH_NAME, the first of that name.
"""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import httpx

from reconciler.bulk.sent.store import Folder
from reconciler.ledger.store import Ledger


def install() -> None:
    """Watch the boundaries of this process."""
    log, at = Path(os.environ["CRASH_LOG"]), int(os.environ.get("CRASH_AT", "-1"))
    named = os.environ.get("CRASH_NAME")
    lock, passed = threading.Lock(), [0]

    def boundary(name: str) -> None:
        with lock:
            with log.open("a") as file:
                file.write(name + "\n")
            if passed[0] == at or name == named:
                os.kill(os.getpid(), signal.SIGKILL)
            passed[0] += 1

    note, send = Ledger.note, httpx.Client.send

    def noted(self: Ledger, run: int, address: str, step: str, state: str, **detail: Any) -> None:
        what = f"note {step} {state} of {address.partition('/')[0] or 'chunk'}"
        boundary(f"before {what}")
        note(self, run, address, step, state, **detail)
        boundary(f"after {what}")

    def sent(self: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        if request.method == "GET":
            return send(self, request, **how)
        what = f"{request.method} {request.url.path.rpartition('/')[2]}"
        boundary(f"before {what}")
        response = send(self, request, **how)
        boundary(f"after {what}")
        return response

    Ledger.note, httpx.Client.send = noted, sent  # type: ignore[method-assign]

    write, delete = Folder.write, Folder.delete

    def written(self: Folder, name: str, fill: Any) -> None:
        what = "identities" if name.endswith("-identities") else "index"
        boundary(f"before {what}")
        write(self, name, fill)
        boundary(f"after {what}")

    def deleted(self: Folder, name: str) -> None:
        boundary("before index removal")
        delete(self, name)
        boundary("after index removal")

    Folder.write, Folder.delete = written, deleted  # type: ignore[method-assign]
