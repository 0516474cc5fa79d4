"""What a load would change, as JSON; with profile values only where they are asked for. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.source_diff import SourceDiff
from reconciler.reports.preview.json import plain
from reconciler.reports.source_diff.counts import by_fate, by_property, fate, signs


def render(found: Sequence[SourceDiff], *, values: bool) -> str:
    """All of it as data.

    Args:
        found: one for each datamart.
        values: with the stored and the new profile of each identity.
    """
    rows = [_plain(one, values=values) for one in found]
    return json.dumps({"format_version": "1.0", "diffs": rows}, indent=2, ensure_ascii=False)


def _plain(found: SourceDiff, *, values: bool) -> dict[str, Any]:
    return {
        "address": found.address,
        "commands": found.commands,
        "rejected": found.rejected,
        "identities": len(found.previews) + len(found.unpredicted),
        "summary": {kind.value: count for kind, count in by_fate(found.previews).items()},
        "properties": [
            {"name": r.name, "added": r.added, "changed": r.changed, "removed": r.removed}
            for r in by_property(found.previews)
        ],
        "profiles": [
            {
                "path": x.path,
                "line": x.line,
                "fate": fate(x).value,
                "properties": signs(x),
                **({"values": plain(x)} if values else {}),
            }
            for x in found.previews
        ],
        "unpredicted": [{"path": x.path, "line": x.line, "reason": x.reason} for x in found.unpredicted],
    }
