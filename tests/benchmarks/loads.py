"""Rates of the data plane, each against a peer in the same run: python -m tests.benchmarks.loads [MB]

    commands   read, checked, digested and cut     against DuckDB's read_json (two threads and more) and `jq -c`
    csv        turned into commands, the same       against DuckDB's COPY of read_csv as NDJSON
    parquet    the same                             against DuckDB's COPY of read_parquet as NDJSON
    upload     commands read and sent to a sink     against curl posting ready-made chunks, sink throttled to 100 MB/s;
               and at full speed, against DuckDB's read_json and `jq -c`
    duplicates what finding them costs a line

Medians of interleaved rounds. The file is 2 GB unless said otherwise; jq, which is slow, gets 200 MB of it.
"""

import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import polars

from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.scan import chunk_pieces, scan
from reconciler.bulk.sources.segments import segments
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.bulk.upload.job import Job, prepare, upload_in_process
from reconciler.cli.wiring.processes import readers
from reconciler.model.load import Scan
from reconciler.model.source import Identifier, SourceDefinition, Update
from reconciler.origin import Origin

ROUNDS = 3
WORDS = [
    "loyal",
    "premium",
    "gold",
    "silver",
    "weekly",
    "monthly",
    "newsletter",
    "Paris",
    "Lyon",
    "Berlin",
    "Genève",
    "café",
    "crème",
    "sport",
    "outdoor",
    "garden",
]
COMMANDS = SourceDefinition(workspace="w", source="s", files=("c.ndjson",), format="commands")
CSV = SourceDefinition(
    workspace="w", source="s", files=("x.csv",), format="csv", update=Update(force_replace=True),
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "2071"},
)  # fmt: skip
PARQUET = replace(CSV, files=("x.parquet",), format="parquet")
COLUMNS = ("tier", "visits", "spend", "first_name", "city", "opt_in", "street", "zip", "note")
SHAPE = "'UPSERT' AS operation, '2071' AS compartment_id, id AS user_account_id, true AS force_replace, {{'$compartment_id': '2071', '$user_account_id': id, {}}} AS user_profile"


def command(n: int, dice: random.Random) -> bytes:
    account = f"u-{n:09d}"
    profile = {
        "$compartment_id": "2071", "$user_account_id": account, "tier": dice.choice(WORDS), "visits": dice.randrange(500),
        "spend": dice.randrange(100000) / 100, "first_name": dice.choice(WORDS), "city": dice.choice(WORDS),
        "opt_in": dice.random() < 0.5, "tags": dice.sample(WORDS, 3),
        "address": {"street": f"{dice.randrange(200)} rue {dice.choice(WORDS)}", "zip": f"{dice.randrange(99999):05d}"},
        "last_order": {"id": dice.randrange(10**9), "amount": dice.randrange(10000) / 100, "ts": 1_700_000_000_000 + n},
        "note": " ".join(dice.choices(WORDS, k=dice.randrange(3, 14))),
    }  # fmt: skip
    line = {
        "operation": "UPSERT",
        "compartment_id": "2071",
        "user_account_id": account,
        "force_replace": True,
        "user_profile": profile,
    }
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def row(n: int, dice: random.Random) -> str:
    return (
        f"u-{n:09d},{dice.choice(WORDS)},{dice.randrange(500)},{dice.randrange(100000) / 100},{dice.choice(WORDS)},{dice.choice(WORDS)},"
        f"{'true' if dice.random() < 0.5 else 'false'},{dice.randrange(200)} rue {dice.choice(WORDS)},{dice.randrange(99999):05d},{' '.join(dice.choices(WORDS, k=8))}\n"
    )


def write(root: Path, megabytes: int) -> None:
    """The files; a part of 50 MB is made, and repeated."""
    dice = random.Random(7)
    part = b"".join(command(n, dice) for n in range(100_000))
    with (root / "c.ndjson").open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            file.write(part)
    rows = "".join(row(n, dice) for n in range(300_000)).encode()
    with (root / "x.csv").open("wb") as file:
        file.write(("id," + ",".join(COLUMNS) + "\n").encode())
        while file.tell() < megabytes * 1_000_000 / 4:
            file.write(rows)
    frame = polars.read_csv(root / "x.csv", schema_overrides={"zip": polars.String})
    frame.write_parquet(root / "x.parquet", row_group_size=50_000)


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def medians(size: float, **works: Callable[[], object]) -> dict[str, float]:
    """MB/s of each, interleaved."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            taken[name].append(timed(work))
    return {name: size / 1e6 / statistics.median(t) for name, t in taken.items()}


def show(title: str, rates: dict[str, float], against: dict[str, float | None]) -> None:
    ours = rates["reconciler"]
    print(f"\n{title}: {ours:,.0f} MB/s")
    for name, limit in against.items():
        aim = f"   (aim: at least {limit:g})" if limit is not None else ""
        print(f"  {ours / rates[name]:6.2f} x {name}, {rates[name]:,.0f} MB/s{aim}")


def read(root: Path, source: SourceDefinition) -> Scan:
    with readers() as pool:
        return scan(root, source, workers=pool)


def query(text: str) -> Callable[[], object]:
    connection = duckdb.connect()
    return lambda: connection.execute(text).fetchall()


def jq(root: Path) -> float:
    head = root / "head.ndjson"
    with (root / "c.ndjson").open("rb") as file:
        head.write_bytes(file.read(200_000_000).rpartition(b"\n")[0] + b"\n")
    taken = timed(lambda: subprocess.run(["jq", "-c", ".", str(head)], stdout=subprocess.DEVNULL, check=True))
    return head.stat().st_size / 1e6 / taken


def tables(root: Path) -> None:
    """CSV and Parquet to commands; the bytes are made in the same processes as in a run."""
    for source, reading in ((CSV, "read_csv('{}', all_varchar=true)"), (PARQUET, "read_parquet('{}')")):
        path = root / source.files[0]
        fields = ", ".join(f"{c}: {c}" for c in COLUMNS)
        select = f"SELECT {SHAPE.format(fields)} FROM {reading.format(path)}"
        out = root / "duck.ndjson"
        size = path.stat().st_size
        copy = query(f"COPY ({select}) TO '{out}' (FORMAT json)")
        found = read(root, source)
        copy()
        made = next(chunk_pieces(root, found.files, source, found.chunks[0])).splitlines()
        with out.open("rb") as file:
            assert [json.loads(x) for x in made[:200]] == [json.loads(next(file)) for _ in range(200)]
        rates = medians(found.bytes, reconciler=lambda s=source: read(root, s), duckdb=copy)  # type: ignore[misc]
        show(
            f"{source.format} to commands, read, checked, digested and cut ({size / 1e6:,.0f} MB in; rates are of the output)",
            rates,
            {"duckdb": 1.0},
        )
        print(f"  one process, conversion alone: {alone(root, source):,.0f} MB/s")


def alone(root: Path, source: SourceDefinition) -> float:
    """MB/s of what one process makes of segments that are in memory."""
    check = checker(source)
    pieces = list(segments(root, [source.files[0]], source))[:40]
    amount = sum(len(check(s).data or b"") for s in pieces)
    return amount / 1e6 / timed(lambda: [check(s) for s in pieces])


@contextmanager
def sink(rate: int) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.sink", str(rate)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.wait()


def load(root: Path, url: str, workers: int, found: Scan | None = None) -> None:
    """Read, check, digest, cut, if that was not done by a plan; then send every chunk once, as apply does."""
    found = found or read(root, COMMANDS)
    gate = CommitGate(lambda _: True)
    with ProcessPoolExecutor(workers, initializer=prepare, initargs=([], gate.channels(workers))) as pool:
        jobs = [
            Job(name=str(c.index), origin=Origin.parse(url), path="/x", token="t", root=str(root), files=found.files,
                source=COMMANDS, chunk=c, timeout=600)
            for c in found.chunks
        ]  # fmt: skip
        answers = list(pool.map(upload_in_process, jobs))
    gate.close()
    assert all(a.verdict.value == "done" for a in answers), answers[0]


def curl(chunks: Path, url: str, workers: int) -> None:
    names = "\n".join(str(p) for p in sorted(chunks.iterdir()))
    post = f"curl -sf -o /dev/null -H 'Content-Type: application/x-ndjson' -H 'Expect:' --data-binary @{{}} {url}/x"
    subprocess.run(
        ["xargs", "-P", str(workers), "-I", "{}", "sh", "-c", post], input=names, text=True, check=True
    )


def uploads(root: Path, json_rate: float, jq_rate: float) -> None:
    size = (root / "c.ndjson").stat().st_size
    chunks = root / "chunks"
    chunks.mkdir()
    found = read(root, COMMANDS)
    for chunk in found.chunks:
        with (chunks / f"{chunk.index:04d}").open("wb") as file:
            file.writelines(chunk_pieces(root, found.files, COMMANDS, chunk))
    with sink(100) as url:
        rates = medians(
            size,
            reconciler=lambda: load(root, url, 2),
            planned=lambda: load(root, url, 2, found),
            curl=lambda: curl(chunks, url, 2),
        )
    print(
        f"\nupload, sink throttled to 100 MB/s: {rates['curl'] / rates['reconciler']:.2f} x the time of curl with ready-made chunks\n"
        f"  with a plan at hand: {rates['curl'] / rates['planned']:.2f} x (aim: at most 1.1)"
    )
    shutil.rmtree(chunks)
    with sink(0) as url:
        rates = medians(size, reconciler=lambda: load(root, url, 2))
    show(
        "upload, full speed",
        {**rates, "read_json, all columns": json_rate, "jq -c": jq_rate},
        {"read_json, all columns": 0.5, "jq -c": 5},
    )


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print(f"{os.cpu_count()} cores, {megabytes:,} MB of commands, medians of {ROUNDS} interleaved rounds")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, megabytes)
        path = root / "c.ndjson"
        reading = f"read_json('{path}', format='newline_delimited')"
        rates = medians(
            path.stat().st_size,
            reconciler=lambda: read(root, COMMANDS),
            all=query(f"SELECT sum(hash(t)) FROM {reading} t"),
            count=query(f"SELECT count(*) FROM {reading}"),
        )
        rates = {
            "reconciler": rates["reconciler"],
            "read_json, all columns": rates["all"],
            "read_json, count(*) only": rates["count"],
            "jq -c": jq(root),
        }
        show(
            "commands, read, checked, digested and cut",
            rates,
            {"read_json, all columns": 0.6, "read_json, count(*) only": None, "jq -c": 10},
        )
        tables(root)
        uploads(root, rates["read_json, all columns"], rates["jq -c"])
        small = replace(COMMANDS, files=("head.ndjson",))
        plain, watched = (
            timed(lambda s=s: read(root, s)) for s in (small, replace(small, duplicates="warn"))
        )
        lines = scan(root, small).lines
        print(f"\nduplicates: {(watched - plain) / lines * 1e6:.1f} µs a line more")


if __name__ == "__main__":
    main()
