"""Runs of the ledger as JSON. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from reconciler.reports.runs.story import Told
from reconciler.reports.times import utc


def render(runs: Sequence[Told], *, steps: bool = False) -> str:
    """Runs as data; with `steps`, what became of each action."""
    rows: list[dict[str, Any]] = [
        {
            "id": told.run.id,
            "state": told.state.value,
            "completed_by": told.completed_by,
            "rollout": None
            if told.rollout is None
            else {
                "id": told.rollout.rollout,
                "wave": told.rollout.wave,
                "wave_state": told.rollout.state,
                "why": told.rollout.why,
                "ended": told.rollout.ended,
                "plan_digest": told.rollout.plan_digest,
            },
            "host": told.run.host,
            "who": told.run.by.who,
            "commit": told.run.by.commit,
            "job": told.run.by.job,
            "started": _iso(told.run.started),
            "ended": None if told.run.ended is None else _iso(told.run.ended),
            "plan_digest": told.run.plan_digest,
            "environment": told.plan.environment,
            "counts": dict(told.counts),
            "why": told.why,
            "overrides": [
                {"guard": o.guard, "scope": o.scope, "who": o.who, "why": o.why} for o in told.plan.overrides
            ],
            "planned": {k: getattr(told.plan.summary, k) for k in ("create", "update", "delete", "execute")},
        }
        for told in runs
    ]
    for row, told in zip(rows, runs, strict=True) if steps else ():
        row["steps"] = [
            {
                "address": s.address,
                "action": s.action,
                "state": s.state,
                "reason": s.reason,
                "counts": s.counts,
                "chunks": s.chunks,
                "failed_lines": list(s.failed_lines),
            }
            for s in told.steps
        ]
    return json.dumps({"format_version": "1.0", "runs": rows}, indent=2, ensure_ascii=False)


def _iso(seconds: float) -> str:
    return utc(seconds).replace(" ", "T") + "Z"
