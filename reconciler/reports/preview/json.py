"""A preview as JSON; with profile values, which is what it is asked for. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.preview import Preview
from reconciler.reports.preview.differences import differences


def render(found: Sequence[Preview]) -> str:
    """All of it as data."""
    rows = [plain(one) for one in found]
    return json.dumps({"format_version": "1.0", "previews": rows}, indent=2, ensure_ascii=False)


def plain(found: Preview) -> dict[str, Any]:
    """One preview as data."""
    changes = differences(found.stored or {}, found.merged or {})
    return {
        "address": found.address,
        "path": found.path,
        "line": found.line,
        "command": found.command,
        "stored": found.stored,
        "merged": found.merged,
        "changes": [{"sign": x.sign, "path": x.path, "old": x.old, "new": x.new} for x in changes],
    }
