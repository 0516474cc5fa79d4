"""What is said of a load and of its chunks."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.load.outcome import in_order
from reconciler.bulk.load.progress import Before
from reconciler.model.remote import Execution
from reconciler.planning.loads.outcome_findings import how_far
from reconciler.planning.loads.protocol import ChunkView, LoadView


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([], ""),
        (["a", "b", "a"], "a; b"),
        (["chunk 10: x", "chunk 2: y"], "chunk 2: y; chunk 10: x"),
        (["chunk 5: x", "late", "chunk 1: x", "chunk 3: z"], "late; chunks 1, 5: x; chunk 3: z"),
        (
            [f"chunk {n} ended LOST" for n in (7, 6, 5, 4, 3, 2, 1)],
            "chunks 1, 2, 3, 4, 5 and 2 more ended LOST",
        ),
    ],
)
def test_chunks_are_in_their_order_and_what_is_said_of_several_is_said_once(
    said: list[str], words: str
) -> None:
    assert in_order(said) == words


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (Before(), ""),
        (Before(sent=8, done=8), "; before this run: 8 done"),
        (Before(sent=10, done=8), "; before this run: 8 done, 2 sent"),
        (Before(sent=2), "; before this run: 2 sent"),
    ],
)
def test_what_was_done_before_is_said(before: Before, words: str) -> None:
    assert before.words == words


def chunk(index: int, status: str) -> ChunkView:
    rows = (Execution(str(index), status),) if status.isupper() else ()
    return ChunkView(index, 7, seen=status != "missing", executions=rows, refused=status == "refused")


@given(st.lists(st.sampled_from(["missing", "unsent", "refused", "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]), min_size=1, max_size=20))  # fmt: skip
def test_how_far_a_load_is_counts_each_chunk_once(states: list[str]) -> None:
    words = how_far(LoadView(tuple(chunk(n, s) for n, s in enumerate(states, 1))))
    total, rest = re.fullmatch(r"of (\d+) chunks? (.*)", words).groups()  # type: ignore[union-attr]
    assert int(total) == len(states)
    assert sum(int(n) for n in re.findall(r"\d+", re.sub(r"\(.*?\)", "", rest))) == len(states)
    ended = [str(n) for n, s in enumerate(states, 1) if s in ("PENDING", "RUNNING")]
    assert not ended or f"sent and not ended (#{', '.join(ended[:5])}" in rest
