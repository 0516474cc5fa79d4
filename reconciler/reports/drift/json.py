"""An audit as JSON: a plan that cannot be applied, with what moved under `resource_drift`. Pure."""

from reconciler.model.plan import Plan
from reconciler.planning.plan import document


def render(plan: Plan) -> str:
    """The whole audit as one document.

    Args:
        plan: an audit plan.
    """
    return document.encode(plan)
