"""The architecture page: its table of packages is that of the source, and every file that it names is there."""

import re

import pytest

from tests.support.packages import PAGE, ROOT, packages, shown, table

ANEW = "python -m tests.support.packages"
MAY_DIFFER = 0.2  # lines come and go; a package that grew by more is worth a look


def rows(text: str) -> dict[str, tuple[str, int]]:
    found = re.findall(r"^\| `(.+?)` \| (.*) \| ([0-9,]+) \|$", text, re.MULTILINE)
    return {name: (words, int(lines.replace(",", ""))) for name, words, lines in found}


def test_every_package_is_in_the_table_in_its_own_words() -> None:
    there, wanted = rows(shown()), rows(table())
    assert {n: words for n, (words, _) in there.items()} == {n: w for n, (w, _) in wanted.items()}, ANEW


def test_lines_are_about_right() -> None:
    now = packages()
    off = {n: (lines, now[n][1]) for n, (_, lines) in rows(shown()).items() if n in now}
    assert {n: o for n, o in off.items() if abs(o[0] - o[1]) > max(150, MAY_DIFFER * o[1])} == {}, ANEW


@pytest.mark.parametrize("page", ["architecture.md", "explanation/one-field.md"])
def test_every_file_that_is_named_is_there(page: str) -> None:
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.(?:py|yaml))`", (PAGE.parent / page).read_text()))
    assert named
    missing = {n for n in named if not any((ROOT / base / n).exists() for base in ("reconciler", "."))}
    assert not missing


def test_every_function_that_is_named_is_in_a_file_of_its_row() -> None:
    """Of the tables of `one-field.md`: a name right after a file, or in a list after it, is defined there or in another of the row."""
    page = (PAGE.parent / "explanation/one-field.md").read_text()
    cells = [
        row.split("|")[-3 if row.count("|") == 4 else -2]
        for row in re.findall(r"^\|.*\|$", page, re.MULTILINE)
    ]
    missing, count = [], 0
    for cell in cells:
        named = re.findall(r"`([^`]+)`", cell)
        text = "".join((ROOT / "reconciler" / n).read_text() for n in named if n.endswith(".py"))
        for name in (n for n in named if "/" not in n):
            count += 1
            if not re.search(rf"^ *(?:def|class) {re.escape(name)}\b", text, re.MULTILINE):
                missing.append(f"{name} in {cell.strip()}")
    assert count > 50
    assert not missing
