"""What the console shows moves no cursor, turns no direction and gives no order to a CI job, whoever wrote it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.redaction import without_token
from reconciler.cli.output.console import shown
from reconciler.reports.style import COLOUR

PIECES = st.sampled_from(
    ["\x1b[2J", "\x1b]0;title\x07", "\x1b[31m", "\x9b2J", "\r", "\n", "\t", "\u202e", "\u2066", "\u200b", "\u2028", "\x00",
     "::error::", "::set-output name=a::", "##[error]", "##vso[task]", ":", "#", " ", "a", "é", "日", ":::"]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=12).map("".join)


@given(TEXTS)
def test_nothing_but_text_and_our_colours_comes_out(text: str) -> None:
    out = re.sub(r"\x1b\[(0|1|2|31|32|33)m", "", shown(text))
    assert [c for c in out if not c.isprintable() and c != "\n" and not "\ud800" <= c <= "\udfff"] == []
    assert not re.search(r"^\s*::[A-Za-z]", out, re.MULTILINE)
    assert "##[" not in out
    assert "##vso[" not in out


@given(TEXTS)
def test_showing_twice_changes_nothing_more(text: str) -> None:
    assert shown(shown(text)) == shown(text)


@given(TEXTS)
def test_words_of_the_platform_are_one_line(text: str) -> None:
    assert all(c.isprintable() for c in without_token(text, "api:a-token-of-some-length"))


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        COLOUR.red("error") + ": x",
        " 1 | a\n   ::: specs/x.yaml:1:1",
        "a::b",
        "# heading",
        "日本 é",
        "",
    ],
)
def test_our_own_text_stays_as_it_is(text: str) -> None:
    assert shown(text) == text
