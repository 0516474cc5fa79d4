"""`plan` against remotes that never end, never fit or never come: python -m tests.benchmarks.hostile [FATE ...]

Prints seconds, the peak of resident memory and what the command said; each must end within 120 s and below 300 MB.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.benchmarks.memory import watch
from tests.support.hostile import FATES, Hostile
from tests.support.workspace import TOKEN, Workspace

MOST_S, MOST_MB = 120, 300


def measure(fate: str) -> tuple[float, float, int, str]:
    remote = Hostile(fate)
    try:
        with tempfile.TemporaryDirectory() as folder:
            workspace = Workspace(Path(folder) / "ws", remote.url)
            peak = [0]
            begun = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", "-C", str(workspace.root), "plan"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "RECONCILER_TOKEN": TOKEN},
            )  # fmt: skip
            watcher = threading.Thread(target=watch, args=(process, peak))
            watcher.start()
            _, said = process.communicate(timeout=1_000)
            watcher.join()
            return time.monotonic() - begun, peak[0] / 1024, process.returncode, said.partition("\n")[0]
    finally:
        remote.stop()


def main() -> int:
    bad = 0
    print(f"{'remote':32} {'seconds':>8} {'MB':>6} {'exit':>5}  said")
    for fate in sys.argv[1:] or FATES:
        seconds, megabytes, code, said = measure(fate)
        good = seconds < MOST_S and megabytes < MOST_MB and code == 1
        bad += not good
        print(
            f"{fate:32} {seconds:8.1f} {megabytes:6.0f} {code:5}  {'' if good else 'TOO MUCH '}{said}",
            flush=True,
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
