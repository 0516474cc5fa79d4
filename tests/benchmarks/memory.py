"""Peak memory of `apply` for a source of 100 MB and one of 1 GB (G8): python -m tests.benchmarks.memory [MB ...]

Peak resident memory is summed over the coordinator and its sending processes, sampled from /proc. Prints both peaks and
their ratio, and the throughput of reading and of sending, against `sha256sum` of the same file in the same run.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

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


def measure(megabytes: int) -> int:
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
        size = path.stat().st_size
        begun = time.monotonic()
        subprocess.run(["sha256sum", str(path)], check=True, capture_output=True)
        hashed = time.monotonic() - begun
        begun = time.monotonic()
        assert workspace.run("plan", timeout=3000).code == 0
        planned = time.monotonic() - begun
        peak = [0]
        begun = time.monotonic()
        process = workspace.start("apply", "--auto-approve")
        thread = threading.Thread(target=watch, args=(process, peak))
        thread.start()
        _, err = process.communicate(timeout=3000)
        thread.join()
        applied = time.monotonic() - begun
        assert process.returncode == 0, err
        emulator.stop()
        print(
            f"{size / 1e6:8.0f} MB  peak {peak[0] / 1000:7.1f} MB   plan {size / 1e6 / planned:6.1f} MB/s ({hashed / planned:.3f} of sha256sum)"
            f"   apply {size / 1e6 / applied:6.1f} MB/s ({hashed / applied:.3f} of sha256sum)",
            flush=True,
        )
        return peak[0]


if __name__ == "__main__":
    sizes = [int(a) for a in sys.argv[1:]] or [100, 1000]
    print(f"{os.cpu_count()} cores")
    peaks = [measure(s) for s in sizes]
    print(f"peak of the largest / peak of the smallest: {peaks[-1] / peaks[0]:.2f}")
