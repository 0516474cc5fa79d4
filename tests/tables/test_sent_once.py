"""What keeps a chunk from being sent twice: who was first to create its import, what is there already, how often it is looked for."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.answers import Answer, Verdict
from reconciler.api.presence import Clock, prove_absent_or_find
from reconciler.api.shared import SharedListing
from reconciler.api.writes import Done
from reconciler.bulk.load.listings import LoadStopped
from reconciler.bulk.load.manifest import Imports
from reconciler.bulk.load.send import ChunkSender
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.errors import LedgerFailed
from reconciler.model.absence import LISTINGS, Absence
from reconciler.model.listing import Listed, Listing
from reconciler.model.load import Chunk, Position
from reconciler.model.remote import Execution, Import

NAME = "the import's name"
UNCLEAR, MADE = Answer(Verdict.UNCLEAR, "502"), Answer(Verdict.DONE, "201", {"id": "7", "name": NAME}, 201)


class _Time:
    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.sleep, lambda: self.seconds)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("answers", "there", "stops"),
    [
        ([MADE], ("6", "7"), True),  # somebody was first
        ([MADE], ("7", "8"), False),  # somebody came later, and stops
        ([MADE], ("7",), False),
        ([MADE], ("10", "7"), False),  # ids are numbers
        ([UNCLEAR, MADE], ("6", "7"), False),  # the first try of this run may have made it
        ([], ("6", "7"), False),  # an earlier run made both
    ],
)
def test_a_twin_that_was_first_stops_the_load(
    answers: list[Answer], there: tuple[str, ...], *, stops: bool
) -> None:
    listed: dict[str, tuple[str, ...]] = {}
    left = list(answers)
    writer = SimpleNamespace(send=lambda *_: left.pop(0), retrying=lambda *_: lambda *_: None)
    context: Any = SimpleNamespace(
        clock=_Time().clock(), settle=0.0, writer=writer, stopping=lambda: False,
        journal=SimpleNamespace(note=lambda *_, **__: None),
    )  # fmt: skip
    listings: Any = SimpleNamespace(address="a", datamart_id="1", imports=listed)
    listings.list_imports = lambda: Listed(tuple(Import(i, n) for n, ids in listed.items() for i in ids))
    imports = Imports(context, listings)
    if answers:
        assert imports.create(NAME) == Done(NAME)
    assert not left
    listed[NAME] = there
    if stops:
        with pytest.raises(LoadStopped, match="created 1 of these imports first") as stopped:
            imports.see({NAME})
        assert stopped.value.locked
    else:
        imports.see({NAME})


def test_a_chunk_with_an_execution_is_not_sent() -> None:
    """Nothing else is there that could be asked to send it, or to note that it is."""
    there = (Execution("9", "RUNNING"),)
    listings: Any = SimpleNamespace(address="a", imports={NAME: ("7",)}, find_executions=lambda *_: there)
    context: Any = SimpleNamespace(visibility=SimpleNamespace(absence=lambda _: Absence(0.0, 0.0)))
    nothing: Any = None
    chunk = Chunk(1, Position(0, 0, 0), 1, 1, "0" * 64)
    sender = ChunkSender(context, listings, nothing, nothing)
    assert sender.send(NAME, chunk, proven_unsent=False) == Done(there)


@given(st.floats(0.1, 60.0))
def test_one_listing_that_many_share_is_one_listing(settle: float) -> None:
    time = _Time()
    begun: list[float] = []

    def read() -> Listing[Import]:
        begun.append(time.seconds)
        time.sleep(0.01)  # no request takes no time
        return Listed(())

    shared = SharedListing(read, time.clock())
    assert prove_absent_or_find(shared.since, lambda _: None, Absence(0.0, settle), time.clock()) is None
    assert len(begun) >= LISTINGS
    assert begun[-1] >= settle


def test_where_the_intent_cannot_be_noted_there_is_no_leave() -> None:
    def full(_name: str) -> bool:
        raise LedgerFailed("the disk is full")

    gate = CommitGate(full)
    try:
        assert not gate.may_commit("chunk")
    finally:
        gate.close()
