"""Identifiers that look wrong: each rule at and around its limits, and the same counts however the rows are read."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan import check
from reconciler.bulk.scan.identifiers import oddity
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources.segments import Segment
from reconciler.model.load import Scan
from reconciler.model.odd_identifiers import MARKERS
from reconciler.model.source import Dialect, Identifier, SourceDefinition
from tests.support.workspace import CUSTOMERS, Workspace
from tests.unit.test_packed_sources import source

COMMANDS = SourceDefinition(workspace="w", source="s", files=("x",), format="commands")
HASH = "0a" * 32
RULES = [
    ("user_account_id", "u1", None),
    ("user_account_id", "0", None),
    ("user_account_id", "a b", None),
    ("user_account_id", "a@b.example", None),
    ("user_account_id", "NULLs", None),
    ("user_account_id", "--", None),
    ("user_account_id", " ", "blank"),
    ("user_account_id", "\u00a0\t", "blank"),
    ("user_account_id", " u1", "padded"),
    ("user_account_id", "u1\u00a0", "padded"),
    ("user_account_id", "NULL ", "padded"),
    ("user_account_id", "\ufeffu1", "padded"),
    ("user_account_id", "u1\u200b", "padded"),
    ("user_account_id", "u1\0\0", "padded"),
    ("user_account_id", "\u200b\ufeff", "blank"),
    ("user_account_id", "u\u200b1", None),
    *(
        (f, v, "number")
        for f in ("user_account_id", "user_agent_id")
        for v in ("1,23457E+11", "1.2e+16", "-1E+05", "12.0", "0.00")
    ),
    *(
        ("user_account_id", v, None)
        for v in ("1E5", "1.05", "v1.0", "1.0.0", "12.", ".0", "E+11", "1e+1a", "1,0")
    ),
    ("user_agent_id", "vec:1 ", "padded"),
    ("email_hash", "a@b.example", "email"),
    ("email_hash", "a@b", "no-hash"),
    ("email_hash", HASH + " ", "padded"),
    ("email_hash", HASH[1:], "no-hash"),
    ("email_hash", HASH + "0", "no-hash"),
    ("email_hash", "g" + HASH[1:], "no-hash"),
    ("email_hash", HASH, "hash 64 lower"),
    ("email_hash", HASH.upper(), "hash 64 upper"),
    ("email_hash", "A" + HASH[1:], "hash 64 mixed"),
    ("email_hash", "1" * 32, "hash 32 digits"),
    *(("email_hash", "a" * n, f"hash {n} lower") for n in (32, 40, 64, 96, 128)),
    *(("email_hash", "a" * n, "no-hash") for n in (1, 31, 33, 39, 41, 63, 65, 127, 129)),
    *(("user_account_id", m, f"marker {m}") for m in MARKERS),
]


@pytest.mark.parametrize(("field", "value", "kind"), RULES)
def test_one_value(field: str, value: str, kind: str | None) -> None:
    assert oddity(field, value) == kind


ODD = [value for field, value, _ in RULES if field == "user_account_id"] + ['q"', "\\", "é", "é ", "\\ "]
HASHES = [value for field, value, _ in RULES if field == "email_hash"] + ["a" * 64] * 9
PROFILES = st.sampled_from(
    [{}, {"user_account_id": " "}, {"email_hash": "x"}, {"x": {"$user_account_id": "NULL"}}]
)
SPACING = st.sampled_from([(",", ":"), (", ", ": ")])


@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([("user_account_id", v) for v in ODD] + [("email_hash", v) for v in HASHES]),
            PROFILES,
        )
    ),
    spacing=SPACING,
    ascii_only=st.booleans(),
)
def test_lines_are_looked_at_as_their_values_are(
    rows: list[tuple[tuple[str, str], dict[str, str]]], spacing: Any, ascii_only: bool
) -> None:
    lines, expected = [], dict[str, int]()
    for (field, value), profile in rows:
        command = {"operation": "UPSERT", field: value, "force_replace": True, "user_profile": profile}
        lines.append(json.dumps(command, separators=spacing, ensure_ascii=ascii_only) + "\n")
        if kind := oddity(field, value):
            expected[kind] = expected.get(kind, 0) + 1
    batch = check.checker(COMMANDS, look=True)(Segment(0, 0, "".join(lines).encode()))
    assert batch.identifiers.counts == expected


def counted(found: Scan) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {o.kind: (o.count, o.first) for o in found.identifiers}


@pytest.mark.slow
def test_the_fast_path_the_slow_path_and_processes_count_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = [v for v in ODD if v.isprintable() and '"' not in v] + ["U7", "u7", "007", "7"]
    rows = "".join(f"{values[n % 97] if n % 97 < len(values) else f'u{n}'},t{n}\n" for n in range(30_000))
    (tmp_path / "x.csv").write_text("id,tier\n" + rows)
    fast = scan(tmp_path, source("x.csv", "csv"))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        shared = scan(tmp_path, source("x.csv", "csv"), workers=pool)
    monkeypatch.setattr(check, "FRAME_FROM", 1 << 40)
    slow = scan(tmp_path, source("x.csv", "csv"))
    assert counted(fast) == counted(slow) == counted(shared)
    assert {"blank", "padded", "spelling", "marker NULL"} <= counted(fast).keys()


def csv_of(values: list[str], **rest: Any) -> SourceDefinition:
    kind = rest.pop("kind", "user_account_id")
    identifier = Identifier(
        kind=kind, column="id", compartment="c" if kind == "user_account_id" else None, **rest
    )
    return SourceDefinition(
        workspace="w", source="s", files=("x.csv",), format="csv", identify_by=(identifier,), compartments={"c": "1"},
        csv=Dialect(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "spellings"),
    [
        (["a", "A"], 1),
        (["a", "a"], 0),
        (["7", "07", "007"], 2),
        (["0", "00"], 1),
        (["70", "7"], 0),
        (["a0", "a00"], 0),
        (["Straße", "STRASSE"], 1),
        (["u", "U", "u", "U"], 2),
    ],
)
def test_accounts_that_differ_only_by_case_or_zeros(
    values: list[str], spellings: int, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text("id,tier\n" + "".join(f"{v},x\n" for v in values))
    found = counted(scan(tmp_path, csv_of(values)))
    assert found.get("spelling", (0, ()))[0] == spellings


def test_a_marker_that_a_recipe_hashes_is_still_seen(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,tier\nNULL,x\na@b.example,y\n")
    definition = csv_of([], kind="email_hash", hash="sha256", normalise=("trim", "lowercase"))
    found = counted(scan(tmp_path, definition))
    assert found.pop("marker NULL") == (1, ("x.csv:2",))
    assert found == {"hash 64 lower": (1, ("x.csv:3",))}


def test_every_format_is_looked_at(tmp_path: Path) -> None:
    polars.DataFrame({"id": ["u1 ", "NULL"]}).write_parquet(tmp_path / "x.parquet")
    (tmp_path / "x.ndjson").write_text('{"id":"u1 "}\n{"id": "NULL"}\n')
    (tmp_path / "x.csv").write_text("id,t\nu1 ,\nNULL,\n")
    for format_, first in (("parquet", 1), ("ndjson", 1), ("csv", 2)):
        found = counted(scan(tmp_path, source(f"x.{format_}", format_)))
        assert found == {
            "padded": (1, (f"x.{format_}:{first}",)),
            "marker NULL": (1, (f"x.{format_}:{first + 1}",)),
        }


@pytest.mark.parametrize(
    ("identify", "values", "code", "words"),
    [
        ("{compartment: loyalty, user_account_id: id}", ["NULL", "\\N", "u1"], "identifier-null-text", 'csv: {nulls: ["NULL", "\\\\N"]}'),
        ("{compartment: loyalty, user_account_id: id}", ["u1", "id", "u2"], "identifier-column-name", "1 of the identifiers | a header stands among the rows"),
        ("{email_hash: {column: id, hash: md5}}", ["u1", "id", "u2"], "identifier-column-name", "a header stands among the rows"),
        ("{compartment: loyalty, user_account_id: id}", ["u1", "ID", "ids", "u2"], None, ""),
        ("{compartment: loyalty, user_account_id: id}", ["u1  ", "u2"], "identifier-padded", "1 of the identifiers"),
        ("{compartment: loyalty, user_account_id: id}", ["u1", "U1"], "identifier-spelling", "case or leading zeros"),
        ("{email_hash: id}", ["secret@b.example"], "identifier-plain-email", "{column: id, hash: sha256"),
        ("{email_hash: {column: id, hash: md5}}", ["secret", "a@b.example", "a@@secret", "b@secret"], "identifier-no-email", "3 of the e-mail addresses to hash are no address"),
        ("{email_hash: {column: id, hash: md5}}", [HASH, "a@b.example"], "identifier-no-email", "1 of the e-mail addresses to hash is no address | remove `hash:`"),
        ("{email_hash: {column: id, hash: md5}}", [" a@b.example "], "identifier-no-email", "normalise: [trim]"),
        ("{email_hash: {column: id, hash: md5, normalise: [trim]}}", [" a@b.example ", "a.b+c@d.e.example"], None, ""),
        ("{email_hash: id}", ["12secret"], "identifier-hash-form", "32, 40, 64, 96 or 128"),
        ("{email_hash: id}", [HASH, HASH, "0a" * 16], "identifier-hash-form", "1 of the identifiers"),
        ("{email_hash: id}", [HASH, HASH, HASH.upper()], "identifier-hash-form", "length or case"),
        ("{email_hash: id}", [HASH, "1" * 64], None, ""),
    ],
)  # fmt: skip
def test_each_is_a_warning_with_places_and_a_setting_and_no_value(
    identify: str, values: list[str], code: str | None, words: str, workspace: Workspace
) -> None:
    spec = CUSTOMERS.replace("data/*.csv", "data/x.csv")
    head, _, tail = spec.partition("  identify_by:")
    workspace.write("specs/customers.yaml", f"{head}  identify_by: {identify}\n{tail.partition(chr(10))[2]}")
    workspace.write("data/x.csv", "id,tier\n" + "".join(f"{v},gold\n" for v in values))
    done = workspace.run("source", "check", "customers")
    assert done.code == 0, done
    text = " ".join(done.err.replace("│", " ").split())
    if code is None:
        assert "identifier-" not in text
        return
    assert f"warning[{code}]" in text or code in text
    for part in words.split(" | "):
        assert part in text
    assert "data/x.csv:" in text
    assert "secret" not in text
