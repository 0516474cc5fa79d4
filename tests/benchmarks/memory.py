"""Peak memory of `apply` for a source, and for one of a tenth of its size (G8); the sandbox is another process's.

Memory is summed over the coordinator and its sending processes, pages that are shared counted once, sampled from /proc. The time of
plan and apply of the larger one is compared with that of `sha256sum` of the same file.
"""

import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.shape import Row, Size, median, quietly, timed
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

LINE = '{{"operation":"UPSERT","user_account_id":"u{n:09d}","force_replace":true,"user_profile":{{"$user_account_id":"u{n:09d}","tier":"gold","visits":{v},"city":"Lyon","note":"{pad}"}}}}\n'
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: big}
spec: {files: [data/big.ndjson], datamarts: retail-fr}
"""


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == pid:
                found += tree(int(entry.name))
    return found


def proportional(pid: int) -> int:
    """Proportional set size in kB: shared pages are counted once."""
    try:
        rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(r.split()[1]) for r in rows if r.startswith("Pss:")), 0)


def watch(process: "subprocess.Popen[str]", peak: list[int]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], sum(proportional(p) for p in tree(process.pid)))
        time.sleep(0.05)


class Measured(NamedTuple):
    """Peak in MB, and MB/s of each."""

    peak: float
    hashing: float
    planning: float
    applying: float


def measure(megabytes: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        emulator = Emulator(Path(folder) / "emulator", profiles="counted")
        workspace = Workspace(Path(folder) / "ws", emulator.url)
        workspace.write("specs/big.yaml", SOURCE)
        path = workspace.root / "data/big.ndjson"
        with path.open("w") as file:
            n = 0
            while file.tell() < megabytes * 1_000_000:
                file.writelines(LINE.format(n=n + i, v=i % 97, pad="x" * (i % 60)) for i in range(10_000))
                n += 10_000
        size = path.stat().st_size / 1e6
        hashed = timed(lambda: quietly("sha256sum", path))
        planned = timed(lambda: workspace.run("plan", timeout=3000))
        peak, begun = [0], time.monotonic()
        process = workspace.start("apply", "--auto-approve")
        thread = threading.Thread(target=watch, args=(process, peak))
        thread.start()
        _, err = process.communicate(timeout=3000)
        thread.join()
        applied = time.monotonic() - begun
        assert process.returncode == 0, err
        emulator.stop()
        return Measured(peak[0] / 1000, size / hashed, size / planned, size / applied)


def memory(size: Size) -> Iterator[Row]:
    """Peak of the larger against the smaller."""
    small, large = size.memory // 10, size.memory
    found = [(measure(small), measure(large)) for _ in range(size.rounds)]
    less, more = (
        Measured(*map(median, map(list, zip(*ones, strict=True)))) for ones in zip(*found, strict=True)
    )
    yield Row(f"apply {large:,} MB, peak memory", more.peak, "MB", f"of {small:,} MB", less.peak, most=1.25)
    yield Row(f"plan {large:,} MB", more.planning, "MB/s", "sha256sum", more.hashing)
    yield Row(f"apply {large:,} MB, to the sandbox", more.applying, "MB/s", "sha256sum", more.hashing)
