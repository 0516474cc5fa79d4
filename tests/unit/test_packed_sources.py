"""Parquet and zstd: the same lines as from plain files, whatever the chunk, and clear words where they cannot be read."""

import datetime
import gzip
import json
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars
import pytest

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources import locations
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.model.load import Scan
from reconciler.model.source import Identifier, SourceDefinition, Update
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def source(files: str, format: str, **rest: Any) -> SourceDefinition:  # noqa: A002 - the name of the field
    fields: dict[str, Any] = {"compression": "suffix", **rest}
    return SourceDefinition(
        workspace="w",
        source="s",
        files=(files,),
        format=format,
        identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),),
        update=Update(force_replace=True),
        compartments={"c": "1"},
        **fields,
    )


def lines(root: Path, definition: SourceDefinition) -> tuple[Scan, list[bytes]]:
    """What a scan counts, and the lines of all its chunks, each read again from its own start."""
    found = scan(root, definition)
    names = locations.find(root, definition)
    sent = (b"".join(chunk_pieces(root, names, definition, chunk)) for chunk in found.chunks)
    return found, [line for data in sent for line in data.split(b"\n")[:-1]]


def profiles(root: Path, frame: Mapping[str, Any], schema: Any = None) -> tuple[Scan, list[dict[str, Any]]]:
    polars.DataFrame(frame, schema).write_parquet(root / "x.parquet")
    found, sent = lines(root, source("x.parquet", "parquet"))
    return found, [json.loads(line, parse_float=Decimal)["user_profile"] for line in sent]


UTC = datetime.UTC
VALUES: dict[str, tuple[Any, Any, Any]] = {
    "integer": (polars.Int64, 2**63 - 1, 2**63 - 1),
    "unsigned": (polars.UInt64, 2**64 - 1, 2**64 - 1),
    "float": (polars.Float64, 1.5, Decimal("1.5")),
    "boolean": (polars.Boolean, True, True),
    "text": (polars.String, 'é "x"\n', 'é "x"\n'),
    "category": (polars.Categorical, "a", "a"),
    "decimal": (polars.Decimal(38, 9), Decimal("12345678901234567890.000000001"), Decimal("12345678901234567890.000000001")),
    "date": (polars.Date, datetime.date(2026, 11, 25), "2026-11-25"),
    "time": (polars.Time, datetime.time(13, 5), "13:05:00"),
    "timestamp": (polars.Datetime("us"), datetime.datetime(2026, 11, 25, 13, 5, 0, 7), "2026-11-25T13:05:00.000007"),
    "zoned": (polars.Datetime("ms", "Europe/Paris"), datetime.datetime(2026, 11, 25, 12, 5, tzinfo=UTC), "2026-11-25T12:05:00Z"),
    "list": (polars.List(polars.Int64), [1, None, 3], [1, None, 3]),
    "struct": (polars.Struct({"a": polars.Int64, "b": polars.Int64}), {"a": 1, "b": None}, {"a": 1}),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_values_of_parquet_are_written_by_the_rule(kind: str, tmp_path: Path) -> None:
    dtype, value, written = VALUES[kind]
    found, (first, second) = profiles(
        tmp_path, {"id": ["a", "b"], "v": [value, None]}, {"id": polars.String, "v": dtype}
    )
    assert first == {"$compartment_id": "1", "$user_account_id": "a", "v": written}
    assert second == {"$compartment_id": "1", "$user_account_id": "b"}  # null is absent
    assert (found.lines, found.sent, found.rejected) == (2, 2, 0)


@pytest.mark.parametrize(
    ("dtype", "value", "words"),
    [
        (polars.Float64, float("nan"), "column 'v' holds a number that is not finite"),
        (polars.Duration, datetime.timedelta(1), "column 'v' holds a duration"),
        (polars.Binary, b"x", "column 'v' holds binary data"),
    ],
)
def test_what_json_does_not_have_makes_a_line_bad(dtype: Any, value: Any, words: str, tmp_path: Path) -> None:
    found, sent = profiles(
        tmp_path, {"id": ["a", "b"], "v": [None, value]}, {"id": polars.String, "v": dtype}
    )
    assert len(sent) == 1
    assert [(r.path, r.line, r.code, r.reason) for r in found.rejects] == [
        ("x.parquet", 2, "line-type", words)
    ]


def test_chunks_of_parquet_begin_where_they_are_said_to(tmp_path: Path) -> None:
    rows = 3_345
    frame = polars.DataFrame({"id": [f"u{n}" if n % 250 else None for n in range(rows)], "n": range(rows)})
    frame[:2000].write_parquet(tmp_path / "a.parquet", row_group_size=150)
    frame[2000:].write_parquet(tmp_path / "b.parquet")
    found, sent = lines(tmp_path, source("*.parquet", "parquet", max_bytes=5_500))
    assert len(found.chunks) > 50
    assert found.rejected == 14
    assert [json.loads(line)["user_profile"]["n"] for line in sent] == [n for n in range(rows) if n % 250]
    assert found.rejects[0].line == 1
    assert found.rejects[-1].path == "b.parquet"


CSV = "id,tier\n" + "".join(f"u{n},t{n}\n" for n in range(1000))
NDJSON = "".join(f'{{"id":"u{n}","tier":"t{n}"}}\n' for n in range(1000))


@pytest.mark.parametrize(("name", "text"), [("x.csv", CSV), ("x.ndjson", NDJSON)])
@pytest.mark.parametrize("said", [True, False], ids=["said", "by suffix"])
def test_zstd_gives_the_lines_and_the_digest_of_the_plain_file(
    name: str, text: str, said: bool, tmp_path: Path
) -> None:
    packed = f"{name}.packed" if said else f"{name}.zst"
    (tmp_path / name).write_text(text)
    (tmp_path / packed).write_bytes(zstd.compress(text.encode()))
    kind = name.rpartition(".")[2]
    plain = lines(tmp_path, source(name, kind, max_bytes=3_000))
    unpacked = lines(
        tmp_path, source(packed, kind, max_bytes=3_000, compression="zstd" if said else "suffix")
    )
    assert len(plain[0].chunks) > 10
    assert unpacked[1] == plain[1]
    assert [c.sha256 for c in unpacked[0].chunks] == [c.sha256 for c in plain[0].chunks]
    assert unpacked[0].source_digest == plain[0].source_digest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"id,tier\n", "x.parquet is not a Parquet file"),
        (b"", "x.parquet is not a Parquet file"),
        (b"PAR1", "not a Parquet"),
    ],
)
def test_what_is_no_parquet_file(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(ReconcilerError, match=words):
        scan(tmp_path, source("x.parquet", "parquet"))


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    polars.DataFrame({"nr": ["a"]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(ReconcilerError, match=r"x\.parquet has no column 'id'") as e:
        scan(tmp_path, source("x.parquet", "parquet"))
    assert e.value.help == "its columns: nr"


@pytest.mark.parametrize(("suffix", "pack"), [("zst", zstd.compress), ("gz", gzip.compress)])
def test_a_damaged_file(suffix: str, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    packed = pack(CSV.encode())
    spoilt = (
        [packed[:40] + b"\xff" * 40 + packed[80:]] if suffix == "gz" else []
    )  # zstd may come without a checksum
    for content in (packed[: len(packed) // 2], b"id,tier\n", packed + b"qq", *spoilt):
        (tmp_path / f"x.csv.{suffix}").write_bytes(content)
        with pytest.raises(ReconcilerError, match=rf"cannot read x\.csv\.{suffix}") as e:
            scan(tmp_path, source(f"x.csv.{suffix}", "csv"))
        assert "b'" not in str(e.value)  # no byte of the file


@pytest.mark.parametrize(
    ("module", "name", "kind"), [("polars", "x.parquet", "parquet"), ("backports", "x.csv.zst", "csv")]
)
def test_a_missing_extra_says_how_to_install_it(
    module: str, name: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module == "backports" and sys.version_info >= (3, 14):
        pytest.skip("zstd is in the standard library of this Python")
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra) as e:
        scan(tmp_path, source(name, kind))
    assert e.value.help == "pip install 'mics-reconciler[files]'"


def test_a_parquet_source_from_plan_to_seal(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write(
        "specs/customers.yaml",
        CUSTOMERS.replace("data/*.csv", "data/*.parquet") + "  chunk: {max_bytes: 20kB}\n",
    )
    frame = polars.DataFrame({"id": [f"c{n}" for n in range(900)], "points": range(900)})
    frame.write_parquet(workspace.root / "data/x.parquet")
    assert workspace.run("validate").err == ""
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "900 read = 900 to send + 0 rejected" in done.err + done.out
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert workspace.run("source", "check", "customers").code == 0
    packed = workspace.write("specs/customers.yaml", CUSTOMERS.replace("data/*.csv", "data/*.parquet.gz"))
    assert "compressed inside" in workspace.run("validate").err, packed
