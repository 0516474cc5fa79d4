"""What the properties of a source hold, as a table of 80 columns. Pure; names and counts, no value of a row."""

from typing import NamedTuple

from reconciler.kinds.counts import many
from reconciler.model.shown_rows import Property, Shown
from reconciler.reports.style import Style, safe

HEADS = ("property", "absent", "null", "empty", "type", "length")
_NAME, _RATE, _LENGTH, _TYPE = 26, 7, 12, 16
_NAME_LEAST = 10


class Row(NamedTuple):
    """One line of the table; rates are of the UPSERT commands, lengths in characters of text."""

    name: str
    absent: str
    null: str
    empty: str
    types: tuple[str, ...]
    length: str


def rows(shown: Shown) -> list[Row]:
    """A row for each property."""
    return [_row(p, shown.upserts) for p in shown.properties]


def _row(found: Property, upserts: int) -> Row:
    types = sorted(found.types.items(), key=lambda item: (-item[1], item[0]))
    return Row(
        safe(found.name),
        rate(upserts - found.present, upserts),
        rate(found.nulls, upserts),
        rate(found.empty, upserts),
        tuple(
            kind if len(types) == 1 else f"{kind} {rate(count, found.present - found.nulls)}"
            for kind, count in types
        ),
        _length(found),
    )


def _length(found: Property) -> str:
    if found.shortest is None or found.longest is None or found.name == "$compartment_id":
        return ""  # the id of a compartment may be known after plan only
    if found.shortest == found.longest:
        return f"{found.shortest:,}"
    return f"{found.shortest:,}-{found.longest:,}"


def rate(count: int, whole: int) -> str:
    """A part in percent; 0 % and 100 % are said only where they are exact."""
    if not count:
        return "0%"
    if count == whole:
        return "100%"
    percent = 100 * count / whole
    if percent < 0.1:
        return "<0.1%"
    if percent > 99.9:
        return ">99.9%"
    return f"{percent:.1f}%"


def table(shown: Shown, style: Style) -> list[str]:
    """Lines of text."""
    if not shown.properties:
        return ["  No command sets a property."]
    lines = [
        f"  Properties of {many(shown.upserts, 'UPSERT command')}:",
        "  " + style.bold(_line(Row(*HEADS[:4], (HEADS[4],), HEADS[5]), HEADS[4], style.width)),
    ]
    name = name_width(style.width)
    for row in rows(shown):
        first, *more = row.types or ("",)
        if name < len(row.name) and name < _NAME:
            lines.append(f"  {clipped(row.name, _NAME)}")
            lines.append("  " + _line(row._replace(name=""), first, style.width))
        else:
            lines.append("  " + _line(row, first, style.width))
        lines += [" " * (2 + name + 3 * _RATE + 2) + kind for kind in more]
    if shown.uncounted:
        lines.append(
            f"  {many(shown.uncounted, 'value of a further property is', 'values of further properties are')} not listed: there are too many names."
        )
    return lines


def name_width(width: int) -> int:
    """Characters for the names of properties; on a narrow terminal, longer ones have a line of their own.

    Args:
        width: of the terminal.
    """
    return max(_NAME_LEAST, min(_NAME, width - 4 - 3 * _RATE - _TYPE - _LENGTH))


def _line(row: Row, first: str, width: int) -> str:
    name, rates = name_width(width), "".join(text.rjust(_RATE) for text in (row.absent, row.null, row.empty))
    length = _LENGTH if name > _NAME_LEAST else max(0, width - 4 - name - 3 * _RATE - _TYPE)
    return f"{clipped(row.name, name):{name}}{rates}  {first:{_TYPE}}{row.length:>{length}}".rstrip()


def clipped(text: str, width: int) -> str:
    """At most so many characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def plain(shown: Shown) -> list[dict[str, object]]:
    """The same as data: counts, not rates."""
    return [
        {
            "name": p.name,
            "absent": shown.upserts - p.present,
            "null": p.nulls,
            "empty": p.empty,
            "types": dict(p.types),
            "shortest": p.shortest,
            "longest": p.longest,
        }
        for p in shown.properties
    ]
