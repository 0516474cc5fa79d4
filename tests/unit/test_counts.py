"""A count and what it counts agree: "1 row", "2 rows". One function makes them; no text puts a plural behind a count by itself."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from reconciler.kinds.counts import few, few_lines, many

ROOT = Path(__file__).parents[2]
# After a count, alone or with a word or two between. Limits have names in capitals: they are never 1.
_NOUNS = (
    r"actions|addresses|bytes|cells|changes|characters|chunks|commands|compartments|datamarts|defaults|deletes|deltas|"
    r"documents|entries|executions|fields|files|findings|guards|identities|imports|items|keys|lines|loads|others|ones|profiles|"
    r"properties|questions|reads|reasons|requests|rows|runs|seconds|upserts|values|versions|waves"
)
_PLURAL = re.compile(rf" (?:[A-Za-z]+ ){{0,2}}?(?:{_NOUNS})\b")
_BOTH_FORMS = re.compile(r"[a-z]\(s\)")  # "row(s)"
_BETWEEN = re.compile(r" (?:of|in|on|at|to|from|by|under|than|until|with|and|or|is|are|was|the|other than)\b")


def mistakes(path: str, source: str) -> Iterator[str]:
    """`file:line: text` where a plural stands behind a value that may be 1, an "s" is hung on a noun, or written as "(s)"."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.JoinedStr(values):
                for value, text in pairwise(values):
                    if found := _plural_behind(value, text):
                        yield f"{path}:{node.lineno}: {found}"
            case ast.IfExp(body=ast.Constant(one), orelse=ast.Constant(other)) if {one, other} == {"", "s"}:
                yield f"{path}:{node.lineno}: {ast.unparse(node)}"
            case ast.Constant(str(words)) if _BOTH_FORMS.search(words):
                yield f"{path}:{node.lineno}: {words}"


def _plural_behind(value: ast.expr, text: ast.expr) -> str:
    if not (isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant)):
        return ""
    found = _PLURAL.match(str(text.value))
    if found is None or _BETWEEN.match(found[0]) or not _may_be_one(value):
        return ""
    return f"{ast.unparse(value.value)}{found[0]}"


def _may_be_one(value: ast.FormattedValue) -> bool:
    """A number with commas, or a length or a count by its name; not one that is fixed, and no text."""
    expression = value.value
    name = ast.unparse(expression).rpartition(".")[2]
    if name.lstrip("_").isupper():
        return False
    if value.format_spec is not None and ast.unparse(value.format_spec) == "f','":
        return True
    said = ast.unparse(expression)
    return (
        said.startswith("len(") or said in {"n", "count"} or said.endswith(("count", "deltas", "since_full"))
    )


def test_no_text_puts_a_plural_behind_a_count() -> None:
    found = [
        one
        for path in sorted((ROOT / "reconciler").rglob("*.py"))
        for one in mistakes(str(path.relative_to(ROOT)), path.read_text())
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "planted",
    [
        'f"{n} rows"',
        'f"{len(rows)} failed commands"',
        'f"in {scan.lines:,} rows are"',
        """f"{n} run{'' if n == 1 else 's'}\"""",
        'f"{n} finding(s)"',
    ],
)
def test_a_planted_plural_is_found(planted: str) -> None:
    assert [*mistakes("a.py", planted)]


@pytest.mark.parametrize(
    "fine",
    [
        'f"{MAX_ROWS:,} rows"',
        'f"{limits.MAX_ROWS:,} rows"',
        'f"{bad:,} of the rows"',
        'f"{name} rows"',
        "f\"{many(n, 'row')} read\"",
    ],
)
def test_what_cannot_be_wrong_is_not_found(fine: str) -> None:
    assert not [*mistakes("a.py", fine)]


@pytest.mark.parametrize(
    ("n", "words", "said"),
    [
        (1, ("row",), "1 row"),
        (0, ("row",), "0 rows"),
        (1234, ("failed command",), "1,234 failed commands"),
        (2, ("identity",), "2 identities"),
        (2, ("key",), "2 keys"),
        (2, ("address",), "2 addresses"),
        (1, ("row is", "rows are"), "1 row is"),
        (2, ("row is", "rows are"), "2 rows are"),
    ],
)
def test_counts_in_words(n: int, words: tuple[str, ...], said: str) -> None:
    assert many(n, *words) == said


@pytest.mark.parametrize("most", range(1, 6))
@pytest.mark.parametrize("count", range(9))
def test_a_few_names_and_the_count_of_the_rest_come_to_all(count: int, most: int) -> None:
    names = [f"n{i}" for i in range(count)]
    shown, _, rest = few(names, most).partition(" and ")
    named = shown.split(", ") if shown else []
    assert named == names[: len(named)]
    assert len(named) + int(rest.removesuffix(" more") or 0) == count
    assert len(named) <= most + 1
    assert rest != "1 more"


@pytest.mark.parametrize("most", range(1, 6))
@pytest.mark.parametrize("count", range(9))
def test_a_few_lines_and_the_count_of_the_rest_come_to_all(count: int, most: int) -> None:
    lines = [f"line {i}" for i in range(count)]
    shown = few_lines(lines, most, indent="  ", of=" lines")
    left = [int(x.split()[1]) for x in shown if x.startswith("  and ")]
    assert shown[: len(shown) - len(left)] == lines[: len(shown) - len(left)]
    assert len(shown) - len(left) + sum(left) == count
    assert left != [1]
    assert len(shown) <= most + 1
