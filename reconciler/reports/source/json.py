"""What reading a source shows, as JSON; values of rows come here only where they were asked for. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.shown_rows import ShownRow
from reconciler.reports.source import properties
from reconciler.reports.source.commands import masked
from reconciler.reports.source.reading import Reading


def render(readings: Sequence[Reading], diagnostics: Sequence[dict[str, Any]]) -> str:
    """Every reading of the source, and the findings, as one document."""
    return json.dumps(
        {
            "format_version": "1.0",
            "reads": [_reading(r) for r in readings],
            "diagnostics": list(diagnostics),
        },
        indent=2,
        ensure_ascii=False,
    )


def _reading(reading: Reading) -> dict[str, Any]:
    scan = reading.scan
    made = {
        "addresses": list(reading.addresses),
        "files": list(scan.files),
        "lines": scan.lines,
        "sent": scan.sent,
        "rejected": scan.rejected,
        "headers": scan.headers,
        "continued": scan.continued,
        "blank": scan.blank,
        "upserts": scan.upserts,
        "deletes": scan.deletes,
        "bytes": scan.bytes,
        "chunks": len(scan.chunks),
        "replay_safe": scan.replay_safe,
        "reasons": {
            code: {
                "count": count,
                "examples": [
                    {"path": r.path, "line": r.line, "reason": r.reason}
                    for r in reading.examples.get(code, ())
                ],
            }
            for code, count in scan.reasons.items()
        },
    }
    if reading.expectations:
        made["expectations"] = [{"expect": e, "broken": count} for e, count in reading.expectations]
    if reading.shown is not None:
        made["properties"] = properties.plain(reading.shown)
        made["uncounted_properties"] = reading.shown.uncounted
        made["commands"] = [_command(row, values=reading.values) for row in reading.shown.rows]
    return made


def _command(row: ShownRow, *, values: bool) -> dict[str, Any]:
    """As the text that is sent, so that numbers keep their digits; or as an object with words for values."""
    shown = {"text": row.command.decode()} if values else {"masked": masked(row.command)}
    return {"path": row.path, "line": row.line, **shown}
