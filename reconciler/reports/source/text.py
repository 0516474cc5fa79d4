"""What reading a source shows, as text that fits 80 columns. Pure; values of rows come here only where they were asked for."""

from reconciler.kinds.counts import many
from reconciler.model.shown_rows import Shown, ShownRow
from reconciler.reports.source import properties
from reconciler.reports.source.commands import Field, fields
from reconciler.reports.source.properties import clipped
from reconciler.reports.source.reading import MORE, Reading, files, other_lines, reasons, replay
from reconciler.reports.style import Style, safe, size

_FILES = 5
_NAME = 30


def render(reading: Reading, style: Style) -> str:
    """Counts, volume, chunks, the reasons for which lines were rejected, and what was asked to be shown."""
    scan = reading.scan
    lines = [
        *(style.bold(a) for a in reading.addresses),
        f"  read    {many(scan.lines, 'row')} = {scan.sent:,} to send + {scan.rejected:,} rejected",
        *(f"  {'lines' if n == 0 else '     '}   {text}" for n, text in enumerate(other_lines(scan))),
        f"  send    {many(scan.upserts, 'upsert')}, {many(scan.deletes, 'delete')}",
        f"  volume  about {size(scan.bytes)} in {many(len(scan.chunks), 'chunk')} of at most {size(reading.max_bytes)}",
        f"  replay  {replay(scan)}",
        *(f"  {'from' if n == 0 else '    '}    {safe(f)}" for n, f in enumerate(files(scan, _FILES))),
    ]
    for n, (expectation, count) in enumerate(reading.expectations):
        verdict = style.red(f"{many(count, 'row breaks', 'rows break')} it") if count else "holds"
        lines.append(f"  {'expect' if n == 0 else '      '}  {safe(expectation)}: {verdict}")
    if scan.rejected:
        lines += ["", "  Rejected rows by reason:"]
        for code, count, examples in reasons(reading):
            lines.append(f"  {count:>9,}  {style.red(code)}")
            lines += [f"             {safe(r.path)}:{r.line}: {safe(r.reason)}" for r in examples]
            if count > len(examples):
                lines.append(f"             {MORE}")
    if reading.shown is not None:
        lines += ["", *properties.table(reading.shown, style)]
        lines += _commands(reading.shown, style, values=reading.values)
    return "\n".join(lines) + "\n"


def _commands(shown: Shown, style: Style, *, values: bool) -> list[str]:
    if not shown.rows:
        return []
    what = "with values:" if values else "without values (--values shows them):"
    count = len(shown.rows)
    lines = ["", f"  First {'command' if count == 1 else many(count, 'command')}, {what}"]
    for row in shown.rows:
        lines += ["", *_command(row, style, values=values)]
    return lines


def _command(row: ShownRow, style: Style, *, values: bool) -> list[str]:
    lines, inside = [f"  {style.bold(f'{safe(row.path)}:{row.line}')}"], False
    for field in fields(row.command, values=values):
        if field.in_profile and not inside:
            lines.append("    user_profile")
        inside = field.in_profile
        lines.append(_field(field, style))
    return lines


def _field(field: Field, style: Style) -> str:
    indent = 6 if field.in_profile else 4
    name = clipped(safe(field.name), _NAME - indent)
    begin = f"{' ' * indent}{name:{_NAME - indent}}  "
    return begin + clipped(safe(field.shown), style.width - len(begin))
