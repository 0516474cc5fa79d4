"""What is said of a load and of its chunks."""

import pytest

from reconciler.bulk.load.outcome import in_order


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
