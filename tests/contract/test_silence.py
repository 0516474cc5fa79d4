"""A platform that answers nothing any more is known to be gone, by all requests of a run; nothing is tried five times then."""

import socket
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.client import Reader
from reconciler.api.silence import GONE_S, Silence
from reconciler.errors import ReadFailed
from reconciler.origin import Origin


class _Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0.0, 40.0), st.floats(0.0, 30.0), st.booleans()), max_size=30))
def test_gone_means_a_request_without_an_answer_and_none_with_one_for_so_long(
    requests: list[tuple[float, float, bool]],
) -> None:
    """Each request begins, takes a while, and has an answer or not."""
    time = _Time()
    silence = Silence(time)
    answered, lost = float("-inf"), []
    for pause, takes, good in requests:
        time.now += pause
        begun = time.now
        time.now += takes
        if good:
            silence.ended()
            answered, lost = time.now, []
        else:
            silence.lasts(begun)
            lost.append(begun)
        assert silence.begun == bool(lost)
        assert silence.gone == bool(lost and time.now - lost[0] >= GONE_S)
        assert not lost or lost[0] >= answered


def test_a_request_that_began_before_the_last_answer_says_nothing() -> None:
    time = _Time()
    silence = Silence(time)
    time.now = 10.0
    silence.ended()
    silence.lasts(5.0)
    assert not silence.begun


def test_what_is_gone_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    tried = []

    with closing(Reader(Origin.parse(f"http://127.0.0.1:{port}"), "token")) as reader:
        once = reader._get_once

        def counted(path: str, params: object) -> object:
            tried.append(path)
            return once(path, params)  # type: ignore[arg-type]

        monkeypatch.setattr(reader, "_get_once", counted)
        for expected in (5, 1):
            tried.clear()
            with pytest.raises(ReadFailed):
                reader.get("/v1/datamarts")
            assert len(tried) == expected
            assert reader.silence.begun
            reader.silence.lasts(0.0)
            reader.silence._since = reader.silence.now() - GONE_S
