"""A large source, killed several times at random and resumed: python -m tests.benchmarks.killed [MB] [KILLS]

The same load runs once undisturbed. What the remote received of each chunk must have the same digest in both, and no chunk may
have more than one execution.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.loads import command
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace, kill

SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: big}
spec: {files: [data/big.ndjson], datamarts: retail-fr, chunk: {max_bytes: 16MB}}
"""


def write(path: Path, megabytes: int) -> None:
    dice = random.Random(7)
    part = b"".join(command(n, dice) for n in range(100_000)).replace(b'"2071"', b'"1000"')
    with path.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            file.write(part)


def received(emulator: Emulator) -> dict[str, list[str]]:
    """Digests of the bodies that took effect, by the import's name."""
    return {
        n: [str(e["sha256"]) for e in rows]
        for n, rows in emulator.executions("1509").items()
        if "sealed" not in n
    }


def count(emulator: Emulator) -> int:
    return sum(map(bool, received(emulator).values()))


def run(folder: Path, data: Path, kills: int, dice: random.Random) -> tuple[dict[str, list[str]], float, int]:
    emulator = Emulator(folder / "emulator", profiles="counted", running_seconds=0.5)
    workspace = Workspace(folder / "ws", emulator.url)
    workspace.write("specs/big.yaml", SOURCE)
    (workspace.root / "data/big.ndjson").hardlink_to(data)
    begun, done = time.monotonic(), 0
    while done < kills:
        group = dice.random() < 0.5
        process = workspace.start("apply", "--auto-approve", "--parallelism", "2")
        target = count(emulator) + dice.randint(0, 30)  # while it reads, or on the way of some chunk
        while count(emulator) < target and process.poll() is None:
            time.sleep(0.02)
        if not kill(process, group=group, after=dice.uniform(0.0, 1.5)):
            break
        done += 1
        whom = "all" if group else "the coordinator"
        print(f"  killed {whom}; {count(emulator)} chunks received", flush=True)
    last = workspace.run("apply", "--auto-approve", "--parallelism", "2", timeout=1200)
    assert last.code == 0, last
    assert workspace.run("plan", "--detailed-exitcode", timeout=600).code == 0
    found = received(emulator)
    emulator.stop()
    return found, time.monotonic() - begun, done


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    dice = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "big.ndjson"
        write(data, megabytes)
        print(f"{megabytes:,} MB")
        plain, took, _ = run(folder / "plain", data, 0, dice)
        print(f"undisturbed: {len(plain)} chunks, {took:.0f} s")
        killed, took, done = run(folder / "killed", data, kills, dice)
        assert all(len(rows) == 1 for rows in killed.values()), killed
        assert killed == plain
        print(
            f"killed {done} times: {len(killed)} chunks, each received once with the same digest, {took:.0f} s"
        )


if __name__ == "__main__":
    main()
