"""The outcome of an apply as JSON. Pure."""

import json
from collections.abc import Sequence

from msgspec.structs import asdict

from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.planning.plan.coverage import Coverage
from reconciler.reports.result.text import counted
from reconciler.reports.style import safe


def render(outcomes: Sequence[Outcome], exit_code: int, plan: Plan, found: Coverage | None = None) -> str:
    """The whole result as one document; in a rollout with the coverage that it left.

    Args:
        outcomes: one per action.
        exit_code: of the command.
        plan: what was carried out.
        found: coverage after the run, in a rollout.
    """
    rows = [
        {
            "address": o.address,
            "action": o.action,
            "status": o.status.value,
            "message": safe(o.message),
            "remote_id": o.remote_id,
            "counts": o.counts,
            "failed_lines": [
                {"path": x.path, "line": x.line, "reason": safe(x.reason)} for x in o.failed_lines
            ],
            "unplaced": o.unplaced,
        }
        for o in outcomes
    ]
    return (
        json.dumps(
            {
                "format_version": "1.0",
                "plan_digest": plan.plan_digest,
                "overrides": [asdict(o) for o in plan.overrides],
                "exit_code": exit_code,
                "summary": counted(outcomes),
                "outcomes": rows,
                **({"coverage": _matrix(found)} if found is not None else {}),
            },
            indent=2,
            ensure_ascii=False,
        )
        + "\n"
    )


def _matrix(found: Coverage) -> dict[str, dict[str, str]]:
    return {
        row: {d: c.value for d, c in zip(found.datamarts, covers, strict=True)}
        for row, covers in found.cells.items()
    }
