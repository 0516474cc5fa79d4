"""Whether this workspace lets a saved plan do what it says (G12): asked once, before anything is read from the platform or sent."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from reconciler.cli import session
from reconciler.cli.flags import Flags
from reconciler.cli.wiring import destination, ledgers, real_clock
from reconciler.errors import ReconcilerError, Refused
from reconciler.ledger.rollouts import Recorded
from reconciler.model.plan import Plan
from reconciler.model.seal import Seal
from reconciler.planning.digests import sealed_by
from reconciler.planning.plan import document, waves
from reconciler.planning.plan.authority import Refusal, refusals
from reconciler.planning.plan.inverse import inverse
from reconciler.planning.plan.obstacles import check_plan
from reconciler.settings import Settings
from reconciler.workflows.check import Checked

SHOWN = 20


def authorised(made: Plan, flags: Flags) -> Checked:
    """The workspace, if it lets the plan be applied; specs are read only where they decide.

    Args:
        made: a plan that anybody may have written.
        flags: as given.

    Raises:
        Refused: the plan is another workspace's, its seal is wrong, or the specs do not declare what it does.
        SpecError: the specs have findings that stop.
    """
    checked = session.settings_only(flags)
    check_plan(made, checked.settings, real_clock.created_at())
    seal = seal_of(made, checked.settings)
    if seal is Seal.WRONG:
        raise Refused(
            "the plan's seal does not fit what the plan says: it was changed, or sealed with another plan_key",
            help="make a new plan; nothing was written",
        )
    if seal is Seal.RIGHT and not flags.sealed:
        return checked
    if seal is not Seal.RIGHT and flags.sealed:
        raise Refused(
            f"{_SEALS[seal]} With --sealed, nothing was written",
            help="make a new plan where the plan key is set; `reconciler config show` says whether it is set here",
        )
    checked = session.read_workspace(flags)
    found = refusals(made, checked.desired(), checked.settings.guards)
    if found and not made_by_ledger(made, flags, checked.settings):
        raise Refused(words(found), help="make a new plan with `reconciler plan --out FILE`")
    return checked


def seal_of(made: Plan, settings: Settings) -> Seal:
    """What the plan's seal says; without the key, a seal says nothing."""
    if not made.seal:
        return Seal.NONE
    key = destination.plan_key(settings, os.environ)
    if key is None:
        return Seal.UNKNOWN
    return Seal.RIGHT if sealed_by(made, key) else Seal.WRONG


_SEALS = {
    Seal.NONE: "The plan is not sealed.",
    Seal.UNKNOWN: "The plan is sealed; the seal was not checked, because the plan key is not set here.",
    Seal.RIGHT: "The plan is sealed, and the seal is right.",
    Seal.WRONG: "The seal of the plan is wrong: the plan was changed, or sealed with another key.",
}


def standing(made: Plan, flags: Flags) -> list[str]:
    """What is known of a plan here, in sentences: its seal, and whether the specs declare what it does."""
    flags = replace(flags, environment=flags.environment or made.environment)
    try:
        settings = session.settings_only(flags).settings
        told = [_SEALS[seal_of(made, settings)]]
    except ReconcilerError as e:
        return [f"The plan was not compared with specs: {e}"]
    try:
        check_plan(made, settings, real_clock.created_at())
        checked = session.read_workspace(flags)
        found = refusals(made, checked.desired(), checked.settings.guards)
    except ReconcilerError as e:
        return [*told, f"The plan was not compared with the specs here: {e}"]
    if not found:
        return [*told, "The specs here declare all that the plan does."]
    if made_by_ledger(made, flags, settings):
        return [*told, "The plan undoes a run or a rollout of the ledger here."]
    first, *lines = words(found).splitlines()
    return [*told, f"{first[0].upper()}{first.partition(';')[0][1:]}:", *lines]


def words(found: Sequence[Refusal]) -> str:
    """What the specs do not declare, a line for each."""
    lines = [f"  {refusal}" for refusal in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"  and {len(found) - SHOWN} more")
    return "\n".join(
        ["the plan is not what the specs of this workspace declare; nothing was written", *lines]
    )


def made_by_ledger(made: Plan, flags: Flags, settings: Settings) -> bool:
    """True for a plan that undoes a run or a rollout of this ledger: what it does was declared, and carried out here.

    A ledger that cannot be read has made nothing.
    """
    with suppress(ReconcilerError):
        return _made(made, flags, settings)
    return False


def _made(made: Plan, flags: Flags, settings: Settings) -> bool:
    if any(
        _digest(text) == made.plan_digest
        for text in ledgers.history(flags.root, settings).inverses(made.plan_digest)
    ):
        return True
    with ledgers.reading_rollouts(flags.root, settings) as board:
        found = board.newest() if board is not None else None
    return found is not None and undoing(found).plan_digest == made.plan_digest


def undoing(found: Recorded) -> Plan:
    """The plan that undoes what a rollout applied."""
    plan = document.decode(found.plan.encode(), f"the plan of rollout {found.id}")
    return inverse(waves.begun(plan, {None, *found.waves}))


def _digest(text: str) -> str:
    try:
        return document.decode(text.encode(), "a plan of the ledger").plan_digest
    except ReconcilerError:
        return ""
