"""No form of the token stays in the platform's words."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.answers import classify
from reconciler.api.redaction import without_token
from reconciler.kinds import paths

TOKENS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="…"), min_size=8).map(
    lambda t: f"s3cr3t{t}s3cr3t"
)


@given(TOKENS, st.sampled_from(["", "api:", "Bearer "]))
def test_no_form_of_the_token_is_left(secret: str, prefix: str) -> None:
    token = prefix + secret
    forms = (
        token,
        secret,
        f"Authorization: {token}",
        quote(token, safe=""),
        json.dumps(token),
        token.upper(),
    )
    for form in forms:
        assert "s3cr3t" not in without_token(f"denied for {form}: no", token).lower()
    encoded = base64.b64encode(token.encode()).decode()
    assert encoded not in without_token(f"Basic {encoded}", token)


@pytest.mark.parametrize("token", ["t", "api:t"])
def test_a_very_short_token_takes_no_words_apart(token: str) -> None:
    assert without_token("not found at all", token) == "not found at all"


@given(
    st.sampled_from(["error", "error_code", "error_id"]),
    st.text(min_size=1, max_size=20),
    st.integers(400, 599),
)
def test_words_about_profile_data_are_not_shown(field: str, value: str, status: int) -> None:
    planted = f"Dupont {value} FR76"
    body = json.dumps({"status": "error", field: planted}).encode()
    for code in (status, 200):
        assert planted not in classify(code, body, private=True).message
        assert "Dupont" not in classify(code, body, private=True).message


def test_a_token_at_the_end_of_what_is_shown_is_not_cut_in_two() -> None:
    for blanks in range(270, 310):
        body = json.dumps({"status": "error", "error": " " * blanks + "api:s3cr3tpart"}).encode()
        assert "s3c" not in classify(400, body, token="api:s3cr3tpart").message


def test_a_path_that_names_a_person_is_shown_without_the_name() -> None:
    assert "x1" not in paths.shown(paths.user_identifiers("1509", "user_account_id=x1"))
    assert "x1" not in paths.shown(paths.user_profiles("1509", "x1"))
    assert paths.shown(paths.compartments()) == paths.compartments()


def test_requests_about_profiles() -> None:
    about = (
        paths.executions("1509", "7"),
        paths.data_file(),
        paths.user_identifiers("1509", "user_account_id=x1"),
        paths.user_profiles("1509", "x1"),
    )
    assert all(paths.about_profiles(path) for path in about)
    others = (paths.datamarts(), paths.compartments(), paths.activations("1509"), paths.imports("1509"))
    assert not any(paths.about_profiles(path) for path in others)
