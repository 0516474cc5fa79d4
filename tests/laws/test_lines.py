"""Lines of NDJSON and of commands: the same records and counts however a file is cut and packed; nothing nested too deeply."""

import gzip
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.records.command_blocks import judge
from reconciler.bulk.records.exact_json import MAX_DEPTH
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources import segments
from reconciler.errors import ReconcilerError
from reconciler.model.load import Reject, Scan
from reconciler.model.source import Identifier, SourceDefinition, Update

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMMANDS = SourceDefinition(
    workspace="w", source="s", files=("x.ndjson*",), format="commands", compression="suffix", allow="100%", max_bytes=300,
)  # fmt: skip
NDJSON = replace(
    COMMANDS, format="ndjson", update=Update(force_replace=True), compartments={"c": "7"},
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),),
)  # fmt: skip
PACK = {"x.ndjson": bytes, "x.ndjson.gz": gzip.compress, "x.ndjson.zst": zstd.compress}


def found_in(folder: Path, source: SourceDefinition, size: int) -> tuple[Scan, list[Reject], list[bytes]]:
    """A scan in segments of this size: counts, all that is rejected, and all that is sent."""
    rejects: list[Reject] = []
    before = segments.segments.__defaults__
    segments.segments.__defaults__ = (*(before or ())[:-1], size)
    try:
        found = scan(folder, source, on_reject=lambda r, _: rejects.append(r))
        sent = [
            line
            for chunk in found.chunks
            for line in b"".join(chunk_pieces(folder, found.files, source, chunk)).split(b"\n")[:-1]
        ]
    finally:
        segments.segments.__defaults__ = before
    return found, rejects, sent


def expected(data: bytes, limit: int) -> Iterator[tuple[int, bytes, str]]:
    """The rule: the number of each line, its content, and why it cannot be asked; blank lines at the end are no rows."""
    lines = data.split(b"\n")
    contents = [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]
    while contents and len(contents[-1]) <= limit and not contents[-1].strip():
        contents.pop()
    for number, line in enumerate(contents, 1):
        code = "line-too-large" if len(line) > limit else "line-blank" if not line.strip() else ""
        yield number, line, code


def account(n: int, blanks: int) -> bytes:
    row = {"id": f"u{n}", "note": "é"}
    return json.dumps(row, ensure_ascii=False).encode() + b" " * blanks


def command(n: int, blanks: int) -> bytes:
    return b'{"operation":"DELETE","email_hash":"u%d"}' % n + b" " * blanks


# Lengths near the limit, so that a cut may fall at each byte of a line that is just too long, or just not.
blanks = st.sampled_from([0, 0, 0, 1, 7]) | st.integers(240, 290)
odd = st.sampled_from([b"", b" ", b"\t", b"\r", b"{", b"[]", b"\xff", b" " * 299, b" " * 301, b" " * 302, b"x" * 303, b"x" * 900])  # fmt: skip
ends = st.sampled_from([b"\n", b"\n", b"\r\n", b"\r\r\n"])
marks = st.sampled_from([b"", b"\xef\xbb\xbf"])


@pytest.mark.parametrize("source", [COMMANDS, NDJSON], ids=["commands", "ndjson"])
@given(st.data())
def test_every_way_of_cutting_and_packing_gives_the_same_records(
    source: SourceDefinition, data: st.DataObject
) -> None:
    made = command if source is COMMANDS else account
    rows = st.builds(made, st.integers(0, 99), blanks)
    body = data.draw(st.lists(st.tuples(rows | rows | odd, ends), max_size=12).map(lambda x: b"".join(a + b for a, b in x)))  # fmt: skip
    body += data.draw(rows | odd)
    sizes = [1 << 20, *data.draw(st.lists(st.integers(1, 400), min_size=2, max_size=2))]
    hold(data.draw(marks) + body, body, source, sizes)


def hold(content: bytes, body: bytes, source: SourceDefinition, sizes: Sequence[int]) -> None:
    seen: list[Any] = []
    for name, pack in PACK.items():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).write_bytes(pack(content))
            for size in sizes if pack is bytes else sizes[1:2]:
                found, rejects, sent = found_in(Path(folder), source, size)
                assert found.lines == found.sent + found.rejected == len(sent) + len(rejects)
                physical = body.count(b"\n") + (not body.endswith(b"\n") and body != b"")
                assert physical == found.lines + found.blank
                told = [(r.line, r.code, r.reason) for r in rejects]
                chunks = [(c.sha256, c.lines) for c in found.chunks]
                seen.append((told, sent, found.blank, found.source_digest, chunks))
    assert all(s == seen[0] for s in seen), body
    want = list(expected(body, source.max_bytes + 1))
    told, sent = seen[0][0], seen[0][1]
    assert len(told) + len(sent) == len(want)
    codes = {line: code for line, code, _ in told}
    assert all(codes.get(number) == code for number, _, code in want if code)
    who = [json.loads(s)["email_hash" if source is COMMANDS else "user_account_id"] for s in sent]
    good = [line for number, line, _ in want if number not in codes]
    assert who == [json.loads(x)["email_hash" if source is COMMANDS else "id"] for x in good]


def nested(levels: int) -> bytes:
    """A profile of so many levels, of lists and objects in turn."""
    inner = b"1"
    for n in range(levels - 1):
        inner = b"[" + inner + b"]" if n % 2 else b'{"a":' + inner + b"}"
    return b'{"a":' + inner + b"}"


@pytest.mark.parametrize("levels", [MAX_DEPTH, MAX_DEPTH + 1, 200, 985, 5_000])
@pytest.mark.parametrize("kind", ["commands", "ndjson"])
def test_what_is_nested_too_deeply_is_a_rejected_row(levels: int, kind: str, tmp_path: Path) -> None:
    profile = nested(levels)
    row = b'{"operation":"UPSERT","email_hash":"h","force_replace":true,"user_profile":' + profile + b"}"
    usual = b'{"operation":"UPSERT","email_hash":"h","force_replace":true,"user_profile":{"[[{{":"[[["}}'
    source = replace(COMMANDS, max_bytes=100_000)
    if kind == "ndjson":
        row, usual = b'{"id":"h",' + profile[1:], b'{"id":"i"}'
        source = replace(NDJSON, max_bytes=100_000)
    lines = [usual] * 20 + [row] + [usual] * 20
    (tmp_path / "x.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    found, rejects, sent = found_in(tmp_path, source, segments.SIZE)
    good = levels <= MAX_DEPTH
    assert (found.lines, found.rejected, len(sent)) == (41, 0 if good else 1, 41 if good else 40)
    told = [(r.line, r.code, r.reason) for r in rejects]
    assert told == ([] if good else [(21, "line-json", f"JSON is nested deeper than {MAX_DEPTH} levels")])


def test_brackets_within_text_are_no_levels() -> None:
    text = b'{"operation":"UPSERT","email_hash":"h","force_replace":true,"user_profile":{"a":"' + b"\\\"[{" * 300 + b'"}}\n'  # fmt: skip
    source = replace(COMMANDS, max_bytes=100_000)
    assert judge(text * 20, source) is None  # asked one by one
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.ndjson").write_bytes(text * 20)
        assert scan(Path(folder), source).sent == 20


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("source", [COMMANDS, NDJSON], ids=["commands", "ndjson"])
@pytest.mark.parametrize("packed", PACK)
def test_a_mark_of_another_encoding_stops_the_source(
    encoding: str, source: SourceDefinition, packed: str, tmp_path: Path
) -> None:
    for byteorder, mark in (("le", "\ufeff"), ("be", "\ufeff")):
        content = (mark + '{"id":"u1"}\n').encode(f"{encoding}-{byteorder}")
        (tmp_path / packed).write_bytes(PACK[packed](content))
        with pytest.raises(ReconcilerError, match=f"byte order mark of {encoding.upper()}") as e:
            scan(tmp_path, source)
        assert e.value.help == "save it as utf-8"
