"""What is asked of many identifiers at once is what is asked of each line by itself."""

import re
from dataclasses import replace

import msgspec
import polars
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records.command_blocks import judge
from reconciler.bulk.scan import identifiers
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.identifiers import Identifiers, looker
from reconciler.bulk.sources.segments import Segment
from reconciler.model.odd_identifiers import MARKERS
from reconciler.model.source import Identifier, SourceDefinition, Update

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("x",), format="csv", owner=Identifier(kind="user_account_id", column="o", compartment="c"),
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
)  # fmt: skip
_texts = st.sampled_from(
    ["u1", "U1", "001", "", " u", "u ", "é", "a@b.c", r"\u0041", r"\"", "{", "#", "-1", *MARKERS[:6]]
)
_odd = st.sampled_from(["u1", "U1", "é", "a b", " a", "NULL", "-", "x\u2003", "\x1fa", "a "])
_values = _texts.map(lambda t: '"' + t.replace("\\N", "\\\\N") + '"') | st.sampled_from(["7", "null"])
_names = st.sampled_from(["user_account_id", "email_hash", "user_agent_id", "$user_account_id"])
_heads = st.sampled_from(
    [
        '{"operation":"UPSERT",',
        '{"operation":"DELETE","compartment_id":"7",',
        '{ "operation": "UPSERT", ',
        "{",
    ]
)
_fields = st.tuples(_names, st.sampled_from([":", ":", " : "]), _values)
_profiles = st.lists(_fields, max_size=2, unique_by=lambda f: f[0])


@st.composite
def lines(draw: st.DrawFn) -> bytes:
    def made(fields: list[tuple[str, str, str]]) -> str:
        return ",".join(f'"{name}"{colon}{value}' for name, colon, value in fields)

    who = made([draw(_fields.filter(lambda f: f[0][0] != "$"))])
    line = f'{draw(_heads)}{who},"user_profile":{{{made(draw(_profiles))}}}}}\n'
    return line.encode()


def valid(line: bytes) -> bool:
    try:
        identifiers._identity(line), identifiers._owned(line)
    except ValueError:
        return False
    return True


@given(st.lists(lines().filter(valid), max_size=6), st.integers(0, 7))
def test_accounts_of_many_lines_at_once(made: list[bytes], count: int) -> None:
    data = b"".join(made)
    assert list(identifiers._first_accounts(data, count)) == list(
        identifiers._asked_accounts(b"".join(made[:count]))
    )


@given(st.lists(lines().filter(valid), max_size=6))
def test_plain_identifiers_are_never_odd(made: list[bytes]) -> None:
    data, places = b"".join(made), range(len(made))
    for name in (b'"user_account_id', b'"user_agent_id', b'"$user_account_id'):
        if identifiers._all_plain(data, name):
            assert not re.search(identifiers._DOUBTFUL % re.escape(name), data)
    apart = [kind for at, line in enumerate(made) for kind in looker(SOURCE)(line, [at]).counts]
    assert set(looker(SOURCE)(data, places).counts) == set(apart)


@given(
    st.lists(
        _odd,
        min_size=1,
        max_size=5,
    )
)
def test_commands_that_are_judged_plain_have_no_odd_identifier(accounts: list[str]) -> None:
    data = b"".join(
        msgspec.json.encode({"operation": "DELETE", "compartment_id": "7", "user_account_id": a}) + b"\n"
        for a in accounts
    )
    source = SourceDefinition(workspace="w", source="s", files=("x",), format="commands")
    segment = Segment(0, 0, data)
    seen = checker(source, look=True)(segment).identifiers
    assert seen is not None
    assert seen.counts == looker(source)(data, range(len(accounts))).counts
    verdict = judge(data, source)
    assert verdict is not None
    assert not (verdict.plain and seen.counts)


@given(
    st.lists(_odd | st.none(), min_size=1, max_size=6) | st.lists(st.integers(-2, 2) | st.none(), min_size=1),
    st.sampled_from(["user_account_id", "email_hash"]),
    st.booleans(),
)
def test_frames_that_are_plain_have_no_odd_identifier(
    accounts: list[str | int | None], kind: str, owned: bool
) -> None:
    column = Identifier(kind=kind, column="id", compartment="c" if kind == "user_account_id" else None)
    source = replace(
        SOURCE,
        format="parquet",
        identify_by=(column,),
        owner=SOURCE.owner if owned else None,
        update=Update(force_replace=True),
    )
    frame = polars.DataFrame(
        {"id": accounts, "o": ["u "] * len(accounts), "x": ["a"] * len(accounts)}, strict=False
    )
    segment = Segment(0, 0, frame=frame)
    batch = checker(source, look=True)(segment)
    assert batch.identifiers is not None
    assert batch.identifiers.counts == looker(source)(batch.bytes_of(segment), batch.places).counts


@given(
    st.lists(
        st.lists(st.sampled_from(["u1", "U1", "u2", "01", "1", "0", "é", "É", "ß", "ss"]), max_size=4),
        max_size=5,
    )
)
def test_spellings_are_compared_however_rows_are_divided(parts: list[list[str]]) -> None:
    whole, apart = Identifiers(["x"]), Identifiers(["x"])
    before = 0
    for part in parts:
        made = [
            b'{"operation":"UPSERT","user_account_id":"%s","user_profile":{}}\n' % a.encode() for a in part
        ]
        whole.spellings(b"".join(made), range(len(made)), 0, before)
        for at, line in enumerate(made):
            apart.spellings(line.replace(b"{", b"{ ", 1), [at], 0, before)
        before += len(made)
    expected, first = 0, dict[str, str]()
    for account in (a for part in parts for a in part):
        expected += first.setdefault(account.casefold().lstrip("0") or "0", account) != account
    for found in (whole, apart):
        assert sum(odd.count for odd in found.result()) == expected
    assert whole.result() == apart.result()
