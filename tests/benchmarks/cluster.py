"""A Dask cluster of this machine against the local engine: seconds of the same apply, and until the first chunk is there.

All must leave the same digests, and no chunk may have more than one execution.
"""

import importlib.util
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.shape import Missing, Row, Size, median
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.workflows.test_dask import workers

MARK = "x" * 160  # makes the rows of the source wide, so that it is read by workers
ROW = 332  # bytes of a command, about
STARTING_S = 3.0  # of worker processes, before they read


class Ran(NamedTuple):
    """Digests by the import's name, and seconds: of all, and until the first chunk was there."""

    sent: dict[str, list[str]]
    took: float
    first: float


def run(folder: Path, rows: int, count: int, every: float | None) -> Ran:
    emulator = Emulator(folder / "emulator", profiles="counted")
    workspace = Workspace(folder / "ws", emulator.url)
    workspace.customers(rows, max_bytes=4_000_000, mark=MARK)
    if count:
        file = workspace.root / "reconciler.yaml"
        file.write_text(file.read_text() + f"  engine: {{dask: {{scheduler: local, workers: {count}}}}}\n")
    begun = time.monotonic()
    code, err, first = applied(emulator, workspace, every)
    while code == 3 and every:  # at some moment no worker was left: the same command again
        code, err, _ = applied(emulator, workspace, None)
    took = time.monotonic() - begun
    assert code == 0, err
    sent = {
        n: [str(e["sha256"]) for e in r] for n, r in emulator.executions("1509").items() if "sealed" not in n
    }
    emulator.stop()
    assert all(len(r) == 1 for r in sent.values()), sent
    assert f"{rows:,} succeeded + 0 failed" in err, err
    return Ran(sent, took, first - begun)


def applied(emulator: Emulator, workspace: Workspace, every: float | None) -> tuple[int, str, float]:
    """How apply ended, what it said, and when the first chunk was there; a worker is killed so often, from when they read on."""
    process = workspace.start("apply", "--auto-approve", "--parallelism", "4")
    first, kills, last = 0.0, 0, 0.0
    while process.poll() is None:
        time.sleep(0.05)
        if not last and len(workers(process.pid)) > 1:
            last = time.monotonic() + STARTING_S
        if not first and any(emulator.executions("1509").values()):
            first = time.monotonic()
        if every and last and time.monotonic() - last > every and (found := workers(process.pid)):
            os.kill(found[kills % len(found)], signal.SIGKILL)
            kills, last = kills + 1, time.monotonic()
    _, err = process.communicate()
    return process.wait(), err, first


def dask(size: Size) -> Iterator[Row]:
    """One worker and two against the local engine's process pool; two of which one is killed again and again."""
    if importlib.util.find_spec("distributed") is None:
        missing = Missing("pip install 'mics-reconciler[dask]'")
        yield Row("load by a Dask cluster", 0, "s", "distributed", missing)
        return
    count = size.dask_megabytes * 1_000_000 // ROW
    cases = {"local": (0, None), "one": (1, None), "two": (2, None), "killed": (2, 3.0)}
    found: dict[str, list[Ran]] = {name: [] for name in cases}
    for _ in range(size.rounds):
        for name, (many, every) in cases.items():
            with tempfile.TemporaryDirectory() as folder:
                found[name].append(run(Path(folder), count, many, every))
            assert found[name][-1].sent == found["local"][0].sent
    took = {name: median([r.took for r in ran]) for name, ran in found.items()}
    first = {name: median([r.first for r in ran]) for name, ran in found.items()}
    name = f"dask, {size.dask_megabytes:,} MB"
    yield Row(f"{name}, 1 worker", took["one"], "s", "local process pool", took["local"])
    yield Row("dask: first chunk after", first["one"], "s", "local process pool", first["local"])
    yield Row(f"{name}, 2 workers", took["two"], "s", "1 worker", took["one"])
    yield Row("dask: a worker killed every 3 s", took["killed"], "s", "2 workers", took["two"])
