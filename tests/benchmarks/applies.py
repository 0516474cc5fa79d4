"""Rate of `apply` for many independent changes, against a bare httpx loop that posts the same bodies, and nothing else.

At 20 ms and 10 at once, and at 200 ms and 50 at once. The ideal is requests × latency ÷ those at once.

The loop has one client for each thread, which is the fastest that httpx offers. Both talk to the sandbox with that latency
for every request, fresh each time. `apply` reads, checks, journals before and after each write, and has seen each of them in
a listing when it ends. Medians of interleaved rounds; the time of apply is that of the whole command, its start included.
"""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.shape import Row, Size, median

DATAMARTS = 20
ORGANISATION = "1185"


def seed(compartments: int) -> dict[str, Any]:
    return {
        "datamarts": [
            {"id": str(7000 + n), "name": f"m{n}", "organisation_id": ORGANISATION, "type": "DATAMART", "archived": False}
            for n in range(DATAMARTS)
        ],
        "compartments": [
            {"id": str(1000 + n), "organisation_id": ORGANISATION, "token": f"c{n}", "name": f"C {n}", "archived": False}
            for n in range(compartments)
        ],
        "activations": [],
    }  # fmt: skip


def workspace(root: Path, url: str, compartments: int, parallelism: int, datamarts: int = DATAMARTS) -> None:
    (root / "specs").mkdir(parents=True)
    head = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: {}}}\n"
    (root / "reconciler.yaml").write_text(
        head.format("Workspace", "bench")
        + f'spec: {{organisation_id: "{ORGANISATION}", endpoint: "{url}", settle: 0, parallelism: {parallelism}}}\n'
    )
    rows = "".join(f'  m{n}: {{id: "{7000 + n}"}}\n' for n in range(datamarts))
    (root / "specs/datamarts.yaml").write_text(head.format("Datamarts", "all") + "spec:\n" + rows)
    specs = (
        head.format("Compartment", f"c{n}") + f"spec: {{token: c{n}, activations: all}}\n"
        for n in range(compartments)
    )
    (root / "specs/compartments.yaml").write_text("---\n".join(specs))


@contextmanager
def sandbox(root: Path, planted: dict[str, Any], latency: float) -> Iterator[str]:
    (root / "seed.json").write_text(json.dumps(planted))
    command = ["sandbox", "serve", "--port", "0", "--seed", str(root / "seed.json")]
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *command, "--switch", f"latency_seconds={latency}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        yield next(word for word in process.stderr.readline().split() if word.startswith("http"))
    finally:
        process.kill()
        process.wait()


def applied(latency: float, parallelism: int, changes: int) -> tuple[float, float, float]:
    """Seconds of the whole command, of its run (from its first note in the ledger to its last), and on a processor."""
    with tempfile.TemporaryDirectory() as folder:
        root, count = Path(folder), changes // DATAMARTS
        with sandbox(root, seed(count), latency) as url:
            workspace(root / "ws", url, count, parallelism)
            command = [sys.executable, "-m", "reconciler", "-C", str(root / "ws")]
            env = {**os.environ, "RECONCILER_TOKEN": "t"}
            plan = str(root / "plan")
            subprocess.run([*command, "plan", "--out", plan], env=env, check=True, capture_output=True)
            before, begun = os.times(), time.perf_counter()
            done = subprocess.run(
                [*command, "apply", plan], env=env, check=False, capture_output=True, text=True
            )
            took, after = time.perf_counter() - begun, os.times()
            assert done.returncode == 0, done.stderr[-2000:]
            assert f"{changes} succeeded" in done.stdout, done.stdout
            with contextlib.closing(sqlite3.connect(root / "ws/.reconciler/ledger.db")) as ledger:
                (run,) = ledger.execute("SELECT ended - started FROM runs").fetchone()
            return (
                took,
                run,
                after.children_user + after.children_system - before.children_user - before.children_system,
            )


def looped(latency: float, parallelism: int, changes: int) -> float:
    """Seconds of the bare loop."""
    count = changes // DATAMARTS
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder), seed(count), latency) as url:
        local = threading.local()

        def post(job: tuple[int, int]) -> None:
            if not hasattr(local, "client"):
                local.client = httpx.Client(base_url=url, headers={"Authorization": "t"})
            body = {"datamart_id": str(7000 + job[0]), "compartment_id": str(1000 + job[1])}
            local.client.post(f"/v1/datamarts/{7000 + job[0]}/compartments", json=body).raise_for_status()

        jobs = [(d, c) for c in range(count) for d in range(DATAMARTS)]
        begun = time.perf_counter()
        with ThreadPoolExecutor(parallelism) as pool:
            list(pool.map(post, jobs))
        return time.perf_counter() - begun


def apply(size: Size) -> Iterator[Row]:
    """The run, and the whole command, at two concurrencies."""
    changes = size.changes // DATAMARTS * DATAMARTS
    for latency, parallelism, loop_aim, ideal_aim in ((0.02, 10, 0.9, None), (0.2, 50, None, 0.85)):
        loops, found = [], []
        for _ in range(size.rounds):
            loops.append(looped(latency, parallelism, changes))
            found.append(applied(latency, parallelism, changes))
        took, run, cpu = (median(list(column)) for column in zip(*found, strict=True))
        ideal = changes * latency / parallelism
        name = f"apply, {changes:,} changes, {latency * 1000:g} ms, {parallelism} at once"
        yield Row(name, run, "s", "bare httpx loop", median(loops), most=loop_aim and 1 / loop_aim)
        yield Row(name, run, "s", "ideal latency", ideal, most=ideal_aim and 1 / ideal_aim)
        yield Row(f"{name}: whole command", took, "s", "ideal latency", ideal)
        yield Row(f"{name}: processor", cpu, "s", "its run", run)
