"""What ends a load early: of several refusals the one that ends the run is said, whatever the order in which they come."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.answers import Verdict
from reconciler.api.writes import Done, Failed, Result, Unknown
from reconciler.bulk.load.driver import _LoadRun
from reconciler.bulk.load.listings import LoadStopped
from reconciler.bulk.load.load_state import LoadState
from reconciler.bulk.load.seal import LoadSeal
from reconciler.kinds.names import LoadKey
from reconciler.model.outcome import Status
from reconciler.planning.loads.protocol import ChunkView, LoadView

RESULTS: list[Result[str]] = [
    Done("import"),
    Failed("403", Verdict.SITUATION, 403),
    Failed("401", Verdict.UNAUTHORIZED, 401),
    Failed("not tried", Verdict.WITHHELD),
    Unknown("no listing showed it"),
    Unknown("no listing showed it: 401", stopped=True),
]


def state_of(chunks: int) -> Any:
    state: Any = LoadState()
    state.view = LoadView(tuple(ChunkView(n + 1, 1) for n in range(chunks)))
    state.ready = SimpleNamespace(unsent=set(), key=LoadKey("shop", "crm", 1, "0" * 12))
    state.name = str
    return state


@given(st.lists(st.sampled_from(RESULTS), min_size=1, max_size=5))
def test_a_401_ends_the_run_whichever_import_met_it(results: list[Result[str]]) -> None:
    state = state_of(len(results))
    ended: LoadStopped | None = None
    with ThreadPoolExecutor(1) as io:
        made = SimpleNamespace(create=lambda name: results[int(name) - 1])
        run: Any = SimpleNamespace(state=state, context=SimpleNamespace(io=io), imports=made)
        try:
            _LoadRun._create(run, range(1, len(results) + 1))
        except LoadStopped as e:
            ended = e
    unauthorized = any(isinstance(r, Failed | Unknown) and r.stopped for r in results)
    refused = any(isinstance(r, Failed) and r.verdict is not Verdict.WITHHELD for r in results)
    assert (ended is not None) == (unauthorized or refused)
    assert ended is None or ended.stopped == unauthorized
    for chunk, result in zip(state.view.chunks, results, strict=True):
        assert chunk.seen == isinstance(result, Done)
        assert chunk.unclear == isinstance(result, Unknown)


@pytest.mark.parametrize("result", RESULTS[1:])
def test_a_seal_that_met_a_401_ends_the_run(result: Result[str]) -> None:
    made = SimpleNamespace(create=lambda _name, *, shown: result)
    listings: Any = SimpleNamespace(imports={})
    seal = LoadSeal(SimpleNamespace(), listings, made, state_of(1), None)  # type: ignore[arg-type]
    with pytest.raises(LoadStopped) as ended:
        seal.create(1, 0)
    assert ended.value.status is Status.UNKNOWN
    assert ended.value.stopped == (isinstance(result, Failed | Unknown) and result.stopped)
