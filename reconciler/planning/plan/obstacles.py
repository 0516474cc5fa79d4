"""Why a plan cannot be applied, in one sentence. Pure."""

from reconciler.model.diagnostic import Severity
from reconciler.model.plan import Plan


def obstacle(plan: Plan) -> str | None:
    """How many errors stop a plan, and the first of them; None if it can be applied."""
    if plan.applyable and not plan.errored:
        return None
    errors = [d.message for d in plan.diagnostics if d.severity is Severity.ERROR]
    if not errors:
        return "this plan cannot be applied: a read failed" if plan.errored else "this plan cannot be applied"
    many = "1 error" if len(errors) == 1 else f"{len(errors)} errors; first"
    return f"this plan cannot be applied: {many}: {errors[0]}"
