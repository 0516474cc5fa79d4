"""What reading a source shows, as one page of HTML that needs nothing else. Pure, but for its template."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reconciler.model.diagnostic import Diagnostic
from reconciler.reports.page import template
from reconciler.reports.source import properties
from reconciler.reports.source.commands import fields
from reconciler.reports.source.reading import Reading, files, other_lines, reasons, replay

_TEMPLATE = Path(__file__).parent / "templates" / "source.html"
_FILES = 50


def render(name: str, readings: Sequence[Reading], diagnostics: Sequence[Diagnostic]) -> str:
    """The page.

    Args:
        name: of the source.
        readings: of the source, one for all datamarts for which it reads the same.
        diagnostics: findings of all of them.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    page: str = template(_TEMPLATE).render(
        name=name, readings=[_reading(r) for r in readings], diagnostics=diagnostics
    )
    return page


def _reading(reading: Reading) -> dict[str, Any]:
    scan, shown = reading.scan, reading.shown
    return {
        "addresses": reading.addresses,
        "scan": scan,
        "max_bytes": reading.max_bytes,
        "files": files(scan, _FILES),
        "others": other_lines(scan),
        "replay": replay(scan),
        "reasons": reasons(reading),
        "shown": shown,
        "properties": properties.rows(shown) if shown else [],
        "commands": [(row, fields(row.command, values=reading.values)) for row in shown.rows]
        if shown
        else [],
        "with_values": reading.values,
        "expectations": reading.expectations,
    }
