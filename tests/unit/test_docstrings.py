"""Public functions with four or more arguments say what each argument is; and all, which of our errors they raise."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.docstrings import Function, is_command, undocumented

ROOT = Path(__file__).parents[2]
MANY = 4


def functions(source: str) -> Iterator[Function]:
    """Public functions and methods of a module; not those inside of functions, nor commands, whose docstring is their help."""
    stack: list[ast.AST] = [ast.parse(source)]
    while stack:
        for node in ast.iter_child_nodes(stack.pop()):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                stack.append(node)
            if isinstance(node, Function) and not node.name.startswith("_") and not is_command(node):
                yield node


def missing(function: Function) -> list[str]:
    """Arguments that the docstring does not explain, where there are many."""
    a = function.args
    names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs) if x.arg not in ("self", "cls")]
    names = [n for n in names if not n.startswith("_")]
    if len(names) < MANY:
        return []
    section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", ast.get_docstring(function) or "", re.MULTILINE)
    told = set(re.findall(r"^    (\w+): \S", section[1], re.MULTILINE)) if section else set()
    return [n for n in names if n not in told]


@pytest.mark.parametrize(
    "package",
    sorted(p.name for p in (ROOT / "reconciler").iterdir() if p.is_dir() and p.name != "__pycache__"),
)
def test_many_arguments_are_explained(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{function.lineno}: {function.name}: Args lacks {', '.join(names)}"
        for path in sorted((ROOT / "reconciler" / package).rglob("*.py"))
        for function in functions(path.read_text())
        if (names := missing(function))
    ]
    assert not found, "\n" + "\n".join(found)


def unknown(tree: ast.AST) -> Iterator[str]:
    """Names that a docstring explains, and that are no argument or attribute."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=owner):
                fields = {
                    x.target.id
                    for x in node.body
                    if isinstance(x, ast.AnnAssign) and isinstance(x.target, ast.Name)
                }
                written = {x.attr for x in ast.walk(node) if isinstance(x, ast.Attribute)}
                known, head = fields | written | _arguments(node), "Attributes|Args"
            case ast.FunctionDef(name=owner) | ast.AsyncFunctionDef(name=owner):
                known, head = _arguments(node), "Args"
            case _:
                continue
        section = re.search(
            rf"^(?:{head}):\n((?:    .*\n?|\n)+)", ast.get_docstring(node) or "", re.MULTILINE
        )
        told = re.findall(r"^    ([\w, ]+): \S", section[1], re.MULTILINE) if section else []
        yield from (f"{owner}: {n}" for names in told for n in names.split(", ") if n not in known)


def _arguments(node: ast.AST) -> set[str]:
    """Of a function; of a class, of those in it."""
    return {x.arg for x in ast.walk(node) if isinstance(x, ast.arg)}


def test_what_is_explained_is_there() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / "reconciler").rglob("*.py"))
        for name in unknown(ast.parse(path.read_text()))
    ]
    assert not found, "\n" + "\n".join(found)


def test_what_is_explained_and_gone_is_found() -> None:
    code = 'class A:\n    """X.\n\n    Attributes:\n        a, b: x.\n    """\n    a: int\ndef f(c):\n    """X.\n\n    Args:\n        c: x.\n        d: y.\n    """\n'
    assert list(unknown(ast.parse(code))) == ["A: b", "f: d"]


def test_an_argument_without_words_is_found() -> None:
    (function,) = functions(
        'def f(a, b, c, d):\n    """Do.\n\n    Args:\n        a: x.\n        b: y.\n        c:\n    """\n'
    )
    assert missing(function) == ["c", "d"]


@pytest.mark.slow
def test_what_is_raised_is_documented() -> None:
    modules = {}
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        modules[name] = path.read_text()
    found = undocumented(modules)
    assert not found, "\n" + "\n".join(found)


def test_what_is_not_documented_is_found() -> None:
    errors = "class ReconcilerError(Exception): ...\nclass Lost(ReconcilerError): ..."
    code = '''
from reconciler.errors import Lost
from reconciler import other

def raises(): raise Lost
def passes_on(): other.read()
def passes_on_a_helper(): _helper()
def _helper(): raise Lost("x")
def documented():
    """Do.

    Raises:
        ReconcilerError: it is lost.
    """
    other.read()
def caught():
    try:
        raise Lost
    except Lost:
        return
def foreign(): raise ValueError
'''
    other = 'def read():\n    """Read.\n\n    Raises:\n        Lost: it is.\n    """\n'
    found = undocumented({"reconciler.errors": errors, "reconciler.code": code, "reconciler.other": other})
    assert [re.sub(r"^.*?: ", "", f) for f in found] == [
        "raises: Lost by raise",
        "passes_on: Lost by read",
        "passes_on_a_helper: Lost by _helper",
    ]
