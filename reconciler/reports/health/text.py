"""What `doctor` saw, one line each, and below each that is not good what to do. Pure."""

from collections import Counter
from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.health import Check, Health
from reconciler.reports.style import Style, safe


def render(checks: Sequence[Check], style: Style) -> str:
    """A line for each check, and one that counts them."""
    marks = {
        Health.GOOD: style.green,
        Health.WARNING: style.yellow,
        Health.FAILED: style.red,
        Health.SKIPPED: style.dim,
    }
    width = max(len(c.name) for c in checks)
    lines = []
    for c in checks:
        lines.append(f"{marks[c.health](f'{c.health.value:<7}')}  {c.name:<{width}}  {safe(c.message)}")
        if c.help:
            lines.append(f"{'':9}= help: {safe(c.help)}")
    count = Counter(c.health for c in checks)
    parts = [many(count[Health.FAILED], "failure"), many(count[Health.WARNING], "warning")]
    if count[Health.SKIPPED]:
        parts.append(f"{count[Health.SKIPPED]} skipped")
    return "\n".join([*lines, "", f"{many(len(checks), 'check')}: {', '.join(parts)}.", ""])
