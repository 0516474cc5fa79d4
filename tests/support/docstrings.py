"""Which of the project's errors a function raises, passes on from what it calls directly, and documents. Static.

Calls are those of functions and methods whose module can be told from the imports. What a command passes on is not asked: every
error ends in `reconciler.cli.entry`. Commands themselves are left out, their docstring being their help.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

BASE = "ReconcilerError"
INNER = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef
Key = tuple[str, str, str]  # module, class or "", function


@dataclass(frozen=True)
class Program:
    """The parsed modules by name."""

    modules: dict[str, ast.Module]

    @cached_property
    def functions(self) -> dict[Key, ast.FunctionDef]:
        return {
            (module, owner, f.name): f
            for module, tree in self.modules.items()
            for owner, f in _functions(tree, "")
        }

    @cached_property
    def imported(self) -> dict[str, dict[str, tuple[str, str]]]:
        """By module and the name that it uses: where that is from, and its name there."""
        return {
            module: {
                a.asname or a.name: (n.module or "", a.name)
                for n in ast.walk(tree)
                if isinstance(n, ast.ImportFrom)
                for a in n.names
            }
            for module, tree in self.modules.items()
        }

    @cached_property
    def bases(self) -> dict[str, set[str]]:
        classes = (c for t in self.modules.values() for c in ast.walk(t) if isinstance(c, ast.ClassDef))
        return {c.name: {ast.unparse(b).rpartition(".")[2] for b in c.bases} for c in classes}

    def kinds(self, error: str) -> set[str]:
        """The error and what it is a kind of."""
        return {error}.union(*(self.kinds(b) for b in self.bases.get(error, ()) if b != error))

    def raised(self, key: Key, *, calls: bool) -> dict[str, str]:
        """What a function raises or passes on, and by what; not what it catches itself."""
        found: dict[str, str] = {}
        for node, caught in _body(self.functions[key].body, frozenset()):
            for error, by in self._by(node, key, calls=calls).items():
                if BASE in self.kinds(error) and not (self.kinds(error) | {"Exception"}) & caught:
                    found.setdefault(error, by)
        return found

    def _by(self, node: ast.AST, key: Key, *, calls: bool) -> dict[str, str]:
        if isinstance(node, ast.Raise) and node.exc is not None:
            return {n.id: "raise" for n in ast.walk(node.exc) if isinstance(n, ast.Name)}
        called = self._called(node, key) if calls and isinstance(node, ast.Call) else None
        if called not in self.functions:
            return {}
        helper = self.raised(called, calls=False) if called[2].startswith("_") else {}
        return dict.fromkeys(documented(self.functions[called]) | helper.keys(), called[2])

    def _called(self, call: ast.Call, key: Key) -> Key | None:
        module, owner, _ = key
        names = self.imported[module]
        match call.func:
            case ast.Name(id=name):
                where, original = names.get(name, (module, name))
                return (where, "", original)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                return (module, owner, name)
            case ast.Attribute(value=ast.Name(id=of), attr=name) if of in names:
                where, original = names[of]
                inner = f"{where}.{original}"
                return (inner, "", name) if inner in self.modules else (where, original, name)
        return None


def undocumented(sources: dict[str, str]) -> list[str]:
    """Public functions that raise what they do not document, each with what and by what."""
    program = Program({name: ast.parse(text) for name, text in sources.items()})
    found = []
    for (module, owner, name), function in program.functions.items():
        if name.startswith("_") or owner.startswith("_") or is_command(function):
            continue
        raised = program.raised((module, owner, name), calls=not module.startswith("reconciler.cli"))
        told = documented(function)
        found += [
            f"{module}:{function.lineno}: {name}: {error} by {by}"
            for error, by in raised.items()
            if not program.kinds(error) & told
        ]
    return found


def documented(function: ast.FunctionDef) -> set[str]:
    """The errors under `Raises:` of a docstring."""
    text = ast.get_docstring(function) or ""
    section = re.search(r"^Raises:\n((?:    .*\n?|\n)+)", text, re.MULTILINE)
    return set(re.findall(r"^    (\w+): \S", section[1], re.MULTILINE)) if section else set()


def _functions(tree: ast.AST, owner: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef):
            yield owner, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, node.name)


def _body(nodes: list[ast.stmt], caught: frozenset[str]) -> Iterator[tuple[ast.AST, frozenset[str]]]:
    """All nodes of a body, each with the names of the errors that are caught around it."""
    stack: list[tuple[ast.AST, frozenset[str]]] = [(n, caught) for n in nodes]
    while stack:
        node, around = stack.pop()
        if isinstance(node, INNER):
            continue
        yield node, around
        inside: list[ast.stmt] = []
        within = around
        if isinstance(node, ast.Try):
            inside, within = node.body, around | _names(*(h.type for h in node.handlers))
        elif isinstance(node, ast.With):
            calls = [i.context_expr for i in node.items if isinstance(i.context_expr, ast.Call)]
            suppressed = [a for c in calls if ast.unparse(c.func).endswith("suppress") for a in c.args]
            inside, within = node.body, around | _names(*suppressed)
        stack += [(c, within if c in inside else around) for c in ast.iter_child_nodes(node)]


def _names(*expressions: ast.expr | None) -> frozenset[str]:
    return frozenset(n.id for e in expressions if e for n in ast.walk(e) if isinstance(n, ast.Name))


def is_command(function: Function) -> bool:
    """Typer's: its first argument is the context, it takes flags, or a decorator registers it; its options say what they are."""
    calls = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    names = {ast.unparse(c).rpartition(".")[2] for c in calls}
    first = function.args.args[0].annotation if function.args.args else None
    return bool(names & {"command", "callback", "takes"}) or (
        first is not None and ast.unparse(first) == "typer.Context"
    )
