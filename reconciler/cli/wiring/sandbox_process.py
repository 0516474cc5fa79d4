"""`endpoint: sandbox:`: a loopback server process, started on demand, its state in `.sandbox/` beside `.reconciler/`."""

import fcntl
import importlib.util
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.private_folder import private_folder

FOLDER = ".sandbox"
START_SECONDS = 20.0


def ensure(root: Path) -> str:
    """The URL of the workspace's emulator; starts it if it does not run.

    Raises:
        MissingExtra: starlette, uvicorn or jinja2 is not installed.
        ReconcilerError: it does not start.
    """
    if not all(importlib.util.find_spec(m) for m in ("starlette", "uvicorn", "jinja2")):
        raise MissingExtra("the sandbox", "sandbox")
    folder = private_folder(root / FOLDER)
    with (folder / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if url := running(folder):
            return url
        (folder / "server.json").unlink(missing_ok=True)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "reconciler.sandbox", "--state", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                close_fds=True,
            )
        return _await(folder, process)


def _await(folder: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if url := running(folder):
            return url
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise ReconcilerError("the sandbox did not start", help=f"its log is {folder / 'log'}")


def running(folder: Path) -> str | None:
    """The URL of the emulator whose state is there, if it runs."""
    try:
        url = str(json.loads((folder / "server.json").read_text())["url"])
        with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=2) as answer:  # noqa: S310 - loopback, written by our own server
            return url if json.load(answer)["data"]["sandbox"] else None
    except (OSError, ValueError, KeyError, urllib.error.URLError):
        return None
