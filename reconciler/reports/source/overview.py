"""What reading one source on many datamarts gave, as one table. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import few, many
from reconciler.reports.grouping import OF_A_KIND_SHOWN, grouped
from reconciler.reports.source.properties import clipped
from reconciler.reports.source.reading import MORE, Reading, reasons, replay
from reconciler.reports.style import Style, safe, size

_NAME, _LEAST = 30, 10
_SIZE, _CHUNKS = 10, 8
HEADS = ("rows", "to send", "rejected")


def render(name: str, readings: Sequence[Reading], style: Style) -> str:
    """A line for each reading, then what is said of all of them: reasons, expectations, whether chunks may be sent again.

    Args:
        name: of the source.
        readings: of its datamarts.
        style: of the terminal.
    """
    count = 2 + max(len(f"{sum(r.scan.lines for r in readings):,}"), *map(len, HEADS))
    # On a narrow terminal the rows are left out: they are what is sent and what is rejected.
    heads = HEADS if 2 + _LEAST + len(HEADS) * count + _SIZE + _CHUNKS <= style.width else HEADS[1:]
    name_width = max(_LEAST, min(_NAME, style.width - 2 - len(heads) * count - _SIZE - _CHUNKS))

    def row(title: str, of: Sequence[Reading]) -> str:
        scans = [r.scan for r in of]
        counts = (sum(s.lines for s in scans), sum(s.sent for s in scans), sum(s.rejected for s in scans))
        numbers = "".join(f"{n:>{count},}" for n in counts[-len(heads) :])
        volume, chunks = size(sum(s.bytes for s in scans)), sum(len(s.chunks) for s in scans)
        return f"  {clipped(title, name_width):{name_width}}{numbers}{volume:>{_SIZE}}{chunks:>{_CHUNKS},}"

    titles = "".join(h.rjust(count) for h in heads)
    lines = [
        style.bold(f"ProfileSource/{safe(name)}: {many(len(readings), 'reading')}"),
        style.bold(f"  {'datamart':{name_width}}{titles}{'volume':>{_SIZE}}{'chunks':>{_CHUNKS}}"),
        *(row(_datamarts(r), [r]) for r in readings),
        style.bold(row("all", readings)),
    ]
    for said, same in Counter(replay(r.scan) for r in readings).items():
        lines.append(f"  replay  {said}{'' if same == len(readings) else f' ({same:,} of them)'}")
    lines += _expectations(readings, style)
    if any(r.scan.rejected for r in readings):
        lines += ["", "  Rejected rows by reason:", *_reasons(readings, style)]
    return "\n".join(lines) + "\n"


def _datamarts(reading: Reading) -> str:
    return safe(few([a.partition("@")[2] or a for a in reading.addresses], 1))


def _expectations(readings: Sequence[Reading], style: Style) -> list[str]:
    lines = []
    for n, same in enumerate(grouped((e for r in readings for e in r.expectations), lambda e: e[0])):
        broken = [count for _, count in same if count]
        words = f"{many(sum(broken), 'row breaks', 'rows break')} it, in {many(len(broken), 'reading')}"
        verdict = style.red(words) if broken else "holds"
        lines.append(f"  {'expect' if n == 0 else '      '}  {safe(same[0][0])}: {verdict}")
    return lines


def _reasons(readings: Sequence[Reading], style: Style) -> list[str]:
    counts = Counter[str]()
    for reading in readings:
        counts.update(reading.scan.reasons)
    lines = []
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"  {count:>9,}  {style.red(code)}")
        examples = [x for r in readings for c, _, found in reasons(r) if c == code for x in found]
        lines += [
            f"             {safe(x.path)}:{x.line}: {safe(x.reason)}" for x in examples[:OF_A_KIND_SHOWN]
        ]
        if count > len(examples[:OF_A_KIND_SHOWN]):
            lines.append(f"             {MORE}")
    return lines
