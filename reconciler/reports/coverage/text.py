"""The compartment × datamart matrix, and the waves: for 80 columns, and as Markdown. Pure."""

from collections.abc import Mapping
from itertools import groupby

from reconciler.kinds.counts import many
from reconciler.model.plan import Plan
from reconciler.model.rollout import Gates
from reconciler.planning.plan.coverage import Cover, Coverage, coverage, shortened, together
from reconciler.planning.plan.waves import carried_out
from reconciler.reports.folded import wrapped
from reconciler.reports.markdown import cell, code
from reconciler.reports.style import Style, duration, safe

NAME = 26
ROWS = 16  # compartments that a terminal is shown, unless it is asked for all
SIGNS: Mapping[Cover, str] = {
    Cover.ACTIVE: "a",
    Cover.DEFAULT: "D",
    Cover.NOW: "+",
    Cover.LATER: "~",
    Cover.PROMOTED: "d",
    Cover.REMOVED: "-",
    Cover.MISSING: "·",
}
LEGEND = "a active  D default  d to default  + now  ~ later wave  - removed  · not active"


def waves(plan: Plan, style: Style) -> list[str]:
    """One line a wave: where, how much, how long it soaks, and what its gates ask."""
    if plan.rollout is None or not plan.has_changes:
        return []
    lines = [
        style.bold(f"Waves of the rollout '{plan.rollout.name}'")
        + (" (paused)" if plan.rollout.paused else ""),
        "",
    ]
    for wave in plan.rollout.waves:
        todo = carried_out(plan, wave.name)
        loads = sum(a.startswith("ProfileSource/") for a in todo)
        parts = [
            many(len(wave.datamarts), "datamart"),
            many(len(todo) - loads, "change"),
            many(loads, "load"),
        ]
        if wave.soak:
            parts.append(f"soaks {duration(wave.soak)}")
        parts += gates(wave.gates)
        head = f"  {wave.name}: "
        lines += wrapped(head + ", ".join(parts), style.width, subsequent_indent=" " * 6)
    return [*lines, ""]


def gates(asked: Gates) -> list[str]:
    """What they ask, in words."""
    percent, failed = asked.max_failed_lines_percent, asked.max_failed_lines
    trips, seen = asked.max_guard_trips, asked.min_activations
    told = (
        percent is not None and f"at most {percent:g} % of commands fail",
        failed is not None and f"at most {many(failed, 'command fails', 'commands fail')}",
        trips is not None and f"at most {many(trips, 'guard is', 'guards are')} overridden",
        seen is not None and f"at least {many(seen, 'activation is', 'activations are')} visible",
        bool(asked.command) and f"{asked.command[0]} exits with 0",
    )
    return [words for words in told if words]


def matrix(found: Coverage, style: Style, *, full: bool = False) -> list[str]:
    """A row for each compartment, a column of one letter for each datamart, so that forty fit.

    Args:
        found: the matrix.
        style: how to mark text.
        full: every row; else of many compartments those that the plan does something about, and so many at most.
    """
    if not found.cells:
        return []
    found, left = (found, 0) if full else shortened(found, ROWS)
    lines = [style.bold("Coverage"), ""]
    for columns in _slices(found, style.width):
        lines += _heads(found, columns, style)
        for name, row in found.cells.items():
            label, signs = f"{safe(name)}{whose(name, found)}", "".join(_sign(row[i], style) for i in columns)
            if len(label) < NAME:
                lines.append(f"  {label:<{NAME}}{signs}")
            else:  # a name is shown whole
                lines += [f"  {label}", " " * (NAME + 2) + signs]
        lines.append("")
    more = [f"  … and {many(left, 'more compartment')}; -o html shows all", ""] if left else []
    return [*lines, *more, *map(style.dim, _legend(style.width)), ""]


def _legend(width: int) -> list[str]:
    """What each letter is; a letter and its words stay together."""
    together = "  ".join(x.replace(" ", "\N{NO-BREAK SPACE}") for x in LEGEND.split("  "))
    lines = wrapped(together, width, initial_indent="  ", subsequent_indent="  ")
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _sign(cover: Cover, style: Style) -> str:
    mark = {
        Cover.NOW: style.green,
        Cover.LATER: style.yellow,
        Cover.PROMOTED: style.yellow,
        Cover.REMOVED: style.red,
        Cover.MISSING: style.dim,
    }.get(cover)
    return mark(SIGNS[cover]) if mark else SIGNS[cover]


def _slices(found: Coverage, width: int) -> list[range]:
    room = max(1, width - NAME - 2)
    count = len(found.datamarts)
    return [range(start, min(start + room, count)) for start in range(0, count, room)]


def _heads(found: Coverage, columns: range, style: Style) -> list[str]:
    """Which letter is which datamart: by waves, first and last of each named."""
    lines: list[str] = []
    for wave, group in groupby(columns, key=lambda i: found.waves.get(found.datamarts[i], "")):
        members = list(group)
        first, last = found.datamarts[members[0]], found.datamarts[members[-1]]
        reach = first if first == last else f"{first} … {last}" if len(members) > 2 else f"{first}, {last}"
        before, arm = " " * (NAME + 2 + members[0] - columns[0]), "└" + "─" * (len(members) - 1)
        mark = before + arm
        words = f"{wave}: {reach}" if wave else reach
        if len(mark) + len(words) < style.width:
            told = [f"{mark} {words}"]
        elif len(words) < len(before) - 2:
            told = [f"  {words:>{len(before) - 3}} {arm}"]
        else:
            told = [*wrapped(words, style.width, initial_indent="  ", subsequent_indent="    "), mark]
        lines += map(style.dim, told)
    return lines


def as_markdown(plan: Plan, rows_at_most: int) -> list[str]:
    """The same as a table; of very many datamarts, one letter each."""
    found, left = shortened(coverage(plan), rows_at_most)
    words = [f"… and {many(left, 'more compartment')}, omitted to fit a comment.", ""] if left else []
    return [*markdown_matrix(found), *words]


def markdown_matrix(found: Coverage) -> list[str]:
    """Coverage as a table; of very many datamarts, one letter each."""
    found = together(found)
    if not found.cells:
        return []
    few = len(found.datamarts) <= 12
    if few:
        head = "| Compartment | " + " | ".join(map(cell, found.datamarts)) + " |"
        rule = "|---|" + ":-:|" * len(found.datamarts)
        rows = [
            f"| `{code(n)}`{whose(n, found)} | " + " | ".join(_word(c) for c in row) + " |"
            for n, row in found.cells.items()
        ]
        return ["### Coverage", "", head, rule, *rows, ""]
    by_wave = [
        (w, list(g))
        for w, g in groupby(
            range(len(found.datamarts)), key=lambda i: found.waves.get(found.datamarts[i], "")
        )
    ]
    head = "| Compartment | " + " | ".join(f"{cell(w) or 'all'} ({len(m)})" for w, m in by_wave) + " |"
    rows = [
        f"| `{code(n)}`{whose(n, found)} | "
        + " | ".join(f"`{''.join(SIGNS[row[i]] for i in m)}`" for _, m in by_wave)
        + " |"
        for n, row in found.cells.items()
    ]
    return ["### Coverage", "", head, "|---|" + "---|" * len(by_wave), *rows, "", f"`{LEGEND}`", ""]


def whose(name: str, found: Coverage) -> str:
    """That a compartment is another organisation's, or that no spec declares it."""
    return " (shared)" if name in found.shared else " (unmanaged)" if name in found.unmanaged else ""


def _word(cover: Cover) -> str:
    return {Cover.MISSING: "", Cover.NOW: "**now**", Cover.LATER: "later", Cover.PROMOTED: "to default"}.get(
        cover, cover.value
    )
