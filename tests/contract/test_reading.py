"""Listings and answers against a remote that is short, odd, late or HTML (contract 1.4 to 1.6; G1, G6)."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import stamina

from reconciler.api import resources
from reconciler.api.answers import Verdict, classify, json_value
from reconciler.api.client import Reader, Writer
from reconciler.api.pages import read_all
from reconciler.api.vocabulary import known_words
from reconciler.errors import ReadFailed, ReconcilerError, Unauthorized
from reconciler.model.listing import Listed, Unlisted
from reconciler.origin import Origin
from reconciler.sandbox.indexing import Problem

ORIGIN = Origin.parse("https://api.example")
ROWS = [{"id": i if i % 2 else str(i), "name": f"n{i}", "extra": {"ignored": True}} for i in range(1, 26)]


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


def streamed(answer: Callable[[httpx.Request], httpx.Response]) -> Callable[[httpx.Request], httpx.Response]:
    """As from a network: a body that is still to be read."""

    def answered(request: httpx.Request) -> httpx.Response:
        made = answer(request)
        return httpx.Response(made.status_code, headers=made.headers, stream=httpx.ByteStream(made.content))

    return answered


def reader(answer: Callable[[httpx.Request], httpx.Response]) -> Reader:
    return Reader(ORIGIN, "token", httpx.MockTransport(streamed(answer)))


def pages(
    cap: int, *, total: int | None = 25, echo: bool = True, repeat: bool = False
) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        first = 0 if repeat else int(request.url.params["first_result"])
        page = ROWS[first : first + min(cap, int(request.url.params["max_results"]))]
        body: dict[str, Any] = {"status": "ok", "count": len(page), "data": page}
        if total is not None:
            body["total"] = total
        if echo:
            body |= {"first_result": int(request.url.params["first_result"]), "max_results": cap}
        return httpx.Response(200, json=body)

    return answer


@pytest.mark.parametrize("cap", [1, 2, 7, 25, 500])
@pytest.mark.parametrize("total", [25, None])
@pytest.mark.parametrize("echo", [True, False])
def test_every_page_size_gives_every_row_with_text_ids(cap: int, total: int | None, echo: bool) -> None:
    rows = read_all(reader(pages(cap, total=total, echo=echo)), "/x")
    assert [r["id"] for r in rows] == [str(i) for i in range(1, 26)]


def test_a_list_that_is_not_paginated_is_read_once() -> None:
    assert len(read_all(reader(pages(100, total=None, echo=False, repeat=True)), "/x")) == 25


ODD: dict[str, Any] = {
    "ends before its total": pages(10, total=99),
    "repeats a page": pages(10, total=25, repeat=True),
    "repeats a page and says so": pages(10, total=None, echo=True, repeat=True),
    "html": lambda _: httpx.Response(200, html="<html>login</html>"),
    "502 html": lambda _: httpx.Response(502, html="<html>bad gateway</html>"),
    "error in 200": lambda _: httpx.Response(200, json={"status": "error", "error": "no"}),
    "no data": lambda _: httpx.Response(200, json={"status": "ok", "count": 0}),
    "data null": lambda _: httpx.Response(200, json={"status": "ok", "data": None}),
    "data an object": lambda _: httpx.Response(200, json={"status": "ok", "data": {}}),
    "count disagrees": lambda _: httpx.Response(200, json={"status": "ok", "count": 3, "data": []}),
    "total below the page": lambda _: httpx.Response(
        200, json={"status": "ok", "total": 0, "data": ROWS[:2]}
    ),
    "an id twice": lambda _: httpx.Response(
        200, json={"status": "ok", "total": 3, "data": [{"id": 1}, {"id": 2}, {"id": "1"}]}
    ),
    "total is text": lambda _: httpx.Response(200, json={"status": "ok", "total": "2", "data": ROWS[:2]}),
    "row without id": lambda _: httpx.Response(
        200, json={"status": "ok", "total": 1, "data": [{"name": "x"}]}
    ),
    "row is a number": lambda _: httpx.Response(200, json={"status": "ok", "total": 1, "data": [7]}),
    "truncated": lambda _: httpx.Response(200, content=b'{"status":"ok","data":[{"id":"1"'),
    "empty body": lambda _: httpx.Response(200, content=b""),
    "202": lambda _: httpx.Response(202, json={"status": "ok", "total": 0, "data": []}),
    "203": lambda _: httpx.Response(203, json={"status": "ok", "total": 0, "data": []}),
    "206": lambda _: httpx.Response(206, json={"status": "ok", "total": 0, "data": []}),
    "404": lambda _: httpx.Response(404, json={"status": "error", "error": "Resource Not Found"}),
    "403": lambda _: httpx.Response(403, json={"status": "error"}),
    "redirect": lambda _: httpx.Response(302, headers={"Location": "https://elsewhere.example/"}),
    "500": lambda _: httpx.Response(500, json={"status": "error", "error": "boom", "error_id": "e-1"}),
}


@pytest.mark.parametrize("what", ODD)
def test_an_odd_answer_is_never_an_empty_list(what: str) -> None:
    with pytest.raises(ReadFailed):
        read_all(reader(ODD[what]), "/x")
    assert isinstance(resources.compartments(reader(ODD[what]), "1185"), Unlisted)


def test_a_dropped_connection_is_never_an_empty_list() -> None:
    def drop(_: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("gone")

    assert isinstance(resources.imports(reader(drop), "1"), Unlisted)


def test_a_read_is_tried_again_when_the_remote_is_busy() -> None:
    answers = iter(
        [
            httpx.Response(503, headers={"Retry-After": "0"}),
            httpx.Response(200, json={"status": "ok", "total": 0, "data": []}),
        ]
    )
    assert resources.compartments(reader(lambda _: next(answers)), "1185") == Listed(())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_a_file_is_asked_for_again_where_a_list_would_be(status: int) -> None:
    answers = iter([httpx.Response(status, headers={"Retry-After": "0"}), httpx.Response(200, content=b"x")])
    into = io.BytesIO()
    reader(lambda _: next(answers)).download("/v1/data_file/data", {}, into, 10)
    assert into.getvalue() == b"x"


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_file_that_is_refused_is_not_asked_for_again(status: int) -> None:
    answers = iter([httpx.Response(status)])
    with pytest.raises(ReadFailed, match=str(status)):
        reader(lambda _: next(answers)).download("/v1/data_file/data", {}, io.BytesIO(), 10)


def test_a_redirect_is_followed_on_the_same_host_only() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "api.example", "the token went elsewhere"
        if request.url.path == "/slash":
            return httpx.Response(307, headers={"Location": "https://api.example/slash/"})
        if request.url.path == "/away":
            return httpx.Response(307, headers={"Location": "https://elsewhere.example/away"})
        return httpx.Response(200, json={"status": "ok", "data": {}})

    assert reader(answer).get("/slash")["data"] == {}
    with pytest.raises(ReadFailed, match="307"):
        reader(answer).get("/away")


def test_401_has_its_own_error() -> None:
    with pytest.raises(Unauthorized, match="401") as caught:
        reader(lambda _: httpx.Response(401, json={"status": "error"})).get("/x")
    assert "api:" in str(caught.value.help)


@pytest.mark.parametrize(
    "token", ["", " s3cr3t", "s3cr3t ", "\ts3cr3t", "s3cr3t\r", "two\nlines", "snow\u2603man"]
)
def test_a_token_no_header_can_carry_is_refused_without_showing_it(token: str) -> None:
    with pytest.raises(ReconcilerError) as caught:
        Reader(ORIGIN, token)
    assert not token or token not in str(caught.value)


GOOD = b'{"status":"ok","data":{"id":"1"}}'
BAD = b'{"status":"error","error":"no","error_id":"e"}'


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, GOOD, Verdict.DONE),
        (201, GOOD, Verdict.DONE),
        (202, GOOD, Verdict.DONE),
        (200, BAD, Verdict.UNCLEAR),
        (200, b"<html>", Verdict.UNCLEAR),
        (200, GOOD[:-4], Verdict.UNCLEAR),
        (204, b"", Verdict.UNCLEAR),
        (200, b'{"status":"ok","data":[]}', Verdict.UNCLEAR),
        (301, b"", Verdict.UNCLEAR),
        (307, GOOD, Verdict.UNCLEAR),
        (400, BAD, Verdict.CONTENT),
        (403, BAD, Verdict.SITUATION),
        (404, BAD, Verdict.SITUATION),
        (413, BAD, Verdict.SITUATION),
        (422, BAD, Verdict.CONTENT),
        (400, b"<html>", Verdict.UNCLEAR),
        (404, b"", Verdict.UNCLEAR),
        (408, BAD, Verdict.UNCLEAR),
        (401, BAD, Verdict.UNAUTHORIZED),
        (409, BAD, Verdict.CONFLICT),
        (409, b"", Verdict.CONFLICT),
        (429, BAD, Verdict.LATER),
        (429, b"slow down", Verdict.LATER),
        (500, BAD, Verdict.UNCLEAR),
        (502, b"<html>", Verdict.UNCLEAR),
        (503, BAD, Verdict.UNCLEAR),
        (504, b"", Verdict.UNCLEAR),
    ],
)
def test_what_an_answer_proves(status: int, body: bytes, verdict: Verdict) -> None:
    assert classify(status, body).verdict is verdict


def test_connect_errors_prove_that_nothing_was_sent() -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    def vanish(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    for answer, verdict in ((refuse, Verdict.LATER), (vanish, Verdict.UNCLEAR)):
        assert Writer(ORIGIN, "t", httpx.MockTransport(answer)).send("POST", "/x", {}).verdict is verdict


def test_profile_values_quoted_by_the_remote_are_masked() -> None:
    text = 'line 3: {"name":"Jane Doe"} has "jane@example.org" and \'Doe\' or jane@example.org'
    shown = known_words(text)
    assert "line 3" in shown
    for value in ("Jane", "Doe", "example.org"):
        assert value not in shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        *((Problem("tier", kind).words(),) * 2 for kind in ("unknown", "clash", "null")),
        (Problem("tier.since", "nested").words(), "tier.since: a list with an element that is not indexed"),
        ("12 lines could not be imported", "12 lines could not be imported"),
        ("0612345678 lines", "… lines"),
        ("1234567890 rows", "… rows"),
        ("tier gold: of another type", "tier … : of another type"),
    ],
)
def test_names_of_fields_and_counts_of_lines_are_no_values(said: str, shown: str) -> None:
    """All that the sandbox says of a row that fails can be read; what is no name of a field stays hidden."""
    assert known_words(said, {"tier", "since"}) == shown
    assert known_words(said, ()).count("tier") == 0


@pytest.mark.parametrize("half", [r"\ud800", r"\udfffx", r"\ud800\ud800", r"a\udc00b"])
def test_half_of_a_surrogate_pair_is_a_replacement_character(half: str) -> None:
    """It is no text: a digest, a file and a terminal cannot carry it. One odd name of another user stops no plan."""
    body = f'{{"status": "ok", "data": [{{"id": "1", "name": "{half}", "{half}": ["\\ud83d\\ude00", "{half}", 1.5, null]}}]}}'
    found = json_value(body.encode())
    (row,) = found["data"]
    assert "\ufffd" in row["name"]
    assert row[row["name"]] == ["\U0001f600", row["name"], 1.5, None]
    str(found).encode()
