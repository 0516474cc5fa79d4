"""What `clean` found, as JSON. Pure."""

import json
from collections.abc import Collection, Sequence

from reconciler.model.leftover import Left
from reconciler.reports.times import instant


def render(found: Sequence[Left], removed: Collection[str] = ()) -> str:
    """A document with every item.

    Args:
        found: what lies there.
        removed: paths of those that were removed.
    """
    items = [
        {
            "kind": x.kind,
            "path": x.path,
            "files": x.files,
            "bytes": x.size,
            "modified": instant(int(x.modified)).isoformat(),
            "why": x.why,
            "removable": x.removable,
            "removed": x.path in removed,
        }
        for x in found
    ]
    return json.dumps({"format_version": "1.0", "items": items}, indent=2, ensure_ascii=False)
