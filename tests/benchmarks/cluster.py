"""A Dask cluster of this machine against the local engine with one process: seconds of the same apply, and until the first chunk is there.

check   `source check` of the same source: reading, checking, digesting and cutting alone (two workers against one, aim: 1.4 x as fast);
        one worker has two threads, so on a machine of two processors it leaves little for another one; so it is measured with
        workers of one processor each, too, as on machines of their own
load    the same `apply` (one worker against the local engine, aim: at most 1.15 x its time), and when its first chunk is there
        (aim: at most 3 s later)
killed  a worker killed every few seconds, so often at most: how long that takes says nothing of a machine but that it ends

All must leave the same digests, and no chunk may have more than one execution.
"""

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.shape import Missing, Row, Size, median
from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace
from tests.workflows.test_dask import workers

MARK = "x" * 160  # makes the rows of the source wide, so that it is read by workers
ROW = 332  # bytes of a command, about
CHUNK, CHUNKS = 64_000_000, 20  # bytes of a chunk as by default; of a small source at least so many chunks
STARTING_S = 3.0  # of worker processes, before they read
KILL_EVERY_S, MOST_KILLS = 3.0, 20
LATER_S, FASTER = 3.0, 1.4
# The local engine with one process that reads and one that sends, as one worker does both.
ONE_PROCESS = """
from reconciler.cli.wiring import processes
processes.reading_processes = lambda: 1
processes.sending_processes = lambda parallelism: 1
from reconciler.cli.entry import run
run()
"""


class Ran(NamedTuple):
    """Digests by the import's name, and seconds: of checking alone, the same with workers of one processor each, of the whole apply, and until its first chunk was there."""

    sent: dict[str, list[str]]
    check: float
    single: float
    took: float
    first: float


def run(folder: Path, rows: int, count: int, *, killed: bool) -> Ran:
    emulator = Emulator(folder / "emulator", profiles="counted")
    workspace = Workspace(folder / "ws", emulator.url)
    workspace.customers(rows, max_bytes=min(CHUNK, rows * ROW // CHUNKS), mark=MARK)
    if count:
        file = workspace.root / "reconciler.yaml"
        file.write_text(file.read_text() + f"  engine: {{dask: {{scheduler: local, workers: {count}}}}}\n")
    check = 0.0 if killed else checked(workspace, single=False)
    single = checked(workspace, single=True) if count and not killed else 0.0
    begun = time.monotonic()
    code, err, first = applied(emulator, workspace, killed=killed)
    while code == 3 and killed:  # at some moment no worker was left: the same command again
        code, err, _ = applied(emulator, workspace, killed=False)
    took = time.monotonic() - begun
    assert code == 0, err
    sent = {
        n: [str(e["sha256"]) for e in r] for n, r in emulator.executions("1509").items() if "sealed" not in n
    }
    emulator.stop()
    assert all(len(r) == 1 for r in sent.values()), sent
    assert f"{rows:,} succeeded + 0 failed" in err, err
    return Ran(sent, check, single, took, first - begun)


def start(workspace: Workspace, *args: str) -> "subprocess.Popen[str]":
    """The command, in a process of its own that remembers no reading of another one; of the local engine with one process."""
    cache = tempfile.mkdtemp(dir=workspace.root.parent)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
    return subprocess.Popen(
        [sys.executable, "-c", ONE_PROCESS, "-C", str(workspace.root), *args],
        env={**clean, "RECONCILER_TOKEN": TOKEN, "XDG_CACHE_HOME": cache}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def checked(workspace: Workspace, *, single: bool) -> float:
    """Seconds of a check; with `single`, of workers that have a processor each."""
    begun, process = time.monotonic(), start(workspace, "source", "check", "customers")
    bound, processors = set[int](), sorted(os.sched_getaffinity(0))
    while single and process.poll() is None:
        for pid in set(workers(process.pid)) - bound:
            processor = processors[len(bound) % len(processors)]
            with suppress(OSError):  # it ended
                for thread in Path(f"/proc/{pid}/task").iterdir():
                    os.sched_setaffinity(int(thread.name), {processor})
            bound.add(pid)
        time.sleep(0.05)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    return time.monotonic() - begun


def applied(emulator: Emulator, workspace: Workspace, *, killed: bool) -> tuple[int, str, float]:
    """How apply ended, what it said, and when the first chunk was there; a worker is killed so often, from when they read on."""
    process = start(workspace, "apply", "--auto-approve", "--parallelism", "4")
    first, kills, last = 0.0, 0, 0.0
    while process.poll() is None:
        time.sleep(0.05)
        if killed and not last and len(workers(process.pid)) > 1:
            last = time.monotonic() + STARTING_S
        if not first and any(emulator.executions("1509").values()):
            first = time.monotonic()
        due = last and kills < MOST_KILLS and time.monotonic() - last > KILL_EVERY_S
        if due and (found := workers(process.pid)):
            os.kill(found[kills % len(found)], signal.SIGKILL)
            kills, last = kills + 1, time.monotonic()
    _, err = process.communicate()
    return process.returncode, err, first


def dask(size: Size) -> Iterator[Row]:
    """One worker against the local engine with one process, two against one; and two of which one is killed again and again."""
    if importlib.util.find_spec("distributed") is None:
        missing = Missing("pip install 'mics-reconciler[dask]'")
        yield Row("load by a Dask cluster", 0, "s", "distributed", missing)
        return
    count = size.dask_megabytes * 1_000_000 // ROW
    cases = {"local": (0, False), "one": (1, False), "two": (2, False), "killed": (2, True)}
    found: dict[str, list[Ran]] = {name: [] for name in cases}
    for _ in range(size.rounds):
        for name, (many, killed) in cases.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(run(Path(folder), count, many, killed=killed))
            assert found[name][-1].sent == found["local"][0].sent
    check = {name: median([r.check for r in ran]) for name, ran in found.items()}
    single = {name: median([r.single for r in ran]) for name, ran in found.items()}
    took = {name: median([r.took for r in ran]) for name, ran in found.items()}
    first = {name: median([r.first for r in ran]) for name, ran in found.items()}
    name = f"dask, {size.dask_megabytes:,} MB"
    yield Row(f"{name}, 1 worker: check", check["one"], "s", "local, one process", check["local"], most=1.15)
    yield Row(f"{name}, 2 workers: check", check["two"], "s", "1 worker", check["one"], most=1 / FASTER)
    two = f"{name}, 2 workers of one processor: check"
    yield Row(two, single["two"], "s", "1 worker of one processor", single["one"], most=1 / FASTER)
    yield Row(f"{name}, 1 worker: load", took["one"], "s", "local, one process", took["local"], most=1.15)
    yield Row(f"{name}, 2 workers: load", took["two"], "s", "1 worker", took["one"])
    later = (first["local"] + LATER_S) / first["local"]
    yield Row("dask: first chunk after", first["one"], "s", "local, one process", first["local"], most=later)
    yield Row("dask: a worker killed every 3 s", took["killed"], "s", "2 workers", took["two"])
