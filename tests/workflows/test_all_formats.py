"""Good and bad lines in every format: the same sets, each rejection with its place, and all of it adds up (G7)."""

import gzip
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars
import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

GOOD, QUARANTINED = 300, ("c00007", "c00250")
BAD_AT = (0, 120, 299)  # a record without an identifier comes before each of these
Row = dict[str, Any]


def records() -> list[Row]:
    """301 to 303 customers: good ones, and some without an id."""
    found: list[Row] = []
    for n in range(GOOD):
        if n in BAD_AT:
            found.append({"id": None, "tier": "nobody"})
        found.append({"id": f"c{n:05d}", "tier": f"é {n}"})
    return found


def commands(root: Path) -> str:
    lines = [
        json.dumps({"operation": "UPSERT", **({"user_account_id": r["id"]} if r["id"] else {}), "force_replace": True,
                    "user_profile": {**({"$user_account_id": r["id"]} if r["id"] else {}), "tier": r["tier"]}}, ensure_ascii=False)
        for r in records()
    ]  # fmt: skip
    (root / "data/x.ndjson").write_text("".join(f"{x}\n" for x in lines))
    return "files: [data/x.ndjson], fill_identity: true, compartment: loyalty"


def ndjson(root: Path) -> str:
    (root / "data/x.ndjson.zst").write_bytes(
        zstd.compress("".join(json.dumps(r) + "\n" for r in records()).encode())
    )
    return "files: [data/x.ndjson.zst]"


def csv(root: Path) -> str:
    text = "id,tier\n" + "".join(f"{r['id'] or ''},{r['tier']}\n" for r in records())
    (root / "data/x.csv.gz").write_bytes(gzip.compress(text.encode()))
    return "files: [data/x.csv.gz]"


def quoted_csv(root: Path) -> str:
    text = "id;tier\r\n" + "".join(f"'{r['id'] or ''}';'{r['tier']}\r\n,'\r\n" for r in records())
    (root / "data/x.csv").write_bytes(text.encode("windows-1252"))
    return "files: [data/x.csv], csv: {delimiter: ';', quote: \"'\", encoding: windows-1252}"


def parquet(root: Path) -> str:
    polars.DataFrame(records()).write_parquet(root / "data/x.parquet")
    return "files: [data/x.parquet]"


def sql(root: Path) -> str:
    db = sqlite3.connect(root / "x.db")
    db.execute("CREATE TABLE x (n INTEGER PRIMARY KEY, id TEXT, tier TEXT)")
    db.executemany("INSERT INTO x (id, tier) VALUES (:id, :tier)", records())
    db.commit()
    db.close()
    return f"sql: {{url: 'sqlite:///{root}/x.db', query: 'SELECT id, tier FROM x ORDER BY n'}}"


@pytest.mark.parametrize("write", [commands, ndjson, csv, quoted_csv, parquet, sql])
def test_three_sets_add_up(write: Callable[[Path], str], workspace: Workspace, emulator: Emulator) -> None:
    where = write(workspace.root)
    mapped = (
        ""
        if write is commands
        else ", identify_by: {compartment: loyalty, user_account_id: id}, update: {force_replace: true}"
    )
    workspace.write(
        "specs/x.yaml",
        "apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: x}\n"
        f"spec: {{{where}{mapped}, datamarts: retail-fr, bad_lines: {{allow: 2%}}, chunk: {{max_bytes: 9000}}}}\n",
    )
    emulator.quarantine(*QUARANTINED)
    rejects = workspace.root / "rejects"
    checked = workspace.run("source", "check", "x", "--rejects", str(rejects), "-o", "json")
    assert checked.code == 0, checked
    found = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [x["code"] for x in found] == ["line-no-identifier"] * 3
    done = workspace.run("apply", "--auto-approve", "-o", "json")
    assert done.code == 3, done
    outcome = next(o for o in json.loads(done.out)["outcomes"] if o["address"].startswith("ProfileSource"))
    counts = outcome["counts"]
    bad = 6 if write is quoted_csv else 3  # each physical line of a rejected row counts
    assert (counts["read"], counts["succeeded"], counts["failed"], counts["not_processed"]) == (
        300 + bad,
        298,
        2,
        bad,
    )
    assert len(emulator.profiles("1509")) == 298
    # The records' own numbers, from 1, of those that were rejected and of those that the remote refused.
    numbers = (
        [i for i, r in enumerate(records(), 1) if r["id"] is None],
        [i for i, r in enumerate(records(), 1) if r["id"] in QUARANTINED],
    )
    place: Callable[[int], int] = {csv: lambda n: n + 1, quoted_csv: lambda n: 2 * n}.get(write, lambda n: n)  # type: ignore[call-overload]
    assert [x["line"] for x in found] == [place(n) for n in numbers[0]]
    assert [x["line"] for x in outcome["failed_lines"]] == [place(n) for n in numbers[1]]
    if write in (csv, quoted_csv):
        assert [x["row"] for x in found] == numbers[0]
