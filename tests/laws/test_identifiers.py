"""What is asked of many identifiers at once is what is asked of each line that is sent, read by itself."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import polars
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records.recipes import hashed
from reconciler.bulk.scan import check
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.identifiers import SHOWN, Identifiers, Seen, oddity
from reconciler.bulk.sources.segments import Segment
from reconciler.model.odd_identifiers import MARKER, MARKERS, NO_EMAIL
from reconciler.model.source import Dialect, Identifier, SourceDefinition, Update

check.FRAME_FROM = 0  # frames for a few rows, too
ACCOUNT = Identifier(kind="user_account_id", column="id", compartment="c")
HASH = Identifier(kind="email_hash", column="id")
RECIPE = replace(HASH, column="mail", hash="sha256", normalise=("trim", "lowercase"))
AGENT = Identifier(kind="user_agent_id", column="agent")
OWNER = replace(ACCOUNT, column="owner")
MAPPED = SourceDefinition(
    workspace="w", source="s", files=("x",), format="ndjson", identify_by=(ACCOUNT,), compartments={"c": "7"},
    update=Update(force_replace=True),
)  # fmt: skip
COMMANDS = SourceDefinition(workspace="w", source="s", files=("x",), format="commands")
SOURCES = st.sampled_from(
    [
        MAPPED,
        replace(MAPPED, identify_by=(HASH,)),
        replace(MAPPED, identify_by=(HASH,), owner=OWNER),
        replace(MAPPED, identify_by=(ACCOUNT,), owner=OWNER),
        replace(MAPPED, identify_by=(RECIPE, ACCOUNT)),
        replace(MAPPED, identify_by=(AGENT, HASH), owner=OWNER),
        replace(MAPPED, identify_by=(ACCOUNT, AGENT, HASH)),
    ]
)
PLAIN = ["u1", "u2", "007", "7", "0a" * 16]
ODD = ["U1", "\u00e9", "a b", " a", "a ", "x\u2003", "\x1fa", "a@b.example", "1" * 32, "0A" * 16, 'q"', "\\"]
VALUES = st.sampled_from([*PLAIN, *ODD, *MARKERS[:6], ""]) | st.none()
NAMES = ("id", "mail", "agent", "owner")
Rows = Sequence[dict[str, Any]]
ROWS = st.lists(st.tuples(VALUES, VALUES, VALUES.map(lambda v: v and f"v:{v}"), VALUES), max_size=7)


def asked_of_each_line(batch: Batch, segment: Segment, source: SourceDefinition, rows: Rows) -> Seen:
    """The rule for one line, from its bytes; of a hash that the source makes, from the row, too."""
    seen = Seen(accounts=[])
    digests = {hashed(m, i): MARKER + m for i in source.identify_by if i.hash for m in reversed(MARKERS)}
    for line, place in zip(batch.bytes_of(segment).split(b"\n"), batch.places, strict=False):
        command = json.loads(line)
        account = command.get("user_account_id")
        assert seen.accounts is not None
        seen.accounts.append(account)
        if source.owner and account is None and "user_profile" in command:
            account = command["user_profile"].get("$user_account_id")
        fields = {f: command.get(f) for f in ("email_hash", "user_agent_id")} | {"user_account_id": account}
        for field, value in fields.items():
            if value is not None and (kind := digests.get(value) or oddity(field, value)):
                seen.add(kind, (place,))
        value = command.get("email_hash")
        if RECIPE in source.identify_by and value is not None and value not in digests:
            text = str(rows[place]["mail"]).strip()
            seen.add(NO_EMAIL, () if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else (place,))
    if not seen.counts.get(NO_EMAIL):
        seen.counts.pop(NO_EMAIL, None)
        seen.first.pop(NO_EMAIL, None)
    return seen


def same(segment: Segment, source: SourceDefinition, rows: Rows = ()) -> None:
    batch = checker(source, look=True)(segment, accounts=True)
    expected = asked_of_each_line(batch, segment, source, rows)
    assert batch.identifiers == expected
    assert all(len(places) <= SHOWN for places in expected.first.values())


def rows_of(rows: list[tuple[str | None, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(NAMES, row, strict=True)) | {"tier": "gold"} for row in rows]


@given(ROWS, SOURCES, st.booleans())
def test_rows_of_json(rows: list[tuple[str | None, ...]], source: SourceDefinition, spaced: bool) -> None:
    text = "".join(
        json.dumps(row, indent=None if spaced else 0).replace("\n", "") + "\n" for row in rows_of(rows)
    )
    same(Segment(0, 0, text.encode()), source, rows_of(rows))


@given(ROWS, SOURCES)
def test_rows_of_csv(rows: list[tuple[str | None, ...]], source: SourceDefinition) -> None:
    rows = [row for row in rows if '"' not in "".join(map(str, row))]
    cells = ["\t".join("" if v is None else v for v in row) for row in rows]
    segment = Segment(0, 0, "".join(c + "\tgold\n" for c in cells).encode(), (*NAMES, "tier"))
    if cells:
        same(segment, replace(source, format="csv", csv=Dialect(delimiter="\t")), rows_of(rows))


@given(ROWS, SOURCES, st.sampled_from([polars.String, polars.Int64, polars.Float64]))
def test_rows_of_frames(rows: list[tuple[str | None, ...]], source: SourceDefinition, kind: Any) -> None:
    columns: dict[str, Any] = {
        n: polars.Series([r[n] for r in rows_of(rows)], dtype=polars.String) for n in (*NAMES, "tier")
    }
    if kind != polars.String:
        columns["id"] = polars.Series([n % 3 or None for n in range(len(rows))], dtype=kind)
    same(Segment(0, 0, frame=polars.DataFrame(columns)), replace(source, format="parquet"), rows_of(rows))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["user_account_id", "user_account_id", "email_hash", "user_agent_id"]),
            VALUES,
            st.booleans(),
        )
    )
)
def test_commands(made: list[tuple[str, str | None, bool]]) -> None:
    lines = []
    for field, found, profile in made:
        value = f"v:{found}" if found and field == "user_agent_id" else found
        command: dict[str, Any] = {"operation": "DELETE", field: value}
        if profile:
            inner = {"$user_account_id": value} if field == "user_account_id" else {"user_account_id": " "}
            command |= {"operation": "UPSERT", "force_replace": True, "user_profile": inner}
        lines.append(msgspec.json.encode(command) + b"\n")
    for chosen in (lines, lines[:1] * 3):
        same(Segment(0, 0, b"".join(chosen)), COMMANDS)


@given(
    st.lists(
        st.lists(
            st.sampled_from(["u1", "U1", "u2", "01", "1", "0", "é", "É", "ß", "ss", "a\n0", None]), max_size=4
        ),
        max_size=5,
    )
)
def test_spellings_are_compared_however_rows_are_divided(parts: list[list[str | None]]) -> None:
    whole, apart = Identifiers(["x"]), Identifiers(["x"])
    before = 0
    for part in parts:
        whole.add(Seen(accounts=list(part)), range(len(part)), 0, before)
        for at, account in enumerate(part):
            apart.add(Seen(accounts=[account]), [at], 0, before)
        before += len(part)
    expected, first = Counter[bool](), dict[str, str]()
    for account in (a for part in parts for a in part if a is not None):
        expected[first.setdefault(account.casefold().lstrip("0") or "0", account) != account] += 1
    assert sum(odd.count for odd in whole.result()) == expected[True]
    assert whole.result() == apart.result()
