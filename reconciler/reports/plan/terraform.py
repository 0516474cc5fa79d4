"""A plan in numbers, as GitLab's `terraform` report shows them beside a merge request. Pure."""

import json

from reconciler.model.plan import Plan


def render(plan: Plan) -> str:
    """What is created (loads too), changed and deleted."""
    s = plan.summary
    return json.dumps({"create": s.create + s.execute, "update": s.update, "delete": s.delete}) + "\n"
