"""Rows of many lines at once are those of the decoder for one text: the same values, written alike, or the same reasons."""

import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records import exact_json
from reconciler.bulk.records.lines import BadLine
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.check import checker
from reconciler.bulk.sources.segments import Segment
from reconciler.model.source import Identifier, SourceDefinition, Update

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("x",), format="ndjson", update=Update(force_replace=True), compartments={"c": "7"},
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),),
)  # fmt: skip
SOURCES = st.sampled_from([SOURCE, replace(SOURCE, nulls="absent"), replace(SOURCE, types={"a": "number"})])
TEXTS = st.sampled_from(
    ["a", "b", "id", "é", 'x":1', "u : v", "\\", "\u2028", "\ud800", "{", "$user_account_id", "7.0"]
)
NUMBERS = st.sampled_from(
    [
        "0",
        "-0",
        "7",
        "7.0",
        "-0.0",
        "1.50",
        "0.1",
        "1e5",
        "1E+2",
        "1e22",
        "1e400",
        "1e-400",
        "0.1000000000000000055",
        "12345678901234567890123",
    ]
)
SPACES = st.sampled_from(["", "", "", " ", "\t"])


def _text(found: tuple[str, bool]) -> str:
    return json.dumps(found[0], ensure_ascii=found[1] or "\ud800" in found[0])


def _object(pairs: list[tuple[str, str, str]]) -> str:
    return "{" + ",".join(f"{k}{blank}:{v}" for k, blank, v in pairs) + "}"


strings = st.tuples(TEXTS, st.booleans()).map(_text)
values = st.recursive(
    strings | NUMBERS | st.sampled_from(["null", "true", "nul", "[1,]"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: f"[{','.join(found)}]")
        | st.lists(st.tuples(strings, SPACES, inner), max_size=3).map(_object)
    ),
    max_leaves=4,
)
objects = st.lists(st.tuples(strings, SPACES, values), max_size=3).map(
    lambda pairs: _object([('"id"', "", '"7.0"'), *pairs])
)
rows = objects.map(str.encode) | st.sampled_from(
    [b"", b" ", b"[1]", b"null", b'{"id":"u","a":"\xff"}', b'{"id":"u"}\r', b'{"id":"u"}{}', b'{"id":"u","a":' + b"[" * 100 + b"]" * 100 + b"}"]
)  # fmt: skip
usual = st.sampled_from([b'{"id":"u1","a":1.5}', b'{"id":"u2","a":{"b":["c"]}}', b'{"id": "u3", "a": 2.50}'])


def outcome(decode: Any, text: bytes) -> bytes | tuple[str, str]:
    try:
        return msgspec.json.encode(decode(text))
    except BadLine as e:
        return e.code, e.reason


@given(st.lists(rows | usual, min_size=1, max_size=8))
def test_a_line_of_many_is_decoded_as_by_itself(lines: list[bytes]) -> None:
    decode = exact_json.decoder(b"\n".join(lines))
    for line in lines:
        if line.strip():
            text = line.removesuffix(b"\r")
            assert outcome(decode, text) == outcome(exact_json.decode, text)


def checked(
    lines: list[bytes], source: SourceDefinition, monkeypatch: pytest.MonkeyPatch, *, at_once: bool
) -> Batch:
    with monkeypatch.context() as patched:
        if not at_once:
            patched.setattr(exact_json, "decoder", lambda _: exact_json.decode)
        return checker(source, look=True)(Segment(0, 0, b"".join(x + b"\n" for x in lines)), accounts=True)


@given(lines=st.lists(rows | usual, max_size=8), source=SOURCES)
def test_what_is_sent_of_a_block_is_what_is_sent_of_its_lines(
    lines: list[bytes], source: SourceDefinition
) -> None:
    monkeypatch = pytest.MonkeyPatch()
    at_once = checked(lines, source, monkeypatch, at_once=True)
    assert at_once == checked(lines, source, monkeypatch, at_once=False)


@pytest.mark.parametrize(
    "line", [b'{"id":"u","a":1.5,"b":{"c":["d"]}}', b'{"id": "u", "a": 1.50, "b": "\\u00e9"}']
)
def test_usual_lines_are_asked_less(line: bytes) -> None:
    assert exact_json.decoder(line + b"\n" + line) is not exact_json.decode
