"""Commands of the user, run in the workspace: bounded in time and in what they may write."""

import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.kinds.counts import many

OUTPUT_BYTES = 1 << 20
GRACE_S = 2.0  # for what is still in the pipes of a command that ended
_BLOCK = 1 << 14


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code; None if it was stopped.
        why: what it was stopped for.
        out: its stdout, where that was kept.
    """

    code: int | None
    why: str = ""
    out: bytes = b""


def why_not(command: Sequence[str], root: Path, env: Mapping[str, str]) -> str | None:
    """Why the program cannot be started, as far as that can be seen before; None where it can.

    Args:
        command: program and arguments.
        root: the folder to run it in.
        env: its environment.
    """
    name = command[0]
    if os.sep not in name:
        return None if shutil.which(name, path=env.get("PATH")) else "PATH has no program of that name"
    path = root / name
    if not path.exists():
        return "there is no such file"
    if not path.is_file():
        return "it is no file"
    return None if os.access(path, os.X_OK) else f"it is not executable (chmod +x {shlex.quote(name)})"


def run(
    command: Sequence[str],
    root: Path,
    seconds: float,
    *,
    env: Mapping[str, str] | None = None,
    show: Callable[[bytes], None] | None = None,
    limit: int = OUTPUT_BYTES,
) -> Ended:
    """Run it to its end, or stop it.

    One whose output is shown is stopped with all that it started. One that is asked for a secret keeps the terminal, where it may
    ask for a password, and is stopped alone.

    Args:
        command: program and arguments.
        root: the folder to run it in.
        seconds: it may take.
        env: its environment; ours without one.
        show: takes both outputs as they come, whole lines where there are any; without it stdout is kept, stderr is not read.
        limit: bytes of output at most.

    Raises:
        OSError: it cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603 - the user's own command
        list(command), cwd=root, env=env, stdin=subprocess.DEVNULL if show else None, start_new_session=show is not None,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT if show else subprocess.DEVNULL,
    )  # fmt: skip
    kept: list[bytes] = []
    too_much = threading.Event()
    group = show is not None
    reading = threading.Thread(
        target=_read,
        args=(process, show or kept.append, limit, too_much),
        kwargs={"group": group},
        daemon=True,
    )
    reading.start()
    try:
        process.wait(seconds)
        reading.join(GRACE_S)
    except subprocess.TimeoutExpired:
        _stop(process, group=group)
        return Ended(None, f"did not end within {seconds:g} s, and was stopped")
    except BaseException:
        _stop(process, group=group)
        raise
    if too_much.is_set():
        return Ended(None, f"wrote more than {many(limit, 'byte')}, and was stopped")
    return Ended(process.returncode, out=b"".join(kept))


def _read(
    process: "subprocess.Popen[bytes]",
    take: Callable[[bytes], None],
    limit: int,
    too_much: threading.Event,
    *,
    group: bool,
) -> None:
    if process.stdout is None:
        return
    size = 0
    with process.stdout as stream, suppress(OSError):
        while line := stream.readline(_BLOCK):
            size += len(line)
            if size > limit:
                too_much.set()
                _stop(process, group=group)
                return
            take(line)


def _stop(process: "subprocess.Popen[bytes]", *, group: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
