"""The table of packages in docs/architecture.md: `python -m tests.support.packages` writes it anew."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- packages -->\n", "<!-- end of packages -->\n"
HEAD = "| Package | What it holds | Lines |\n|---|---|---|\n"
TOGETHER = "reports"  # a package for each subject, all of one shape: one row
ROUNDED = 100


def packages() -> dict[str, tuple[str, int]]:
    """By package: the first line of its docstring, and the lines of its own modules."""
    found = {}
    for package in sorted(p.parent for p in (ROOT / "reconciler").rglob("__init__.py")):
        name = package.relative_to(ROOT / "reconciler").as_posix()
        if name.startswith(f"{TOGETHER}/"):
            continue
        modules = (package.rglob if name == TOGETHER else package.glob)("*.py")
        words = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
        lines = sum(len(m.read_text().splitlines()) for m in modules)
        found["(top)" if name == "." else name] = (words.partition("\n")[0], lines)
    return found


def table() -> str:
    """The table, with lines rounded: it is a map, not an account."""
    rows = [
        f"| `{name}` | {words} | {max(ROUNDED, round(lines / ROUNDED) * ROUNDED):,} |\n"
        for name, (words, lines) in packages().items()
        if lines > ROUNDED // 2
    ]
    return HEAD + "".join(rows)


def shown() -> str:
    """The table as it stands in the page."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def write() -> None:
    """Write the table into the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    write()
