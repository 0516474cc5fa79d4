"""One step of an orchestrator: run `reconciler`, pass on what it says as logs, and decide what comes next.

Standard library only, so that it works beside any orchestrator: copy it next to your DAGs. `reconciler` runs as a program of its
own, wherever it is installed; it needs no package of the orchestrator, and the orchestrator none of it.
"""

import json
import logging
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import IO, Any

STOP_S = 15  # a run that is told to end finishes its requests in flight within 10 s


class Next(Enum):
    """What the orchestrator should do."""

    DONE = "done"
    RETRY = "retry"  # running the same command again is safe, and may help
    FAIL = "fail"  # it would end the same way: a person has to look


# Every exit code of reconciler, but for 3, which depends on what happened. Any other (a signal) is retried: the state is saved.
AFTER = {
    0: Next.DONE,
    1: Next.RETRY,  # a failed read, the network, the token; also findings in the specs, which a retry does not change
    2: Next.FAIL,  # of `drift`: something drifted
    4: Next.FAIL,  # refused: a guard, too many rejected rows, a stale plan
    5: Next.RETRY,  # another run holds the lock
    64: Next.FAIL,  # the command line makes no sense
}


@dataclass
class Ended:
    """How a run ended.

    Attributes:
        code: exit code.
        run: number in the ledger, for `reconciler runs show`.
        actions: status of each action that ended, by address.
        failed_rows: rows that the platform failed, by load.
    """

    code: int
    run: int | None = None
    actions: dict[str, str] = field(default_factory=dict)
    failed_rows: dict[str, int] = field(default_factory=dict)

    @property
    def next(self) -> Next:
        """What to do. A load that is partial is finished: a retry would send nothing, so a person has to look."""
        if self.code == 3:
            only_rows = (
                set(self.actions.values()) <= {"succeeded", "unchanged", "partial"} and self.failed_rows
            )
            return Next.FAIL if only_rows else Next.RETRY
        return AFTER.get(self.code, Next.RETRY)

    @property
    def told(self) -> str:
        """The same for the message of a failed task."""
        where = f"`reconciler runs show {self.run}` says why" if self.run else "the log above says why"
        safe = "; it is safe to run it again" if self.next is Next.RETRY else ""
        return f"exit {self.code}: {where}{safe}"


def targets(source: str, datamarts: Iterable[str]) -> list[str]:
    """The flags that limit a run to one source."""
    return [word for d in datamarts for word in ("--target", f"ProfileSource/{source}@{d}")]


def load(workspace: str, source: str, datamarts: Iterable[str], **more: Any) -> Ended:
    """Load one source, if it has anything new; see `run`."""
    words = (
        "apply",
        "--only",
        "loads",
        "--auto-approve",
        "--lock-timeout",
        "10m",
        *targets(source, datamarts),
    )
    return run(workspace, *words, **more)


def drift(workspace: str, **more: Any) -> Ended:
    """Look whether specs and platform differ, and change nothing: if they do, a person decides; see `run`."""
    return run(workspace, "drift", "--detailed-exitcode", events=False, **more)


def run(
    workspace: str,
    *arguments: str,
    events: bool = True,
    log: logging.Logger | None = None,
    command: Sequence[str] = ("reconciler",),
    environ: dict[str, str] | None = None,
) -> Ended:
    """Run a command to its end; if this is interrupted, so is the run, in order. Only commands that apply have events."""
    log = log or logging.getLogger("reconciler")
    events_out, events_in = os.pipe()
    more = ["--events", f"/dev/fd/{events_in}"] if events else []
    process = subprocess.Popen(
        [*command, "-C", workspace, *arguments, *more, "--no-color"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
        pass_fds=[events_in], env=environ,
    )  # fmt: skip
    os.close(events_in)
    ended = Ended(-1)
    readers = [
        threading.Thread(target=_each, args=(os.fdopen(events_out), lambda x: _event(x, ended, log))),
        threading.Thread(target=_each, args=(process.stdout, lambda x: log.info("%s", x))),
    ]
    for reader in readers:
        reader.start()
    try:
        ended.code = process.wait()
    except BaseException:  # the orchestrator ends the task
        process.terminate()
        process.wait(STOP_S)
        raise
    finally:
        for reader in readers:
            reader.join(STOP_S)
    log.info("reconciler ended with %d (run %s): %s", ended.code, ended.run, ended.next.value)
    return ended


def _each(stream: IO[str], told: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            if text := line.rstrip():
                told(text)


def _event(line: str, ended: Ended, log: logging.Logger) -> None:
    event = json.loads(line)
    match event["event"]:
        case "run_started":
            ended.run = event["run"]
        case "action_finished":
            ended.actions[event["address"]] = event["status"]
            if failed := event["counts"].get("failed", 0):
                ended.failed_rows[event["address"]] = failed
                log.warning("%s: %d rows failed", event["address"], failed)
    log.debug("%s", line)
