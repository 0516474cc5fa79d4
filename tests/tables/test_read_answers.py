"""What an answer to a GET proves; nothing but a whole, well-formed success is one (G6)."""

import json

import pytest

from reconciler.api.read_answers import token_help, wrapper_of
from reconciler.api.retrying import Retryable
from reconciler.errors import NotFound, ReadFailed, Unauthorized
from reconciler.origin import ANY_TOKEN

TOKEN = "api:a-token-of-tests"
OK = json.dumps({"status": "ok", "data": []}).encode()
ERROR = json.dumps({"status": "error", "error": "Resource Not Found"}).encode()

ROWS = [
    (200, OK, None),
    (200, b'{"data": []}', None),
    (200, ERROR, Retryable),
    (200, b'{"status": "ok"}', Retryable),
    (200, b"<html>", Retryable),
    (200, b"", Retryable),
    (201, OK, Retryable),
    (203, OK, Retryable),
    (206, OK, Retryable),
    (301, b"", ReadFailed),
    (400, ERROR, NotFound),
    (400, b"", ReadFailed),
    (401, OK, Unauthorized),
    (403, b"", ReadFailed),
    (404, b"", NotFound),
    (429, b"", Retryable),
    (500, b"", Retryable),
    (503, OK, Retryable),
    (200, json.dumps({"status": "ok", "data": [{"id": TOKEN}]}).encode(), ReadFailed),
]


@pytest.mark.parametrize(("status", "content", "raised"), ROWS)
def test_what_an_answer_proves(status: int, content: bytes, raised: type[Exception] | None) -> None:
    def read() -> object:
        return wrapper_of("/v1/x", status, content, TOKEN, lambda *_: None)

    if raised is None:
        assert read() == json.loads(content)
        return
    with pytest.raises(raised) as e:
        read()
    assert type(e.value) is raised
    assert TOKEN not in str(e.value)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"data": 1, "status": "error"}'])
def test_what_is_not_well_formed_is_never_an_answer(content: bytes) -> None:
    for status in range(100, 600):
        with pytest.raises((ReadFailed, Retryable)):
            wrapper_of("/v1/x", status, content, TOKEN, lambda *_: None)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("'api:x'", "begins with a quote"),
        ("abc", "start with 'api:'"),
        ("api:x", "expired"),
        ("Bearer x", "expired"),
        (ANY_TOKEN, "no token is configured"),
    ],
)
def test_what_may_be_wrong_with_a_token(token: str, said: str) -> None:
    assert said in token_help(token)
