"""Public functions with four or more arguments say what each argument is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MANY = 4
Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(source: str) -> Iterator[Function]:
    """Public functions and methods of a module; not those inside of functions, nor commands, whose docstring is their help."""
    stack: list[ast.AST] = [ast.parse(source)]
    while stack:
        for node in ast.iter_child_nodes(stack.pop()):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                stack.append(node)
            if isinstance(node, Function) and not node.name.startswith("_") and not _is_command(node):
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


def _is_command(function: Function) -> bool:
    """Typer's: its first argument is the context, or a decorator registers it; its options say what they are."""
    calls = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    registered = any(isinstance(c, ast.Attribute) and c.attr in ("command", "callback") for c in calls)
    first = function.args.args[0].annotation if function.args.args else None
    return registered or (first is not None and ast.unparse(first) == "typer.Context")


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


def test_an_argument_without_words_is_found() -> None:
    (function,) = functions(
        'def f(a, b, c, d):\n    """Do.\n\n    Args:\n        a: x.\n        b: y.\n        c:\n    """\n'
    )
    assert missing(function) == ["c", "d"]
