"""Laws of the pure core, over random values."""

import hashlib
import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.chunker import Cutter, blocks
from reconciler.control.executor import execute
from reconciler.kinds.names import ChunkName, LoadKey, SealName, parse
from reconciler.model.absence import LISTINGS, Absence
from reconciler.model.address import Address
from reconciler.model.load import Position
from reconciler.model.outcome import Outcome, Status
from reconciler.planning.config.diff import changed_fields
from reconciler.planning.digests import canonical
from reconciler.spec.documents import core_scalar
from reconciler.spec.documents import parse as parse_yaml

words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=24)
hex12 = st.text("0123456789abcdef", min_size=12, max_size=12)
keys = st.builds(LoadKey, words, words, st.integers(1, 10**5), hex12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    keys, st.integers(1, 99_999_999), st.integers(1, 99999), st.integers(0, 99999), hex12, st.integers(1, 99)
)
def test_chunk_names_are_read_back(
    key: LoadKey, size: int, index: int, more: int, chunk12: str, attempt: int
) -> None:
    count = min(99999, index + more)
    name = ChunkName(key, size, index, count, chunk12, attempt)
    assert parse(str(name)) == name


@given(keys, st.integers(0, 10**9), st.integers(0, 10**9))
def test_seal_names_are_read_back(key: LoadKey, ok: int, failed: int) -> None:
    assert parse(str(SealName(key, ok, failed))) == SealName(key, ok, failed)


def test_the_longest_name_fits() -> None:
    key = LoadKey("w" * 24, "s" * 40, 9999, "0" * 12)
    assert len(str(ChunkName(key, 99_999_999, 9999, 9999, "f" * 12, 9))) <= 128


@given(st.text(max_size=140))
def test_other_names_are_not_names_of_loads(name: str) -> None:
    found = parse(name)
    assert found is None or str(found) == name


@given(words, words, st.none() | words)
def test_addresses_are_read_back(kind: str, name: str, datamart: str | None) -> None:
    assert Address.parse(str(Address(kind, name, datamart))) == Address(kind, name, datamart)


@given(st.dictionaries(st.text(min_size=1, max_size=5), json_values, max_size=5))
def test_nothing_differs_from_itself(shape: dict[str, Any]) -> None:
    assert changed_fields(shape, json.loads(json.dumps(shape))) == {}


@given(
    st.dictionaries(words, json_values, min_size=1, max_size=5),
    st.dictionaries(words, json_values, max_size=5),
)
def test_applying_the_changes_gives_the_other_side(before: dict[str, Any], after: dict[str, Any]) -> None:
    after = {k: after.get(k, before[k]) for k in before}
    changed = changed_fields(before, after)
    applied = {k: changed[k][1] if k in changed else v for k, v in before.items()}
    assert canonical(applied) == canonical(after) or applied == after


@given(
    st.lists(st.binary(min_size=1, max_size=60).map(lambda b: b.replace(b"\n", b"x") + b"\n"), max_size=60),
    st.integers(61, 300),
    st.integers(1, 20),
)
def test_chunks_joined_are_the_input_and_obey_the_limit(lines: list[bytes], limit: int, at_once: int) -> None:
    cutter = Cutter(limit)
    pieces = [b"".join(lines[i : i + at_once]) for i in range(0, len(lines), at_once)]
    offset = 0
    for piece in pieces:
        cutter.add(
            piece, piece.count(b"\n"), lambda i, offset=offset: Position(0, offset + i, 0), verbatim=True
        )
        offset += len(piece)
    cutter.close()
    joined = b"".join(lines)
    at = 0
    for number, chunk in enumerate(cutter.chunks, 1):
        assert (chunk.index, chunk.start.offset) == (number, at)
        assert 0 < chunk.size <= limit
        assert chunk.sha256 == hashlib.sha256(joined[at : at + chunk.size]).hexdigest()
        at += chunk.size
    assert at == len(joined)
    assert sum(c.lines for c in cutter.chunks) == len(lines)
    assert all(c.verbatim for c in cutter.chunks)


@given(st.lists(st.binary(max_size=50)), st.integers(1, 100))
def test_blocks_joined_are_the_lines(lines: list[bytes], size: int) -> None:
    assert b"".join(blocks(iter(lines), size)) == b"".join(lines)


@given(st.binary(max_size=400))
def test_any_bytes_are_documents_or_findings_with_a_position(content: bytes) -> None:
    documents, findings = parse_yaml("x.yaml", content)
    assert all(d.span is not None and d.span.line >= 1 for d in findings)
    for document in documents:
        assert document.data is not None


@given(
    st.recursive(
        st.sampled_from(
            ["a", "no", "014", "1", "true", "'x'", "*q", "&q z", "!t y", "{", "[", ": ", "- ", "\t", "#"]
        ),
        lambda inner: st.lists(inner, min_size=1, max_size=4).map(" ".join),
        max_leaves=12,
    ),
    st.integers(0, 3),
)
def test_any_text_that_looks_like_yaml_is_documents_or_findings(text: str, newline: int) -> None:
    documents, findings = parse_yaml("x.yaml", text.replace(" ", "\n", newline).encode())
    assert all(d.span is not None for d in findings)
    assert isinstance(documents, list)


@given(st.integers(-(10**15), 10**15))
def test_whole_numbers_are_whole_numbers(value: int) -> None:
    assert core_scalar(str(value)) == value


@given(st.floats(0, 100), st.floats(0.1, 60), st.lists(st.floats(0.001, 10), max_size=30))
def test_absence_takes_five_listings_and_the_whole_window(
    since: float, settle: float, gaps: list[float]
) -> None:
    evidence, now = Absence(since, settle), since
    for gap in gaps:
        now += gap
        evidence = evidence.unseen(now)
        if evidence.conclusive:
            assert evidence.listings >= LISTINGS
            assert now >= since + settle
            break


@given(st.floats(0, 100), st.floats(0, 60))
def test_five_listings_at_the_given_times_are_conclusive(since: float, settle: float) -> None:
    evidence, now = Absence(since, settle), since
    for _ in range(LISTINGS + 1):
        if evidence.conclusive:
            break
        now += evidence.wait(now) + 1e-6
        evidence = evidence.unseen(now)
    assert evidence.conclusive
    assert evidence.listings == (1 if settle == 0 else LISTINGS)


@given(st.data())
def test_execution_respects_every_requirement_and_tells_every_outcome(data: st.DataObject) -> None:
    names = [f"n{i}" for i in range(data.draw(st.integers(1, 8)))]
    requires = {
        n: tuple(data.draw(st.sets(st.sampled_from(names[:i]), max_size=3))) if i else ()
        for i, n in enumerate(names)
    }
    bad = data.draw(st.sets(st.sampled_from(names)))
    done: list[str] = []

    def perform(address: str) -> Outcome:
        assert all(r in done for r in requires[address])
        status = Status.FAILED if address in bad else Status.SUCCEEDED
        if status is Status.SUCCEEDED:
            done.append(address)
        return Outcome(address, status, "test")

    wide = data.draw(st.sets(st.sampled_from(names)))
    outcomes = execute(
        requires, perform, wide=wide, parallelism=3, stopping=lambda: False, finished=lambda _: None
    )
    assert [o.address for o in outcomes] == names
    for outcome in outcomes:
        blocked = any(r not in done for r in requires[outcome.address])
        assert (outcome.status is Status.SKIPPED) == blocked


def test_the_loader_is_fast_on_an_alias_bomb() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 60))
    documents, findings = parse_yaml("bomb.yaml", bomb.encode())
    assert documents == []
    assert [d.code for d in findings] == ["yaml-too-many"]
    assert Path("bomb.yaml").name == findings[0].span.path  # type: ignore[union-attr]
