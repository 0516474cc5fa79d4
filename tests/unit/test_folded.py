"""Lines of a terminal end between words."""

import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.reports.folded import folded

WORDS = st.text("abcdefghij-/@.", min_size=1, max_size=30)
LINES = st.builds(
    lambda indent, words: " " * indent + " ".join(words), st.integers(0, 8), st.lists(WORDS, min_size=1)
)


@given(LINES, st.integers(20, 120))
def test_every_word_is_whole_and_every_line_fits(line: str, width: int) -> None:
    made = folded(line, width)
    assert made.split() == line.split()
    for part in made.split("\n"):
        before = part.rpartition(" ")[0]  # where it is no wider than an indent, a break would win no room
        assert len(part) <= width or len(before) <= min(len(line) - len(line.lstrip(" ")) + 2, width // 2)


def test_a_mark_stays_with_its_name() -> None:
    name = "Activation/a-very-long-name@retail-fr"
    assert folded(f"  + {name}  create", 30) == f"  + {name}\n    create"
    assert folded(f"succeeded  {name}", 30) == f"succeeded\n  {name}"


@given(LINES, st.integers(20, 120))
def test_colours_take_no_room(line: str, width: int) -> None:
    coloured = " ".join(f"\x1b[31m{w}\x1b[0m" if w else w for w in line.split(" "))
    assert re.sub(r"\x1b\[[0-9]+m", "", folded(coloured, width)) == folded(line, width)


@given(st.text("ab \n", max_size=80), st.integers(0, 200))
def test_text_that_fits_stays_as_it_is(text: str, more: int) -> None:
    assert folded(text, max(1, *map(len, text.split("\n"))) + more) == text


def test_commands_and_lines_of_files_stay_whole() -> None:
    command = "Next: `reconciler -C a plan --out FILE` keeps it"
    assert folded(command, 20) == "Next:\n  `reconciler -C a plan --out FILE`\n  keeps it"
    assert folded("  $ reconciler plan --out FILE", 10) == "  $ reconciler plan --out FILE"
    excerpt = " 12 | metadata: {name: customers}\n    |                  ^^^^"
    assert folded(excerpt, 20) == excerpt
