"""The results of a run as text of 80 columns, Markdown and JSON. Pure: plain data in, text out."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from tests.benchmarks.shape import Missing, Row

COLUMNS = {"measured": 27, "ours": 9, "peer or limit": 18, "theirs": 9, "ratio": 6, "aim": 6}
SIGNS = {"us": "µs", "bytes": "B", "1/s": "/s", "requests": ""}
NOT_INSTALLED = "not installed"


def amount(value: float, unit: str) -> str:
    """A number of three digits with its unit: 0.1234 s is `123 ms`."""
    if unit == "s" and value < 1:
        return f"{digits(value * 1000)} ms"
    return f"{digits(value)} {SIGNS.get(unit, unit)}".rstrip()


def digits(value: float) -> str:
    """Three of them, and no exponent."""
    if not value:
        return "0"
    places = min(4, max(0, 2 - math.floor(math.log10(abs(value)))))
    return f"{value:,.{places}f}"


def cells(row: Row) -> tuple[str, ...]:
    """The words of a row, in the order of the columns."""
    ratio, aim = row.ratio, ""
    if row.most is not None:
        aim = f"≤{_short(row.most)}"
    elif row.least is not None:
        aim = f"≥{_short(row.least)}"
    theirs = NOT_INSTALLED if isinstance(row.theirs, Missing) else amount(row.theirs, row.unit)
    return row.name, amount(row.ours, row.unit), row.peer, theirs, digits(ratio) if ratio else "", aim


def _short(aim: float) -> str:
    return f"{aim:.2f}".rstrip("0").rstrip(".") if aim >= 0.1 else f"{aim:.3f}"


def _rows(benchmark: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Words of its rows; what was measured is said once."""
    before = ""
    for row in map(Row.of, benchmark["rows"]):
        name, *rest = cells(row)
        yield ("" if name == before else name, *rest)
        before = name


def text(found: Mapping[str, Any]) -> str:
    """A table of 80 columns, what is missing, and how it was measured."""
    lines = [_line([list(COLUMNS)], "left"), "─" * 80]
    for benchmark in found["benchmarks"]:
        lines += [_wrapped(words) for words in _rows(benchmark)]
        if benchmark["error"]:
            lines += wrap(f"{benchmark['name']}: failed: {benchmark['error']}", 80)
    lines.append("─" * 80)
    lines += [line for sentence in notes(found) for line in wrap(sentence, 80)]
    return "\n".join(lines) + "\n"


def _wrapped(words: Sequence[str]) -> str:
    columns = [wrap(word, width) or [""] for word, width in zip(words, COLUMNS.values(), strict=True)]
    height = max(map(len, columns))
    return _line([[c[n] if n < len(c) else "" for c in columns] for n in range(height)], "mixed")


def _line(rows: Sequence[Sequence[str]], how: str) -> str:
    right = {"ours", "theirs", "ratio", "aim"}
    made = []
    for row in rows:
        parts = [
            f"{word:>{width}}" if name in right and (how == "mixed" or name == word) else f"{word:<{width}}"
            for (name, width), word in zip(COLUMNS.items(), row, strict=True)
        ]
        made.append(" ".join(parts).rstrip())
    return "\n".join(made)


def markdown(found: Mapping[str, Any]) -> str:
    """The same as a table of Markdown."""
    return "\n".join([rows_of_markdown(found["benchmarks"]), *(f"{sentence}\n" for sentence in notes(found))])


def rows_of_markdown(benchmarks: Sequence[Mapping[str, Any]]) -> str:
    """Only the table, of these benchmarks."""
    lines = [f"| {' | '.join(name.capitalize() for name in COLUMNS)} |", "|---|---:|---|---:|---:|---:|"]
    for benchmark in benchmarks:
        lines += [f"| {' | '.join(words)} |" for words in _rows(benchmark)]
        if benchmark["error"]:
            lines.append(f"| {benchmark['name']} | failed | | | | |")
    return "\n".join([*lines, ""])


def as_json(found: Mapping[str, Any]) -> str:
    """The same as JSON, numbers as they were measured."""
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def notes(found: Mapping[str, Any]) -> Iterator[str]:
    """What was not reached, what is not installed, and where, when and how it was measured."""
    rows = [Row.of(row) for benchmark in found["benchmarks"] for row in benchmark["rows"]]
    missed = [f"{r.name} ({r.peer})" for r in rows if r.met is False]
    reached = sum(r.met is True for r in rows)
    yield f"Aims reached: {reached} of {reached + len(missed)}." + (
        f" Not reached: {'; '.join(missed)}." if missed else ""
    )
    for peer, install in sorted({(r.peer, r.theirs.install) for r in rows if isinstance(r.theirs, Missing)}):
        yield f"{peer}: {NOT_INSTALLED}; {install}"
    rounds = found["sizes"]["rounds"]
    yield f"{provenance(found)} Medians of {rounds} interleaved runs. The ratio is ours to theirs."


def provenance(found: Mapping[str, Any]) -> str:
    """Where, when and how it was measured."""
    where = found["machine"]
    return (
        f"Measured on {found['date']} at commit {found['commit']}{' with changes' if found['changed'] else ''}, "
        f"size {found['size']}: {where['cores']} cores ({where['processor']}), {where['memory_gb']:.0f} GB, "
        f"{where['system']}, Python {where['python']}; load of the machine before: {where['load']:.1f}."
    )
