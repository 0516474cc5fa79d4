"""Where a rollout is, as JSON. Pure."""

import json
from collections.abc import Sequence

from reconciler.ledger.history import Entry
from reconciler.ledger.rollouts import Recorded
from reconciler.model.plan import Plan
from reconciler.reports.rollout.text import rows, wave_state
from reconciler.reports.style import safe


def render(found: Recorded, plan: Plan, journal: Sequence[Entry]) -> str:
    """The rollout, its waves, and the rows of its datamarts, as one document."""
    assert plan.rollout is not None  # noqa: S101 - a rollout's plan
    every = rows(found, plan, journal)
    return json.dumps(
        {
            "format_version": "1.0",
            "rollout": plan.rollout.name,
            "id": found.id,
            "state": found.state,
            "why": safe(found.why),
            "who": safe(found.who),
            "plan_digest": plan.plan_digest,
            "spec_digest": plan.spec_digest,
            "waves": [
                {
                    "name": w.name,
                    "state": wave_state(found, r := found.waves.get(w.name)),
                    "since": r.at if r else None,
                    "why": r.why if r else "",
                    "datamarts": list(w.datamarts),
                }
                for w in plan.rollout.waves
            ],
            "organisation": [row for row in every if not row["datamart"]],
            "datamarts": [row for row in every if row["datamart"]],
        },
        indent=2,
        ensure_ascii=False,
    )
