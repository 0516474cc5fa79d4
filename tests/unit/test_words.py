"""Every text that a user can see uses the words of the glossary; each mistake names file, line, word and what to write."""

import pytest

from tests.support.words import (
    ROOT,
    Text,
    cells,
    mistakes,
    names_of_python,
    of_lines,
    of_python,
    of_the_program,
    unused,
)

COMMAND = '@app.command()\ndef repair() -> None:\n    """{}"""\n'


def test_every_text_uses_the_words_of_the_glossary() -> None:
    found = mistakes(of_the_program(), unused())
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "planted",
    [
        list(of_python("a.py", 'x = 1\nraise Refused("it failed", help="mend the spec")')),
        list(of_python("a.py", 'x = f"{n} files: "\ny = f"Mend {n} of them"')),
        list(of_python("a.py", COMMAND.format("Mend the spec."))),
        list(of_python("a.py", COMMAND.replace("@app.command()", "@takes(*PLATFORM)").format("Mend it."))),
        list(of_lines("a.md", "# Title\n\nFirst mend the spec.")),
        list(of_lines("a.yaml", "code:\n  fix: Mend it.")),
    ],
)
def test_a_planted_word_is_found_with_its_place(planted: list[Text]) -> None:
    (found,) = mistakes(planted, unused())
    path, line = planted[-1].path, planted[-1].line
    assert found.lower() == f"{path}:{line}: 'mend' is not used; write: fix"


# In names they are the field's: of files and of the platform (walk, selection), or what a value is (gone, moved, dice, bad line).
IN_NAMES = {"bad line", "dice", "gone", "moved", "selection", "walk"}


def of_names(sources: dict[str, str]) -> list[str]:
    words = {word: use for word, use in unused().items() if word not in IN_NAMES}
    return [m for path, source in sources.items() for m in mistakes(names_of_python(path, source), words)]


def test_every_name_uses_the_words_of_the_glossary() -> None:
    paths = (ROOT / "reconciler").rglob("*.py")
    found = of_names({str(p.relative_to(ROOT)): p.read_text() for p in paths})
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("a.py", "def mend_all(): ..."),
        ("a.py", "class ToMend: ..."),
        ("a.py", "def f(x, *, to_mend): ..."),
        ("mend.py", ""),
    ],
)
def test_a_word_planted_in_a_name_is_found(path: str, source: str) -> None:
    assert of_names({path: source}) == [
        f"{path}:1: '{'Mend' if 'ToMend' in source else 'mend'}' is not used; write: fix"
    ]


def test_names_docstrings_and_sql_are_not_texts_for_users() -> None:
    source = (
        'def f():\n    """Mend this."""\n    return "SELECT mend FROM walks WHERE wish", "a_mend", "mend"\n'
    )
    assert mistakes(of_python("a.py", source), unused()) == []
    assert mistakes(of_lines("a.md", "`mend` and commend, a-mend, mend_it"), unused()) == []


def test_the_glossary_explains_each_term_in_one_sentence() -> None:
    terms = cells("Terms")
    assert [t for t, *_ in terms] == sorted({t for t, *_ in terms})
    for term, meaning, _ in terms:
        assert meaning.endswith("."), term
        assert meaning.rstrip(".").count(". ") == 0, term
    assert mistakes([Text("glossary", 0, meaning) for _, meaning, _ in terms], unused()) == []


def test_every_unused_word_has_a_word_to_use() -> None:
    assert all(unused().values())
    assert not unused().keys() & {term for term, *_ in cells("Terms")}
