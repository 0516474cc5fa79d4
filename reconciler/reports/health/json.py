"""What `doctor` saw, as JSON. Pure."""

import json
from collections import Counter
from collections.abc import Sequence

from reconciler.model.health import Check, Health


def render(checks: Sequence[Check]) -> str:
    """A document with every check, in order, and how many of each there are."""
    count = Counter(c.health for c in checks)
    return json.dumps(
        {
            "format_version": "1.0",
            "ok": not count[Health.FAILED],
            "summary": {h.value: count[h] for h in Health},
            "checks": [
                {"name": c.name, "state": c.health.value, "message": c.message, "help": c.help}
                for c in checks
            ],
        },
        indent=2,
        ensure_ascii=False,
    )
