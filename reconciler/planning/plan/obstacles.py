"""Why a plan cannot be applied, in one sentence. Pure."""

from reconciler.model.diagnostic import Severity
from reconciler.model.plan import Plan


def stopped(plan: Plan) -> str | None:
    """That a plan cannot be applied, and how many errors stop it; None if it can be."""
    if plan.audit is not None:
        return "this file records drift and is not a plan"
    if plan.applyable and not plan.errored:
        return None
    errors = len(_errors(plan))
    if not errors:
        return "this plan cannot be applied: a read failed" if plan.errored else "this plan cannot be applied"
    return f"this plan cannot be applied: {errors} error{'s' * (errors > 1)}"


def obstacle(plan: Plan) -> str | None:
    """How many errors stop a plan, and the first of them; None if it can be applied."""
    words, errors = stopped(plan), _errors(plan)
    if words is None or not errors:
        return words
    return f"{words}{'; first' if len(errors) > 1 else ''}: {errors[0]}"


def _errors(plan: Plan) -> list[str]:
    return [d.message for d in plan.diagnostics if d.severity is Severity.ERROR]
