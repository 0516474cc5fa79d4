"""Planning at size: compartments on fifty datamarts, and sources on fifty datamarts; the plan's document, and showing it.

Everything is new but the compartments, so that the document is as large as it gets. Pages are served without latency. Memory is that of
the plan's process and of those that read sources, pages that are shared counted once.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks import plans
from tests.benchmarks.applies import workspace
from tests.benchmarks.memory import watch
from tests.benchmarks.shape import Row, Size

SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: s{n}}}
spec:
  files: [data/s{n}.csv]
  datamarts: all
  identify_by: {{compartment: c0, user_account_id: id}}
  update: {{force_replace: true}}
  schema: off
"""
ROWS = "id,tier\n" + "".join(f"u{n},gold\n" for n in range(20))


class Planned(NamedTuple):
    """Seconds of plan, its peak in MB, the MB of its document, and seconds of `show`."""

    took: float
    peak: float
    document: float
    shown: float


def planned(root: Path) -> Planned:
    """Plan a workspace to a file, and show that."""
    command, file = [sys.executable, "-m", "reconciler", "-C", str(root)], root / "plan.json"
    peak, begun = [0], time.perf_counter()
    process = subprocess.Popen(
        [*command, "plan", "--out", str(file)], env={**os.environ, "RECONCILER_TOKEN": "t"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    watch(process, peak)
    took = time.perf_counter() - begun
    assert process.stderr
    said = process.stderr.read()
    assert process.returncode == 0, said[-2000:]
    shown = plans.run([*command, "show", str(file)])[0]
    return Planned(took, peak[0] / 1000, file.stat().st_size / 1e6, shown)


def compartments(size: Size) -> Iterator[Row]:
    """Compartments on fifty datamarts; on half of these every activation is new. One run: it takes minutes."""
    count, datamarts = size.large_compartments, size.large_datamarts
    there = {k: v for k, v in plans.pages(count, datamarts).items() if not _new(k[0])}
    server = plans.Server(there, latency=0)
    limit = plans.fetched(server.url, there)
    with tempfile.TemporaryDirectory() as folder:
        workspace(Path(folder), server.url, count, plans.PARALLELISM, datamarts)
        found = planned(Path(folder))
    yield from _rows(f"plan, {count:,} compartments on {datamarts} datamarts, half new", found, limit)


def sources(size: Size) -> Iterator[Row]:
    """Sources on fifty datamarts, each with a first load of twenty rows. One run."""
    count, datamarts = size.large_sources, size.large_datamarts
    pages = plans.pages(1, datamarts)
    server = plans.Server(pages, latency=0)
    limit = plans.fetched(server.url, pages)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        workspace(root, server.url, 1, plans.PARALLELISM, datamarts)
        (root / "data").mkdir()
        for n in range(count):
            (root / f"specs/s{n}.yaml").write_text(SOURCE.format(n=n))
            (root / f"data/s{n}.csv").write_text(ROWS)
        found = planned(root)
    yield from _rows(f"plan, {count:,} sources on {datamarts} datamarts", found, limit)


def _new(path: str) -> bool:
    parts = path.split("/")
    return len(parts) == 5 and int(parts[3]) % 2 == 1


def _rows(name: str, found: Planned, limit: float) -> Iterator[Row]:
    yield Row(name, found.took, "s", "fetch and decode the same pages", limit)
    yield Row(f"{name}: memory", found.peak, "MB", "limit", 2_000, most=1)
    yield Row(f"{name}: document", found.document, "MB", "memory", found.peak)
    yield Row(f"{name}: show", found.shown, "s", "plan", found.took)
