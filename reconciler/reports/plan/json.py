"""A plan as JSON: the document that `plan --out` saves and `apply` reads. Pure."""

from reconciler.model.plan import Plan
from reconciler.planning.plan import document


def render(plan: Plan) -> str:
    """The whole plan as one document."""
    return document.encode(plan)
