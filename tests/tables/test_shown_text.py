"""What the console shows moves no cursor, turns no direction and gives no order to a CI job, whoever wrote it."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.redaction import without_token
from reconciler.cli.output.console import shown
from reconciler.model.foreign import plain_json
from reconciler.reports.style import COLOUR
from tests.support.workspace import Workspace

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


@given(st.recursive(TEXTS, lambda x: st.lists(x, max_size=3) | st.dictionaries(TEXTS, x, max_size=3)))
def test_a_document_of_json_says_the_same_and_gives_no_order(value: object) -> None:
    shown_as = plain_json(json.dumps(value, ensure_ascii=False, indent=1))
    assert json.loads(shown_as) == value
    assert not re.search(r"^\s*::[A-Za-z]|##\[|##vso\[", shown_as, re.MULTILINE)


def test_nothing_in_a_spec_gives_an_order_in_the_log_of_a_job(workspace: Workspace) -> None:
    workspace.write(
        "specs/odd.yaml",
        r"""kind: Compartment
"a\n::error::one": 1
"##[add-mask]two": 1
""",
    )
    workspace.write("specs/file\n::error::three\n.yaml", "kind: [\n")
    for form in ("text", "json", "github", "sarif", "junit", "gitlab"):
        done = workspace.run("validate", "-o", form)
        own = re.sub(r"^::(error|warning|notice) (file|title)=", "", done.out + done.err, flags=re.MULTILINE)
        assert not re.search(r"^\s*::[A-Za-z]|##\[", own, re.MULTILINE), form
        assert all(word in own for word in ("one", "two", "three")), form
