"""What a plan says is still to be uploaded: of a load that is continued, only what was not sent."""

import msgspec
import pytest

from reconciler.planning.plan.planner import to_upload
from tests.tables.test_guards import load


@pytest.mark.parametrize(
    ("action", "chunks", "unfinished", "expected"),
    [
        ("execute", 10, {}, 1000),
        ("execute", 10, {"unsent": 4}, 1000),  # what newer content gives up says nothing of it
        ("resume", 10, {}, 0),
        ("resume", 10, {"live": 10}, 0),
        ("resume", 10, {"live": 1, "unsent": 9}, 900),
        ("resume", 10, {"unknown": 2, "failed": 1, "missing": 2}, 300),
        ("resume", 10, {"unsent": 10}, 1000),
        ("resume", 1, {"unsent": 1}, 1000),
        ("resume", 0, {}, 1000),  # how it is cut is not known yet
    ],
)
def test_what_is_still_to_be_sent(
    action: str, chunks: int, unfinished: dict[str, int], expected: int
) -> None:
    made = msgspec.structs.replace(load(10, 0, 0, action), bytes=1000, chunks=chunks, unfinished=unfinished)
    assert to_upload(made) == expected
