"""Rates of the data plane, each against a peer in the same run.

    check       commands read, checked, digested and cut   against DuckDB's read_json (two threads and more) and `jq -c`
    tables      CSV and Parquet turned into commands, the same   against DuckDB's COPY of them as NDJSON
    upload      commands read and sent to a sink   against curl posting ready-made chunks, sink throttled to 100 MB/s;
                and at full speed, against DuckDB's read_json and `jq -c`
    duplicates  what finding them costs a line

jq, which is slow, gets 200 MB.
"""

import importlib.util
import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import polars

from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources.segments import segments
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.bulk.upload.job import Job, prepare, upload_in_process
from reconciler.cli.wiring.processes import readers
from reconciler.model.load import Scan
from reconciler.model.source import Identifier, SourceDefinition, Update
from reconciler.origin import Origin
from tests.benchmarks.shape import Missing, Row, Size, seconds, timed

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


def write_commands(root: Path, megabytes: int) -> Path:
    """The file; a part of 50 MB is made, and repeated."""
    dice, path = random.Random(7), root / "c.ndjson"
    part = b"".join(command(n, dice) for n in range(100_000))
    with path.open("wb") as file:
        while file.tell() < megabytes * 1_000_000:
            file.write(part)
    return path


def write_tables(root: Path, megabytes: int) -> None:
    """The same as tables, of a quarter of that size."""
    dice = random.Random(7)
    rows = "".join(row(n, dice) for n in range(300_000)).encode()
    with (root / "x.csv").open("wb") as file:
        file.write(("id," + ",".join(COLUMNS) + "\n").encode())
        while file.tell() < megabytes * 1_000_000 / 4:
            file.write(rows)
    frame = polars.read_csv(root / "x.csv", schema_overrides={"zip": polars.String})
    frame.write_parquet(root / "x.parquet", row_group_size=50_000)


def read(root: Path, source: SourceDefinition) -> Scan:
    with readers() as pool:
        return scan(root, source, workers=pool)


def rates(rounds: int, size: float, **works: Callable[[], object] | Missing) -> dict[str, float | Missing]:
    """MB/s of each that is there, interleaved."""
    there = {name: work for name, work in works.items() if not isinstance(work, Missing)}
    taken = seconds(rounds, there)
    return {n: w if isinstance(w, Missing) else size / 1e6 / taken[n] for n, w in works.items()}


def query(text: str) -> Callable[[], object] | Missing:
    if importlib.util.find_spec("duckdb") is None:
        return Missing("pip install duckdb")
    import duckdb

    connection = duckdb.connect()
    return lambda: connection.execute(text).fetchall()


def jq(root: Path) -> float | Missing:
    """MB/s of jq."""
    if not shutil.which("jq"):
        return Missing("apt-get install jq")
    head = root / "head.ndjson"
    with (root / "c.ndjson").open("rb") as file:
        head.write_bytes(file.read(200_000_000).rpartition(b"\n")[0] + b"\n")
    taken = timed(lambda: subprocess.run(["jq", "-c", ".", str(head)], stdout=subprocess.DEVNULL, check=True))
    return head.stat().st_size / 1e6 / taken


def check(size: Size) -> Iterator[Row]:
    """Commands, read, checked, digested and cut."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = write_commands(root, size.megabytes)
        reading = f"read_json('{path}', format='newline_delimited')"
        found = rates(
            size.rounds,
            path.stat().st_size,
            ours=lambda: read(root, COMMANDS),
            all=query(f"SELECT sum(hash(t)) FROM {reading} t"),
            count=query(f"SELECT count(*) FROM {reading}"),
        )
        name, ours = f"check {size.megabytes:,} MB of commands", number(found["ours"])
        yield Row(name, ours, "MB/s", "DuckDB read_json, all columns", found["all"], least=0.6)
        yield Row(name, ours, "MB/s", "DuckDB read_json, count(*)", found["count"])
        yield Row(name, ours, "MB/s", "jq -c", jq(root), least=10)


def number(rate: float | Missing) -> float:
    assert not isinstance(rate, Missing)
    return rate


def tables(size: Size) -> Iterator[Row]:
    """CSV and Parquet to commands, read, checked, digested and cut; rates are of the output."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tables(root, size.megabytes)
        for source, reading in ((CSV, "read_csv('{}', all_varchar=true)"), (PARQUET, "read_parquet('{}')")):
            path = root / source.files[0]
            fields = ", ".join(f"{c}: {c}" for c in COLUMNS)
            select = f"SELECT {SHAPE.format(fields)} FROM {reading.format(path)}"
            out = root / "duck.ndjson"
            copy = query(f"COPY ({select}) TO '{out}' (FORMAT json)")
            found = read(root, source)
            if not isinstance(copy, Missing):
                copy()
                same_commands(root, source, found, out)
            rate = rates(size.rounds, found.bytes, ours=lambda s=source: read(root, s), duckdb=copy)  # type: ignore[misc]
            name, ours = (
                f"{source.format} of {path.stat().st_size / 1e6:,.0f} MB to commands",
                number(rate["ours"]),
            )
            yield Row(name, ours, "MB/s", "DuckDB COPY to JSON", rate["duckdb"], least=1.0)
            yield Row(name, ours, "MB/s", "conversion alone, one process", alone(root, source))


def same_commands(root: Path, source: SourceDefinition, found: Scan, out: Path) -> None:
    """DuckDB makes what we make."""
    made = next(chunk_pieces(root, found.files, source, found.chunks[0])).splitlines()
    with out.open("rb") as file:
        assert [json.loads(x) for x in made[:200]] == [json.loads(next(file)) for _ in range(200)]


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


def upload(size: Size) -> Iterator[Row]:
    """Commands to a sink, throttled and at full speed."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        path = write_commands(root, size.megabytes)
        found = read(root, COMMANDS)
        name = f"read and upload {size.megabytes:,} MB"
        with sink(100) as url:
            peer = (
                (lambda: curl(root / "chunks", url, 2))
                if shutil.which("curl")
                else Missing("apt-get install curl")
            )
            cut(root, found)
            taken = rates(
                size.rounds,
                path.stat().st_size,
                ours=lambda: load(root, url, 2),
                planned=lambda: load(root, url, 2, found),
                curl=peer,
            )
        slow = "curl, chunks at hand, to 100 MB/s"
        yield Row(name, number(taken["ours"]), "MB/s", slow, taken["curl"])
        yield Row(
            f"{name}, planned before", number(taken["planned"]), "MB/s", slow, taken["curl"], least=1 / 1.1
        )
        shutil.rmtree(root / "chunks")
        reading = f"SELECT sum(hash(t)) FROM read_json('{path}', format='newline_delimited') t"
        with sink(0) as url:
            fast = rates(
                size.rounds, path.stat().st_size, ours=lambda: load(root, url, 2), duckdb=query(reading)
            )
        ours = number(fast["ours"])
        yield Row(
            f"{name}, fast sink", ours, "MB/s", "DuckDB read_json, all columns", fast["duckdb"], least=0.5
        )
        yield Row(f"{name}, fast sink", ours, "MB/s", "jq -c", jq(root), least=5)


def cut(root: Path, found: Scan) -> None:
    """Each chunk in a file of its own, for curl."""
    (root / "chunks").mkdir()
    for chunk in found.chunks:
        with (root / "chunks" / f"{chunk.index:04d}").open("wb") as file:
            file.writelines(chunk_pieces(root, found.files, COMMANDS, chunk))


def duplicates(size: Size) -> Iterator[Row]:
    """What finding commands about one identity costs a line."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_commands(root, min(200, size.megabytes))
        lines = scan(root, COMMANDS).lines
        warned = replace(COMMANDS, duplicates="warn")
        found = seconds(
            size.rounds, {"plain": lambda: read(root, COMMANDS), "warn": lambda: read(root, warned)}
        )
    each = {name: taken / lines * 1e6 for name, taken in found.items()}
    yield Row("duplicates: warn, one command", each["warn"], "us", "duplicates: off", each["plain"])
