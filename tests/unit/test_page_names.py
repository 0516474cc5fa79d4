"""Names on a page: never broken at a hyphen, and nothing of them is taken for a tag."""

import pytest

from reconciler.reports.page import _names


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("on retail-fr, all", 'on <span class="word">retail-fr,</span> all'),
        ("on <b>-x & y", 'on <span class="word">&lt;b&gt;-x</span> &amp; y'),
        ("a\x1bb", "a b"),
        ("x-" * 30, "x-" * 30),
        ("", ""),
    ],
)
def test_names_are_kept_whole(text: str, made: str) -> None:
    assert str(_names(text)) == made
