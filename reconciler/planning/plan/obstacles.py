"""Why a plan cannot be applied, in one sentence; or not here. Pure."""

from datetime import datetime

from reconciler import __version__
from reconciler.errors import Refused
from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Severity
from reconciler.model.plan import Plan
from reconciler.settings import Settings

CLOCKS_APART_S = 300  # clocks of two machines may differ by so much


def stopped(plan: Plan) -> str | None:
    """That a plan cannot be applied, and how many errors stop it; None if it can be."""
    if plan.audit is not None:
        return "this file records drift and is not a plan"
    if plan.applyable and not plan.errored:
        return None
    errors = len(_errors(plan))
    if not errors:
        return "this plan cannot be applied: a read failed" if plan.errored else "this plan cannot be applied"
    return f"this plan cannot be applied: {many(errors, 'error')}"


def obstacle(plan: Plan) -> str | None:
    """How many errors stop a plan, and the first of them; None if it can be applied."""
    words, errors = stopped(plan), _errors(plan)
    if words is None or not errors:
        return words
    return f"{words}{'; first' if len(errors) > 1 else ''}: {errors[0]}"


def _errors(plan: Plan) -> list[str]:
    return [d.message for d in plan.diagnostics if d.severity is Severity.ERROR]


def check_plan(plan: Plan, settings: Settings, now: str) -> None:
    """A plan belongs to one workspace, organisation, endpoint and major version, and must be applyable and not too old.

    Args:
        plan: any plan whose digest is right.
        settings: of this workspace.
        now: in UTC, as plans write it.

    Raises:
        Refused: it is foreign, too old, or was not applyable when it was made.
    """
    if plan.tool_version.split(".")[0] != __version__.split(".", maxsplit=1)[0]:
        raise Refused(
            f"the plan was made by reconciler {plan.tool_version}; this is {__version__}",
            help="apply the plan with that version, or make a new plan",
        )
    if settings.max_plan_age is not None:
        age = (datetime.fromisoformat(now) - datetime.fromisoformat(plan.created_at)).total_seconds()
        if age < -CLOCKS_APART_S:
            raise Refused(
                f"the plan was made {-age / 60:.0f} min after now, by the clock of this machine; max_plan_age cannot be checked",
                help="set the clock of this machine and of the one that made the plan, and make a new plan",
            )
        if age > settings.max_plan_age:
            raise Refused(
                f"the plan is {age / 3600:.1f} h old; max_plan_age allows {settings.max_plan_age / 3600:g} h",
                help="make a new plan",
            )
    for what, theirs, ours in (
        ("organisation", plan.organisation_id, settings.organisation_id),
        ("workspace", plan.workspace, settings.workspace),
        ("environment", plan.environment, settings.environment),
        ("endpoint", plan.endpoint, str(settings.endpoint)),
    ):
        if theirs != ours:
            raise Refused(
                f"the plan is for {what} {theirs}; this workspace is set to {ours}",
                help="apply the plan in that workspace, or make a new plan",
            )
    if (why := obstacle(plan)) is not None:
        raise Refused(why, help="`reconciler show FILE` lists the reasons")
