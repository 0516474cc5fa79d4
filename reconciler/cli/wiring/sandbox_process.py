"""`endpoint: sandbox:`: a loopback server process, started on demand, its state in `.sandbox/` beside `.reconciler/`."""

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.beneath import open_regular
from reconciler.errors import MissingExtra, ReconcilerError, UsageError
from reconciler.private_folder import private_file, private_folder, replace_file

FOLDER, STATE = ".sandbox", "state.db"
START_SECONDS = 20.0


def ensure(root: Path, seed: Mapping[str, Any] | None = None) -> str:
    """The URL of the workspace's sandbox; starts it if it does not run.

    Args:
        root: folder of the workspace.
        seed: what it has to hold; added where it is not there.

    Raises:
        MissingExtra: starlette, uvicorn or jinja2 is not installed.
        ReconcilerError: it does not start.
    """
    need_installed()
    folder = private_folder(root / FOLDER)
    if url := running(folder):  # where nothing can be written, too
        return _planted(url, seed)
    with private_file(folder / "start.lock", os.O_CREAT) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if url := running(folder):
            return _planted(url, seed)
        (folder / "server.json").unlink(missing_ok=True)
        if seed is not None and not _is_built_in(seed) and not (folder / STATE).exists():
            replace_file(folder / "seed.json", json.dumps(seed).encode())
        with private_file(folder / "log", os.O_CREAT | os.O_APPEND) as log:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "reconciler.sandbox", "--state", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                close_fds=True,
            )
        return _planted(_await(folder, process), seed)


def need_installed() -> None:
    """What the sandbox needs is installed.

    Raises:
        MissingExtra: starlette, uvicorn or jinja2 is not.
    """
    if not all(importlib.util.find_spec(m) for m in ("starlette", "uvicorn", "jinja2")):
        raise MissingExtra("the sandbox", "sandbox")


def _is_built_in(seed: Mapping[str, Any]) -> bool:
    """True for the organisation that a sandbox begins with by itself."""
    from reconciler.sandbox.seed import ORGANISATION

    return all(d["organisation_id"] == ORGANISATION for d in seed["datamarts"])


def _planted(url: str, seed: Mapping[str, Any] | None) -> str:
    if seed is not None:
        ask(url, "plant", seed)
    return url


def ask(url: str, what: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a sandbox answers on a route of its own.

    Args:
        url: of the sandbox.
        what: the route.
        body: to post; None reads.

    Raises:
        UsageError: it refuses the body.
        ReconcilerError: no sandbox answers.
    """
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(  # noqa: S310 - told by the user, or written by our own server
        f"{url}/_sandbox/{what}", data, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)["data"]
    except urllib.error.HTTPError as e:
        said = e.read(2000).decode("utf-8", "replace")
        try:
            words = json.loads(said)["error"]
        except (ValueError, KeyError, TypeError):
            words = f"{e.code}, which is not an answer of a sandbox"
        raise UsageError(f"the sandbox at {url} answered: {words}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ReconcilerError(
            f"no sandbox answers at {url}",
            help="start a sandbox with `reconciler sandbox serve`, or give --url",
        ) from None
    return found


def stop(folder: Path) -> str | None:
    """End the sandbox whose state is there; its URL, or None if it does not run.

    Raises:
        ReconcilerError: it does not end.
    """
    url = running(folder)
    if url is None:
        return None
    ask(url, "stop", {})
    deadline = time.monotonic() + START_SECONDS
    while running(folder):
        if time.monotonic() > deadline:
            raise ReconcilerError(f"the sandbox at {url} does not end", help=f"its log is {folder / 'log'}")
        time.sleep(0.05)
    return url


def reset(folder: Path) -> None:
    """Remove the state of a sandbox that does not run.

    Raises:
        DiskFailed: the folder is a link, or another user's.
    """
    if not os.path.lexists(folder):
        return
    private_folder(folder)  # nothing is removed where a link leads
    for path in (*folder.glob(f"{STATE}*"), folder / "server.json", folder / "seed.json"):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder / "uploads", ignore_errors=True)


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
    """The URL of the sandbox whose state is there, if it runs."""
    try:
        with open_regular(os.path.realpath(folder / "server.json")) as file:
            url = str(json.load(file)["url"])
    except (OSError, ValueError, KeyError):
        return None
    return url if answers(url) else None


def answers(url: str) -> bool:
    """Whether a sandbox answers there.

    Args:
        url: on loopback.
    """
    try:
        with urllib.request.urlopen(f"{url}/_sandbox/health", timeout=2) as answer:  # noqa: S310 - loopback, ours or a port of ours
            return bool(json.load(answer)["data"]["sandbox"])
    except (OSError, ValueError, KeyError, TypeError, urllib.error.URLError):
        return False
