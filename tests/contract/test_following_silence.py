"""Executions of a platform that answers nothing: one question at a time, an end once it is gone, and nothing concluded."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.api import resources
from reconciler.api.silence import GONE_S, Silence
from reconciler.bulk.load import follow
from reconciler.bulk.load.load_state import LoadState
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.remote import Execution
from reconciler.planning.loads.protocol import ChunkState, ChunkView, LoadView, states

CHUNKS = 33


class _Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, _what: str) -> None:
        self.time += seconds


def followed(monkeypatch: pytest.MonkeyPatch, back_after: float) -> tuple[LoadView, int, float]:
    """Follow chunks of a platform that answers from a second on: what is known then, the questions asked, the seconds."""
    clock = _Clock()
    silence = Silence(clock.now)
    asked = 0

    def executions(_reader: object, _datamart: str, import_id: str) -> Listing[Execution]:
        nonlocal asked
        asked += 1
        if clock.time < back_after:
            silence.lasts(clock.time)
            clock.time += 1.0  # of the tries of one read
            return Unlisted("cannot connect")
        silence.ended()
        return Listed((Execution(import_id, "SUCCEEDED"),))

    monkeypatch.setattr(resources, "executions", executions)
    state: Any = LoadState()
    live = [
        ChunkView(n, 1, seen=True, executions=(Execution(str(n), "RUNNING"),)) for n in range(1, CHUNKS + 1)
    ]
    state.view = LoadView(tuple(live))
    state.name = str
    state.chunk = lambda _index: SimpleNamespace(lines=1, size=1)
    with ThreadPoolExecutor(1) as io:
        context: Any = SimpleNamespace(
            clock=clock, poll=0.1, follow_timeout=7200.0, settle=30.0, io=io, stopping=lambda: False,
            writer=SimpleNamespace(silence=silence), progress=SimpleNamespace(advance=lambda *_: None),
        )  # fmt: skip
        listings: Any = SimpleNamespace(
            address="ProfileSource/s@fr",
            datamart_id="1",
            imports={str(n): (str(n),) for n in range(1, CHUNKS + 1)},
        )
        follow.Executions(context, listings, state).follow(range(1, CHUNKS + 1))
    return state.view, asked, clock.time


def test_following_ends_once_the_platform_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    view, asked, seconds = followed(monkeypatch, float("inf"))
    assert set(states(view).values()) == {ChunkState.UNKNOWN}
    assert all(c.executions for c in view.chunks), "what was seen is un-seen"
    assert seconds <= GONE_S + 7
    assert asked <= CHUNKS + GONE_S


@pytest.mark.parametrize("back_after", [1.0, 20.0, 50.0])
def test_a_shorter_outage_is_waited_out(monkeypatch: pytest.MonkeyPatch, back_after: float) -> None:
    view, _, _ = followed(monkeypatch, back_after)
    assert set(states(view).values()) == {ChunkState.SUCCEEDED}
