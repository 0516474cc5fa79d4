"""Blocks, segments and chunks decide as the rule for one line does, whatever the bytes and wherever they are cut."""

import itertools
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records.command_blocks import judge
from reconciler.bulk.records.commands import command_line
from reconciler.bulk.records.lines import BadLine, Line
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources.segments import Segment
from reconciler.model.source import Dialect, Identifier, SourceDefinition

SOURCE = SourceDefinition(workspace="w", source="s", files=("x",), format="commands", allow="100%")
FILLED = replace(SOURCE, fill_identity=True, compartment="c", compartments={"c": "7"})
sources = st.sampled_from(
    [SOURCE, FILLED, replace(FILLED, fill_identity=False), replace(SOURCE, max_bytes=120), replace(FILLED, compartments={"c": None})]
)  # fmt: skip
FIELDS: dict[str, list[Any]] = {
    "operation": ["UPSERT", "UPSERT", "UPSERT", "DELETE", "MERGE"],
    "compartment_id": ["7", "7", "8", 7, ""],
    "user_account_id": ["u1", "u1", "u2", "", 5, "é"],
    "email_hash": ["h"],
    "user_agent_id": ["vec:1", "vec", ":x"],
    "force_replace": [True, True, False, "true"],
    "merge_objects": [True],
    "update_strategy": ["FORCE_REPLACE", "PARTIAL_UPDATE", "OTHER"],
}
PROFILE = {
    "$compartment_id": ["7", "7", 7, "8", None],
    "$user_account_id": ["u1", "u1", "u2", 5, None],
    "x": [1, None, ["a"], {"operation": "y"}, '"user_profile"', "\\u0041"],
}
USUAL = {"operation", "compartment_id", "user_account_id", "force_replace"}


@st.composite
def commands(draw: st.DrawFn) -> bytes:
    """A command that is mostly usual, sometimes with a key twice or an escaped one."""
    odd = draw(st.integers(0, 5)) == 0
    keys = [k for k in FIELDS if (k in USUAL) != (draw(st.integers(0, 11)) == 0 and odd)]
    pairs = [(k, draw(st.sampled_from(FIELDS[k])) if odd else FIELDS[k][0]) for k in keys]
    kept = [k for k in PROFILE if draw(st.integers(0, 9)) or not odd]
    profile: Any = {k: draw(st.sampled_from(PROFILE[k])) if odd else PROFILE[k][0] for k in kept}
    if odd and draw(st.integers(0, 9)) == 0:
        profile = draw(st.sampled_from([None, [], "x", 1]))
    pairs.append(("user_profile", profile))
    if odd and draw(st.booleans()):
        pairs.append(draw(st.sampled_from(pairs)))
    text = "{" + ",".join(f"{json.dumps(k)}:{json.dumps(v, ensure_ascii=False)}" for k, v in pairs) + "}"
    if draw(st.integers(0, 5)) == 0:  # a key twice, in the profile or in an object of it
        key = draw(st.sampled_from(['"x":', '"operation": ', '"$user_account_id": ', '"$compartment_id": ']))
        first, found, rest = text.rpartition(key)
        text = (
            first + key + draw(st.sampled_from(['"7"', '"u1"', "0"])) + "," + found + rest if found else text
        )
    if odd and draw(st.booleans()):
        text = text.replace('"force', draw(st.sampled_from(['"\\u0066orce', ' "force'])), 1)
    return text.encode()


lines = commands() | st.sampled_from([b"", b" ", b"{", b"[]", b"{}{}", b'{"a":\xff}', b"\r"])
bodies = st.lists(st.one_of(commands(), commands(), commands(), lines), max_size=25)
ends = st.sampled_from([b"\n", b"\n", b"\n", b"\r\n"])


def one_by_one(body: bytes, source: SourceDefinition) -> Iterator[tuple[int, Line | BadLine]]:
    """The rule, asked for each line."""
    texts = body.split(b"\n")
    for number, text in enumerate(texts[:-1] if not texts[-1] else texts):
        raw = text.removesuffix(b"\r")
        if not raw or raw.isspace() or len(raw) > source.max_bytes + 1:
            blank = not raw or raw.isspace()
            yield number, BadLine("line-blank" if blank else "line-too-large", "")
            continue
        try:
            found = command_line(raw, source)
        except BadLine as e:
            yield number, e
            continue
        yield number, BadLine("line-too-large", "") if len(found.data) > source.max_bytes else found


@given(bodies, ends, sources)
def test_a_block_that_gets_a_verdict_is_good_line_by_line(
    body: list[bytes], end: bytes, source: SourceDefinition
) -> None:
    data = b"".join(x + end for x in body)
    verdict = judge(data, source)
    if verdict is None:
        return
    found = [x for _, x in one_by_one(data, source)]
    good = [x for x in found if isinstance(x, Line)]
    assert len(good) == len(found) == verdict.lines
    assert b"".join(x.data for x in good) == data
    assert verdict.deletes == sum(x.delete for x in good)
    assert verdict.anonymous == sum(x.anonymous for x in good)
    assert verdict.safe == all(x.replay_safe for x in good)
    assert verdict.compartments == {x.compartment_id for x in good} - {None}
    assert [(verdict.field, w) for w in verdict.who] == [(x.field, x.who) for x in good]


TWICE = [
    '"operation":"UPSERT"',
    '"compartment_id":"7"',
    '"user_account_id":"u1"',
    '"force_replace":true',
    '"z":1',
    '"z":2',
]
REFUSED = [
    '"operation":"DELETE"',
    '"compartment_id":7',
    '"user_account_id":"u2"',
    '"force_replace":false',
    '"user_profile":{}',
]
REFUSED_IN_PROFILE = ['"$user_account_id":"u2"', '"$user_account_id":null', '"$compartment_id":7']
IN_PROFILE = ['"$user_account_id":"u1"', '"$compartment_id":"7"', '"x":1', '"x":2', '"x":{"operation":1,"operation":2}', '"operation":1', '"operation":2']  # fmt: skip


@pytest.mark.parametrize(
    "inner",
    [(), *itertools.combinations_with_replacement(IN_PROFILE, 2), *((x,) for x in REFUSED_IN_PROFILE)],
)
@pytest.mark.parametrize(
    "outer", [(), *itertools.combinations_with_replacement(TWICE, 2), *((x,) for x in REFUSED)]
)
def test_keys_that_stand_twice(outer: tuple[str, ...], inner: tuple[str, ...]) -> None:
    """Two values are refused of what says whom a command is about and what it does; with other keys the line is sent as it is."""
    profile = '"user_profile":{' + ",".join([*IN_PROFILE[:2], *inner]) + "}"
    line = ("{" + ",".join([*TWICE[:4], profile, *outer]) + "}").encode()
    if {*outer, *inner} & {*REFUSED, *REFUSED_IN_PROFILE}:
        with pytest.raises(BadLine):
            command_line(line, SOURCE)
        assert judge(line + b"\n", SOURCE) is None
        return
    assert command_line(line, SOURCE).data == line + b"\n"


def test_usual_blocks_get_a_verdict() -> None:
    profile = {"$compartment_id": "7", "$user_account_id": "u1", "name": "Zoë"}
    upsert = {
        "operation": "UPSERT",
        "compartment_id": "7",
        "user_account_id": "u1",
        "force_replace": True,
        "user_profile": profile,
    }
    by_hash = {
        "operation": "UPSERT",
        "email_hash": "h",
        "update_strategy": "PARTIAL_UPDATE",
        "user_profile": {},
    }
    delete = {"operation": "DELETE", "user_agent_id": "vec:1"}
    for command in (upsert, by_hash, delete):
        data = json.dumps(command, ensure_ascii=False).encode() + b"\n"
        assert judge(data * 20, SOURCE) is not None
    assert judge(json.dumps(upsert).encode() + b"\n", FILLED) is not None


@given(bodies, ends, sources, st.booleans())
def test_a_batch_is_what_the_rule_says_line_by_line(
    body: list[bytes], end: bytes, source: SourceDefinition, last: bool
) -> None:
    data = b"".join(x + end for x in body)
    data = data if last else data.removesuffix(b"\n")
    batch = checker(source, contents=True)(Segment(0, 0, data))
    found = list(one_by_one(data, source))
    good = [(n, x) for n, x in found if isinstance(x, Line)]
    assert (data if batch.data is None else batch.data) == b"".join(x.data for _, x in good)
    assert [(r.line, r.code) for r in batch.rejects] == [
        (n, x.code) for n, x in found if isinstance(x, BadLine)
    ]
    assert list(range(batch.sent) if batch.numbers is None else batch.numbers) == [n for n, _ in good]
    assert (batch.records, batch.sent) == (len(found), len(good))
    assert batch.deletes == sum(x.delete for _, x in good)
    assert batch.anonymous == sum(x.anonymous for _, x in good)
    assert batch.compartments == {x.compartment_id for _, x in good} - {None}


cells = st.text("ab,\"\n\r é'", max_size=6)


@given(
    st.lists(st.tuples(cells, cells), max_size=12),
    st.integers(200, 900),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 60),
)
def test_chunks_of_csv_are_made_again_from_their_starts(
    rows: list[tuple[str, str]], limit: int, quoted: bool, end: str, size: int
) -> None:
    def cell(text: str) -> str:
        return '"' + text.replace('"', '""') + '"' if quoted or set(text) & set(',"\n\r') else text

    text = f"id,note{end}" + "".join(f"{cell(a)},{cell(b)}{end}" for a, b in rows)
    source = SourceDefinition(
        workspace="w", source="s", files=("x.csv",), format="csv", csv=Dialect(), max_bytes=limit, allow="100%",
        identify_by=(Identifier(kind="email_hash", column="id"),),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "x.csv").write_bytes(text.encode())
        found = scan(root, source)
        again = b"".join(
            b"".join(chunk_pieces(root, found.files, source, c)) for c in found.chunks
        ).splitlines()
    expected = [(a, b) for a, b in rows if a]
    assert [(json.loads(x)["email_hash"], json.loads(x)["user_profile"]["note"]) for x in again] == expected
    lines_of = [1 + len(re.findall("\r\n|\r|\n", a + "," + b)) for a, b in rows if not a]
    assert (found.lines, found.sent) == (
        len(expected) + sum(lines_of),
        len(expected),
    )  # each line of a bad row counts
