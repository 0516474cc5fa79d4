"""What an answer proves at the limits of its class, and its words: which of the platform's are shown, and which are not."""

import json

import pytest

from reconciler.api.answers import Answer, Verdict, classify, json_object

GOOD = b'{"status":"ok","data":{"id":"7"}}'
TOKEN = "api:0123456789abcdef-secret"
ERROR_ID = "7b0c2f6e-0000-4000-8000-1a2b3c4d5e6f"


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (199, Verdict.UNCLEAR),
        (200, Verdict.DONE),
        (201, Verdict.DONE),
        (299, Verdict.DONE),
        (300, Verdict.UNCLEAR),
        (302, Verdict.UNCLEAR),
    ],
)
def test_only_a_2xx_is_a_success_however_good_its_body(status: int, verdict: Verdict) -> None:
    answer = classify(status, GOOD)
    assert answer.verdict is verdict
    assert answer.status == status
    assert answer.data == ({"id": "7"} if verdict is Verdict.DONE else None)


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (GOOD, Verdict.DONE),
        (b'{"data":{"id":"7"}}', Verdict.DONE),  # no status: the HTTP status says it
        (b'{"status":"OK","data":{"id":"7"}}', Verdict.UNCLEAR),
        (b'{"status":null,"data":{"id":"7"}}', Verdict.UNCLEAR),
        (b'{"status":"error","data":{"id":"7"}}', Verdict.UNCLEAR),
        (b'{"status":"ok","data":[{"id":"7"}]}', Verdict.UNCLEAR),
        (b'{"status":"ok","data":null}', Verdict.UNCLEAR),
        (b'{"status":"ok"}', Verdict.UNCLEAR),
        (b'[{"data":{}}]', Verdict.UNCLEAR),
        (b"<html></html>", Verdict.UNCLEAR),
        (b"", Verdict.UNCLEAR),
    ],
)
def test_a_2xx_is_a_success_only_with_the_wrapper_of_one_resource(body: bytes, verdict: Verdict) -> None:
    answer = classify(200, body)
    assert (answer.verdict, answer.status) == (verdict, 200)
    assert answer.message.startswith("200")
    assert ("not a well-formed success" in answer.message) is (verdict is Verdict.UNCLEAR)


def test_a_success_that_repeats_the_token_is_none() -> None:
    body = json.dumps({"status": "ok", "data": {"id": "7", "name": TOKEN}}).encode()
    assert classify(200, body).verdict is Verdict.DONE
    answer = classify(200, body, token=TOKEN)
    assert (answer.verdict, answer.data) == (Verdict.UNCLEAR, None)


def error(**fields: object) -> bytes:
    return json.dumps({"status": "error", **fields}).encode()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            error(error="Bad name", error_code="NAME_TAKEN", error_id=ERROR_ID),
            f"400 Bad name [NAME_TAKEN] (error_id {ERROR_ID})",
        ),
        (error(error="Bad name"), "400 Bad name"),
        (error(error_code="NAME_TAKEN"), "400 [NAME_TAKEN]"),
        (error(error_id=12), "400 (error_id 12)"),
        (error(error=""), "400"),
        (error(error=["a", 1]), "400 ['a', 1]"),
        (error(error="x" * 301), "400 " + "x" * 300),
        (error(error_code="C" * 81), "400 [" + "C" * 80 + "]"),
        (error(error_id="i" * 81), "400 (error_id " + "i" * 80 + ")"),
        (error(error=f"no {TOKEN} here", error_code=TOKEN, error_id=TOKEN), "400 no … here […] (error_id …)"),
        (b"", "400 (empty body)"),
        (b"no", "400 (not JSON, 2 bytes)"),
        (b"  <!DOCTYPE html><p>", "400 (an HTML page, 20 bytes)"),
        (b"<HTML>", "400 (an HTML page, 6 bytes)"),
        (b" " * 200 + b"<html>", "400 (not JSON, 206 bytes)"),  # only the start is looked at
        (b"[1]", "400 (not JSON, 3 bytes)"),
    ],
)
def test_the_words_of_a_refusal(body: bytes, shown: str) -> None:
    assert str(classify(400, body, token=TOKEN).message) == shown


def test_the_words_of_a_success_that_is_none_are_without_the_token() -> None:
    shown = classify(200, error(error=f"no {TOKEN} here"), token=TOKEN).message
    assert str(shown) == "200, but the body is not a well-formed success: no … here"


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"error_code": "NAME_TAKEN", "error_id": ERROR_ID}, f" [NAME_TAKEN] (error_id {ERROR_ID})"),
        ({"error_code": "ada@example.org", "error_id": "u-1"}, ""),
        ({"error_code": "NAME_TAKEN u-1"}, ""),
        ({"error_code": "SECRET"}, ""),  # one word may be a value
        ({"error_id": ERROR_ID + "0"}, ""),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_words_about_profile_data_are_not_shown(fields: dict[str, str], shown: str, status: int) -> None:
    answer = classify(status, error(error="u-1 is odd", **fields), private=True)
    withheld = "(the platform's words may quote profile data and are not shown)"
    assert str(answer.message).endswith(withheld + shown)
    assert "u-1" not in answer.message
    assert "ada" not in answer.message


@pytest.mark.parametrize("status", [200, 503])
def test_without_profile_data_and_a_token_the_words_are_as_they_came(status: int) -> None:
    answer = classify(status, error(error="u-1 XXXX is odd"))
    assert "u-1 XXXX is odd" in answer.message


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"a":1}', {"a": 1}),
        (b'{"a":NaN}', {"a": pytest.approx(float("nan"), nan_ok=True)}),  # only the lenient reader takes it
        (b"[1]", None),
        (b"1", None),
        (b'"a"', None),
        (b"null", None),
        (b"{", None),
        (b"[" * 100_000, None),
    ],
)
def test_only_an_object_is_one(body: bytes, found: dict[str, object] | None) -> None:
    assert json_object(body) == found


def test_what_the_answer_of_a_refusal_carries() -> None:
    assert classify(429, error(error="later"), "7") == Answer(Verdict.LATER, "429 later", None, 429, 7.0)
