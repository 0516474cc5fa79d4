"""The local engine against a Dask cluster of this machine: python -m tests.benchmarks.cluster [MB] [SECONDS]

    local, dask with one worker, dask with two   seconds of the same apply, and until the first chunk is there
    dask with two, killed                        from the first chunk on a worker is killed every SECONDS, until the load has finished

All must leave the same digests, and no chunk may have more than one execution.
"""

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.workflows.test_dask import workers

ROW = 190  # bytes of a command, about


def run(folder: Path, rows: int, count: int, every: float | None) -> tuple[dict[str, list[str]], str]:
    emulator = Emulator(folder / "emulator", profiles="counted")
    workspace = Workspace(folder / "ws", emulator.url)
    workspace.customers(rows, max_bytes=4_000_000)
    if count:
        file = workspace.root / "reconciler.yaml"
        file.write_text(file.read_text() + f"  engine: {{dask: {{scheduler: local, workers: {count}}}}}\n")
    begun, first, kills, last = time.monotonic(), 0.0, 0, time.monotonic()
    process = workspace.start("apply", "--auto-approve", "--parallelism", "4")
    while process.poll() is None:
        time.sleep(0.05)
        if not first and any(emulator.executions("1509").values()):
            first = time.monotonic() - begun
        if every and first and time.monotonic() - last > every and (found := workers(process.pid)):
            os.kill(found[kills % len(found)], signal.SIGKILL)
            kills, last = kills + 1, time.monotonic()
    took = time.monotonic() - begun
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    sent = {
        n: [str(e["sha256"]) for e in r] for n, r in emulator.executions("1509").items() if "sealed" not in n
    }
    assert all(len(r) == 1 for r in sent.values()), sent
    assert f"{rows:,} succeeded + 0 failed" in err, err
    return sent, f"{took:7.1f} s {first:7.1f} s {kills:4} kills {len(sent):5} chunks"


def main() -> None:
    rows = int(float(sys.argv[1]) * 1_000_000 / ROW) if len(sys.argv) > 1 else 1_000_000
    every = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    cases = (
        ("local", 0, None),
        ("dask, one worker", 1, None),
        ("dask, two workers", 2, None),
        ("dask, two, killed", 2, every),
    )
    expected: dict[str, list[str]] | None = None
    for name, count, kill_every in cases:
        with tempfile.TemporaryDirectory() as folder:
            sent, words = run(Path(folder), rows, count, kill_every)
        expected = expected or sent
        print(f"{name:18} {words}  {'same digests' if sent == expected else 'OTHER DIGESTS'}", flush=True)
        assert sent == expected


if __name__ == "__main__":
    main()
