"""How two plans differ, as JSON. Pure."""

import json
from collections.abc import Sequence

from reconciler.model.plan import Plan
from reconciler.planning.plan.compare import Difference
from reconciler.reports.plan_diff.text import HEAD


def render(a: Plan, b: Plan, differences: Sequence[Difference]) -> str:
    """The same as one document."""
    rows = [
        {
            "address": d.address,
            "only": d.only,
            "actions": d.actions,
            "fields": {k: {"a": x, "b": y} for k, (x, y) in d.fields.items()},
        }
        for d in differences
    ]
    heads = {
        name: {"plan_digest": p.plan_digest, "created_at": p.created_at, **{k: getattr(p, k) for k in HEAD}}
        for name, p in (("a", a), ("b", b))
    }
    return (
        json.dumps({"format_version": "1.0", **heads, "differences": rows}, indent=2, ensure_ascii=False)
        + "\n"
    )
