"""Carrying a plan out, at once or in waves, with its report: what `apply`, `resume` and `rollout resume` share."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from reconciler.cli import run_pages, session
from reconciler.cli.applying import authority, baseline, late, waves
from reconciler.cli.applying.carrying import Means, carry_out, opened
from reconciler.cli.flags import Flags
from reconciler.cli.options import Format, PlanFormat
from reconciler.cli.output.console import data, out, say, style
from reconciler.cli.wiring import actor, destination, real_clock
from reconciler.errors import ReconcilerError
from reconciler.model.exit_code import Exit
from reconciler.model.outcome import Outcome
from reconciler.model.plan import Plan
from reconciler.planning.plan.coverage import Coverage, after, coverage
from reconciler.planning.plan.obstacles import check_plan
from reconciler.reports import allowed
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.result import json as result_json
from reconciler.reports.result import text as result_text
from reconciler.workflows.check import Checked


def apply_saved(made: Plan, flags: Flags) -> int:
    """`apply FILE`: the file is its own approval; what it does has to be declared here."""
    flags = in_its_environment(flags, made)
    checked = authority.authorised(made, flags)
    return apply_again(made, flags, checked, session.seeded_target(flags, checked))


def apply_again(made: Plan, flags: Flags, checked: Checked, where: destination.Target) -> int:
    """A plan that another process made, of a file or of a run.

    Args:
        made: the plan; what it does is declared here.
        flags: as given.
        checked: the checked workspace.
        where: endpoint and token.
    """
    shown = session.progress(flags)
    return apply(
        made, Means(flags, checked, session.new_scans(flags, shown, kept=True), where, shown), saved=True
    )


def in_its_environment(flags: Flags, made: Plan) -> Flags:
    """Where none is chosen, the plan's own environment; another one than the plan's is refused by `check_plan`."""
    chosen = flags.environment or os.environ.get("RECONCILER_ENVIRONMENT")
    return flags if chosen else replace(flags, environment=made.environment)


def apply(made: Plan, means: Means, *, saved: bool) -> int:
    """Carry a plan out and report; the exit code.

    Args:
        made: the plan.
        means: what to do it with.
        saved: the plan was read from a file, so it is its own approval.

    Raises:
        ReconcilerError: --wave was given for a plan without waves; or see `apply_plan`.
        Refused: the plan may not be applied here, or something moved.
    """
    flags, settings = means.flags, means.settings
    check_plan(made, settings, real_clock.created_at())
    if flags.wave is not None and made.rollout is None:
        raise ReconcilerError("--wave: the plan has no waves", help="declare a Rollout, and make a new plan")
    if not made.has_changes and not any(load.unfinished for load in made.loads):
        return _nothing_to_do(made, means, saved=saved)
    covered: Coverage | None = None
    stopped = None
    if made.rollout is not None:
        rolled, code = waves.apply_in_waves(made, means, from_file=saved)
        outcomes, already = rolled.outcomes, rolled.already
        before = waves.earlier(flags, settings)
        covered, stopped = after(coverage(made), outcomes, rolled.carried, before), rolled.why
    else:
        outcomes, already, code = _at_once(made, means, saved=saved)
    if not already:
        baseline.keep(made, outcomes, flags, settings, means.where if saved else None)
    marks = style(sys.stdout, no_color=flags.no_color)
    last = result_text.summary(result_text.counted(outcomes), marks, stopped=stopped is not None)
    told = "This plan was already applied; nothing was written." if already else last
    _report(flags, made, outcomes, code, told, covered)
    _tell_next(flags, outcomes, stopped)
    if made.rollout is not None and code == Exit.DONE and flags.wave is not None:
        waves.tell_left(flags, settings)
    return code


def _nothing_to_do(made: Plan, means: Means, *, saved: bool) -> int:
    """A plan without changes: what came late is told all the same, and how everything is is remembered."""
    flags, settings = means.flags, means.settings
    if means.scans.spools is not None:
        means.scans.spools.remove_abandoned()
    left = coverage(made) if made.rollout is not None else None
    with means.shown:
        came = late.tell(made, (), means)
    baseline.keep(made, (), flags, settings, means.where if saved else None, learn=True)
    code = Exit.PARTLY if came else Exit.DONE
    _report(flags, made, came, code, "Nothing to apply: no changes.", left, said=not saved)
    return code


def _at_once(made: Plan, means: Means, *, saved: bool) -> tuple[tuple[Outcome, ...], bool, int]:
    """Carry out a plan without waves: the outcomes, whether it was applied before, the exit code."""
    with opened(means) as held:
        result = carry_out(made, means, held, saved=saved, from_file=saved)
        code = held.interrupt.code or int(result.exit)
        came = () if code else late.tell(made, result.outcomes, means)
        outcomes, code = (*result.outcomes, *came), Exit.PARTLY if came else code
        means.shown.ended(code, result_text.counted(outcomes))
    return outcomes, result.already, code


def _tell_next(flags: Flags, outcomes: Sequence[Outcome], stopped: str | None) -> None:
    """What to run next, last; `stopped` says why a rollout did."""
    if stopped is not None:
        refused = [f"{words}\n" for words in result_text.todo(outcomes) if words == result_text.REFUSED_401]
        say(
            f"Rollout stopped: {stopped}.\n{''.join(refused)}Next: `reconciler rollout status` shows the waves, and what can be done."
        )
    elif flags.shape is PlanFormat.TEXT and (todo := result_text.todo(outcomes)):
        say("\n".join(todo))


def _report(
    flags: Flags,
    made: Plan,
    outcomes: Sequence[Outcome],
    code: int,
    told: str,
    found: Coverage | None = None,
    *,
    said: bool = False,  # the plan was shown, and it says the same
) -> None:
    if flags.shape is PlanFormat.MARKDOWN:
        from reconciler.reports.result import markdown

        data(markdown.render(outcomes, code, made, told, found))
        return
    if flags.shape is PlanFormat.HTML:
        data(_page(flags, made, outcomes))
        return
    if flags.output is Format.JSON:
        data(result_json.render(outcomes, code, made, found))
        return
    if found is not None and not said:
        out("\n" + "\n".join(coverage_text.matrix(found, style(sys.stdout, no_color=flags.no_color))))
    for sentence in allowed.sentences(made.overrides):
        out(f"Guard overridden: {sentence}")
    if not said:
        out(told)


def _page(flags: Flags, made: Plan, outcomes: Sequence[Outcome]) -> str:
    """The page of the rollout or the run that applied a plan; where there was nothing to do, that of the plan."""
    if made.rollout is not None and made.has_changes:
        settings = session.settings_only(flags).settings
        return run_pages.rollout_page(flags.root, settings, *waves.newest(flags.root, settings))
    found = run_pages.run_of(flags, made.plan_digest)
    if found is None:
        from reconciler.reports.plan import html

        return html.render(made, None, actor.this())
    known = {s.address for s in found.steps}
    late = [f"{o.address}: {o.message}" for o in outcomes if o.address not in known]
    return run_pages.run_page(flags, found, late)
