"""Identities that several lines name are counted exactly, however little fits into memory; policies do as they say."""

import csv
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.duplicates import Duplicates
from reconciler.bulk.scan.scan import find_superseded, scan
from reconciler.model.load import SUPERSEDED
from reconciler.model.source import SourceDefinition
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

names = st.sampled_from(["a", "b", "None", "é", "a\u0000b", "1", "1 a,1 a", ""])
accounts = st.builds(
    lambda c, a: {"user_account_id": a} | ({"compartment_id": c} if c else {}),
    st.sampled_from([None, "1", "2"]),
    names,
)
identities = (
    accounts
    | st.builds(lambda v: {"email_hash": v}, names)
    | st.builds(lambda v: {"user_agent_id": v}, names)
)


@given(st.lists(st.tuples(st.integers(0, 1), identities), max_size=80), st.sampled_from([1, 2, 7, 1000]))
def test_they_are_counted_exactly(lines: list[tuple[int, dict[str, str]]], at_once: int) -> None:
    watch = Duplicates(at_once)
    for number, (file, identity) in enumerate(lines, 1):
        line = json.dumps({"operation": "DELETE", **identity}).encode()
        watch.add(watch.take(line + b"\n", [0]), file, number - 1)
    found = watch.repeated(["one", "two"])
    counts = Counter(json.dumps(i, sort_keys=True) for _, i in lines)
    again = [n - 1 for n in counts.values() if n > 1]
    assert (found.identities, found.commands) == (len(again), sum(again)) if found else not again
    if found:
        assert 1 <= len(found.examples) <= 5
        for example in found.examples:
            later, first = (part.split(":") for part in example.split(" after "))
            pair = [lines[int(x[1]) - 1] for x in (first, later)]
            assert pair[0][1] == pair[1][1]
            assert [("one", "two")[file] for file, _ in pair] == [first[0], later[0]]


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 9), st.booleans()), max_size=40),
    st.integers(130, 400),
    st.integers(1, 3),
)
def test_of_each_identity_the_last_line_is_sent_whatever_the_chunk(
    rows: list[tuple[str, int, bool]], max_bytes: int, files: int
) -> None:
    source = SourceDefinition(
        workspace="w",
        source="s",
        files=("*.ndjson",),
        format="commands",
        duplicates="keep_last",
        max_bytes=max_bytes,
    )
    texts = [
        json.dumps({"operation": "DELETE", "user_account_id": who, "n": n}) if delete else
        json.dumps({"operation": "UPSERT", "email_hash": who, "force_replace": True, "user_profile": {"n": n}})
        for who, n, delete in rows
    ]  # fmt: skip
    last = {(who, delete): at for at, (who, _, delete) in enumerate(rows)}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number in range(files):
            part = texts[number * len(texts) // files : (number + 1) * len(texts) // files]
            (root / f"{number}.ndjson").write_text("".join(f"{x}\n" for x in part))
        found = scan(root, source)
        with (root / "superseded").open("wb") as file:
            find_superseded(root, source, file)
        known = replace(source, superseded=str(root / "superseded"))
        assert scan(root, known) == found
        again = [b"".join(chunk_pieces(root, found.files, known, c)) for c in found.chunks]
    assert b"".join(again).decode().splitlines() == [texts[at] for at in sorted(last.values())]
    assert (found.lines, found.sent) == (len(rows), len(last))
    assert found.reasons.get(SUPERSEDED, 0) == found.rejected == len(rows) - len(last)
    assert found.deletes == sum(delete for _, delete in last)


@pytest.mark.parametrize(("policy", "code"), [("off", 0), ("warn", 0), ("refuse", 4)])
def test_the_policies(policy: str, code: int, workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(1200)
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write("c000007,v2\nc000007,v3\nc000009,v2\n")
    with (workspace.root / "specs/customers.yaml").open("a") as file:
        file.write(f"  duplicates: {policy}\n")
    assert workspace.run("validate").err == ""
    done = workspace.run("apply", "--auto-approve")
    assert done.code == code, done
    assert ("duplicate-identity" in done.err) is (policy != "off")
    if policy != "off":
        assert "2 identities are named by more than one row (3 after the first)" in done.err
        assert "data/customers.csv:1202 after data/customers.csv:9" in done.err
        assert "c000007" not in done.out + done.err
    assert (emulator.writes() == []) is (policy == "refuse")
    if policy == "warn":  # what only looks at lines does not make other lines of them
        path = workspace.root / "specs/customers.yaml"
        path.write_text(path.read_text().replace("warn", "off"))
        assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_keep_last_end_to_end(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(1200, max_bytes=20_000)
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write("c000007,v2\nc000007,v3\nc000009,v2\n")
    with (workspace.root / "specs/customers.yaml").open("a") as file:
        file.write("  duplicates: keep_last\n")
    assert "1,203 rows" in workspace.run("source", "check", "customers").out
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "1,203 read = 1,200 to send + 3 rejected" in done.err
    tiers = {account: json.loads(body)["tier"] for _, account, body in emulator.profiles("1509")}
    assert (len(tiers), tiers["c000007"], tiers["c000009"], tiers["c000008"]) == (1200, "v3", "v2", "v1")
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert list((workspace.root / ".reconciler/spool").iterdir()) == []


ROWS = [{"id": f"u{n % 3}", "name": f"né {n}\n'quoted'", "n": n} for n in range(8)]
COMMANDS = [
    {
        "operation": "UPSERT",
        "user_account_id": r["id"],
        "force_replace": True,
        "user_profile": {"name": r["name"]},
    }
    for r in ROWS
]


def _csv(path: Path) -> list[object]:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", "name", "n"])
        writer.writeheader()
        writer.writerows(ROWS)
    return [{k: str(v) for k, v in r.items()} for r in ROWS]


def _ndjson(path: Path) -> list[object]:
    path.write_text("".join(json.dumps(r) + "\n" for r in ROWS))
    return list(ROWS)


def _parquet(path: Path) -> list[object]:
    polars.DataFrame(ROWS).write_parquet(path)
    return list(ROWS)


def _commands(path: Path) -> list[object]:
    texts = [json.dumps(c, ensure_ascii=False) for c in COMMANDS]
    path.write_text("".join(f"{t}\n" for t in texts))
    return list(texts)


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.csv", _csv), ("a.ndjson", _ndjson), ("a.parquet", _parquet), ("a.commands.ndjson", _commands)],
)
def test_rejects_hold_the_row_as_the_source_has_it(
    workspace: Workspace, name: str, write: Callable[[Path], list[object]]
) -> None:
    """Not the command that would have been made of it."""
    rows = write(workspace.root / "data" / name)
    how = "  identify_by: {compartment: loyalty, user_account_id: id}\n"
    if "commands" in name:
        how = "  format: commands\n  compartment: loyalty\n  fill_identity: true\n"
    head = CUSTOMERS.partition("spec:")[0] + f'spec:\n  files: ["data/{name}"]\n  datamarts: retail-fr\n'
    workspace.write("specs/customers.yaml", head + how + "  duplicates: keep_last\n")
    out = workspace.root / "rejects.ndjson"
    done = workspace.run("source", "check", "customers", "--rejects", str(out))
    assert done.code == 0, done
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [f["data"] for f in found] == rows[:5]
    assert {f["code"] for f in found} == {SUPERSEDED}
    assert out.stat().st_mode & 0o777 == 0o600
