"""Runs of the ledger as JSON. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.ledger.history import Recorded
from reconciler.model.plan import Plan
from reconciler.reports.runs.text import Step, utc


def render(runs: Sequence[tuple[Recorded, Plan]], found: Sequence[Step] | None = None) -> str:
    """Runs as data; with steps, those of the one run."""
    rows: list[dict[str, Any]] = [
        {
            "id": run.id,
            "state": run.state,
            "host": run.host,
            "started": _iso(run.started),
            "ended": None if run.ended is None else _iso(run.ended),
            "plan_digest": run.plan_digest,
            "environment": plan.environment,
            "summary": {k: getattr(plan.summary, k) for k in ("create", "update", "delete", "execute")},
        }
        for run, plan in runs
    ]
    if found is not None:
        rows[0]["steps"] = [
            {
                "address": s.address,
                "action": s.action,
                "state": s.state,
                "counts": s.counts,
                "chunks": s.chunks,
                "failed_lines": list(s.failed_lines),
            }
            for s in found
        ]
    return json.dumps({"format_version": "1.0", "runs": rows}, indent=2, ensure_ascii=False)


def _iso(seconds: float) -> str:
    return utc(seconds).replace(" ", "T") + "Z"
