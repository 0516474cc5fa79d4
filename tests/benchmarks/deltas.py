"""A load of changed rows beside the plain check of the same file.

rate      of reading a source and comparing it with the index of what was sent, 1 % changed, of the rate of the plain check
          (aim: at least 0.6)
bytes     to upload, of a load of all rows (aim: at most 1.1 %)
memory    of all processes while it is compared, pages that are shared counted once (aim: below 400 MB)
index     bytes a row (aim: at most 40), and of the file with identities
"""

import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path
from typing import NamedTuple

from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.compare import compare
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.digests import key_of_text
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.sent.store import Folder
from reconciler.cli.wiring.processes import readers
from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.source import Identifier, SourceDefinition, Update
from reconciler.planning.digests import load_digest
from reconciler.planning.loads.generations import Generation
from tests.benchmarks.loads import COLUMNS, row
from tests.benchmarks.memory import watch
from tests.benchmarks.shape import Row, Size, median

# Bytes a row of the index, and with the file of identities, which are kept to be deleted.
INDEX, IDENTITIES = 40, 100
PART = 300_000
KEY = LoadKey("w", "s", 1, "a" * 12)


def source(gone: str) -> SourceDefinition:
    return SourceDefinition(
        workspace="w",
        source="s",
        files=("rows.csv",),
        format="csv",
        identify_by=(Identifier(kind="user_account_id", column="id", compartment="loyalty"),),
        update=Update(force_replace=True),
        compartments={"loyalty": "7"},
        duplicates="refuse",
        send="changed",
        gone=gone,
    )


def write(root: Path, rows: int, *, changed: bool) -> None:
    """Rows with an identity of their own each; of those that changed, every hundredth is another."""
    dice = random.Random(7)
    part = [row(0, dice).partition(",")[2] for _ in range(PART)]
    with (root / "rows.csv").open("w") as file:
        file.write("id," + ",".join(COLUMNS) + "\n")
        for n in range(rows):
            mark = "x" if changed and n % 100 == 7 else ""
            file.write(f"u-{n * 7919 % rows:09d},{mark}{part[n % PART]}")


def key(_make: bool) -> bytes:
    """Handed to the processes that read, so it is no function within another one."""
    return key_of_text("k" * 32)


def indexes(root: Path) -> SentIndexes:
    scans = Scans(root, lambda *_: None, workers=readers)
    return SentIndexes(scans, Folder(root / "index"), key, "x", "1185", tempfile.TemporaryDirectory)


def loaded(root: Path, gone: str) -> Generation:
    digest = (root / "digest").read_text()
    definition = source(gone)
    key = replace(KEY, load12=(load_digest(digest, definition.compartments) or "")[:12])
    chunk = ChunkName(key, definition.max_bytes, 1, 1, "c" * 12, 1)
    return Generation(key, SealName(key, 1, 0), {chunk: ("1",)})


def keep(root: Path, gone: str) -> None:
    """The index of a load of all rows."""
    with closing(indexes(root)) as made, made.rows(source(gone), make_key=True) as (scan, rows):
        (root / "digest").write_text(scan.source_digest)
        load = loaded(root, gone)
        assert load.seal
        names = {str(n): ids for n, ids in load.chunks.items()}
        made.keep(source(gone), scan, load.seal, names, lambda: entries(rows, ()), 0, "1509")


def check(root: Path, gone: str) -> None:
    with closing(indexes(root)) as made:
        print(made.scans.get(source(gone)).bytes)


def compared(root: Path, gone: str) -> None:
    """What plan does."""
    with closing(indexes(root)) as made:
        definition = source(gone)
        found = compare(made, definition, made.scan(definition, "1509"), [loaded(root, gone)], [], "1509")
        print(found.scan.bytes, found.delta)


class Measured(NamedTuple):
    """One of these in a process of its own, and its workers: seconds by the clock and of the processors, MB, and what it printed."""

    seconds: float
    used: float
    peak: float
    printed: str


def measured(root: Path, what: str, gone: str) -> Measured:
    peak, begun, before = [0], time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "tests.benchmarks.deltas", what, str(root), gone]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watch(process, peak)
    assert process.returncode == 0
    assert process.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Measured(time.perf_counter() - begun, used, peak[0] / 1000, process.stdout.read().strip())


def delta(size: Size) -> Iterator[Row]:
    """Rate, bytes, memory and the index, with rows that vanished kept and deleted."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for gone in ("keep", "delete"):
            write(root, size.delta_rows, changed=False)
            measured(root, "keep", gone)
            stored = {path.suffix: path.stat().st_size for path in (root / "index").glob("s.*")}
            write(root, size.delta_rows, changed=True)
            rounds = [
                (measured(root, "check", gone), measured(root, "compare", gone)) for _ in range(size.rounds)
            ]
            name = f"delta, {size.delta_rows:,} rows, gone: {gone}"
            yield from _rows(name, rounds, sum(stored.values()) / size.delta_rows, deletes=gone == "delete")
            shutil.rmtree(root / "index")


def _rows(
    name: str, rounds: list[tuple[Measured, Measured]], stored: float, *, deletes: bool
) -> Iterator[Row]:
    plain, compared = ([m.seconds for m in ones] for ones in zip(*rounds, strict=True))
    yield Row(name, median(compared), "s", "plain check", median(plain), most=1 / 0.6)
    used = [[m.used for m in ones] for ones in zip(*rounds, strict=True)]
    yield Row(f"{name}: processors", median(used[1]), "s", "plain check", median(used[0]))
    check, found = rounds[0]
    sent, whole = int(found.printed.split()[0]) / 1e6, int(check.printed) / 1e6
    yield Row(f"{name}: bytes to send", sent, "MB", "all rows", whole, most=0.011)
    yield Row(f"{name}: memory", max(c.peak for _, c in rounds), "MB", "limit", 400, most=1)
    yield Row(f"{name}: index, one row", stored, "bytes", "limit", IDENTITIES if deletes else INDEX, most=1)


if __name__ == "__main__":
    {"keep": keep, "check": check, "compare": compared}[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
    # The server that began the workers would end by itself, and what all of them used would be counted nowhere.
    forkserver._forkserver._stop()  # type: ignore[attr-defined]
