"""The words of the program: which texts a user can see, which words these do not use, and what to write instead.

The words are read from the two tables of docs/glossary.md. A text is a line of a file with the words in it; only words are
looked for, so `bad_lines` or `--failed-lines` in a text are names, not words.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.support.docstrings import is_command

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs/glossary.md"
_SQL = re.compile(r"\s*(AND|CREATE|DELETE FROM|DROP|INSERT|ORDER|PRAGMA|SELECT|SET|UPDATE|WHERE|WITH)\b")
_FIELD = re.compile(r"\bgone: (keep|delete)\b|^ *\"?gone\"?: .*")  # a name that is a word, with its values


class Text(NamedTuple):
    """A text that a user can see, and where it is."""

    path: str
    line: int
    words: str


def cells(heading: str, page: str | None = None) -> list[list[str]]:
    """The rows of the table under a heading of the glossary."""
    page = GLOSSARY.read_text() if page is None else page
    section = page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[1:]]


def unused() -> dict[str, str]:
    """Words that are not used, in lower case, with what to write instead."""
    found = {word: use for words, use in cells("Words not used") for word in words.split(", ")}
    for term, _, others in cells("Terms"):
        found |= {other: term for other in others.split(", ") if other}
    return found


def mistakes(texts: Iterator[Text] | list[Text], words: dict[str, str]) -> list[str]:
    """`file:line: 'word' is not used; write …`, for each unused word in the texts."""
    by_length = sorted(words, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, by_length))})(?![\w-])", re.IGNORECASE)
    found = []
    for text in texts:
        for m in pattern.finditer(_FIELD.sub("…", text.words)):
            word = m[1]
            found.append(f"{text.path}:{text.line}: '{word}' is not used; write: {words[word.lower()]}")
    return found


def of_python(path: str, source: str) -> Iterator[Text]:
    """Literals with a space in them, but for SQL; and the docstrings of commands, which are their help."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, documented) and node.body and _is_text(node.body[0]):
            docstring = node.body[0]
            assert isinstance(docstring, ast.Expr)
            if not (isinstance(node, ast.FunctionDef) and is_command(node)):
                docstrings.add(docstring.value)
    parts = {v for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for v in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            for n, words in enumerate(node.value.splitlines()):
                if " " in (words if node in parts else words.strip()) and not _SQL.match(words):
                    yield Text(path, node.lineno + n, words)


def names_of_python(path: str, source: str) -> Iterator[Text]:
    """Names of functions, classes, their arguments and the module, each as the words that it is made of."""
    yield Text(path, 1, _as_words(Path(path).stem))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield Text(path, node.lineno, _as_words(node.name))
        elif isinstance(node, ast.arg):
            yield Text(path, node.lineno, _as_words(node.arg))


def _as_words(name: str) -> str:
    return " ".join(re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", name))


def of_lines(path: str, content: str) -> Iterator[Text]:
    """Every line of a page, a template or the catalogue; `code` is left aside, since it quotes names."""
    for n, line in enumerate(content.splitlines(), 1):
        yield Text(path, n, re.sub(r"`[^`]*`|{[{%].*?[%}]}", "…", line))


def of_the_program(root: Path = ROOT) -> Iterator[Text]:
    """Everything that a user can read."""
    for path in sorted((root / "reconciler").rglob("*.py")):
        yield from of_python(str(path.relative_to(root)), path.read_text())
    pages = [root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md"]
    for pattern in (
        "docs/**/*.md",
        "examples/**/*.md",
        "reconciler/**/*.yaml",
        "reconciler/**/*.html",
        "reconciler/**/*.json",
    ):
        pages += sorted(root.glob(pattern))
    for page in pages:
        if page != root / "docs/glossary.md" and page != root / "docs/rules.md":  # made from the catalogue
            yield from of_lines(str(page.relative_to(root)), page.read_text())


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
