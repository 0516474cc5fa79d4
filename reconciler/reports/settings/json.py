"""Settings with their origins as JSON. Pure."""

import json
from collections.abc import Sequence

from reconciler.reports.settings.text import Row


def render(rows: Sequence[Row]) -> str:
    """A document with a setting a name."""
    settings = {r.name: {"value": r.value, "origin": r.origin} for r in rows}
    return json.dumps({"format_version": "1.0", "settings": settings}, indent=2, ensure_ascii=False)
