"""`resume`."""

from reconciler.cli import options as opt
from reconciler.cli import run_pages, session
from reconciler.cli.applying import authority, execute
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import say
from reconciler.cli.wiring import ledgers
from reconciler.errors import Refused
from reconciler.model.exit_code import Exit
from reconciler.planning.plan import document
from reconciler.settings import Settings, seconds


@takes(*PLATFORM, "parallelism", "upload_rate", "lock_timeout")
def resume(
    flags: Flags,
    run_id: run_pages.RunId = None,
    output: opt.ResultOutput = opt.ResultFormat.TEXT,
) -> int:
    """Resume an interrupted run."""
    flags = flags.with_result_format(output)
    return resume_run(flags, run_id)


def resume_run(flags: Flags, run_id: int | None) -> int:
    """Go on with the plan of a run in the ledger.

    Raises:
        ReconcilerError: the ledger has no such run.
        Refused: the run is one of a rollout that is not finished.
    """
    checked = session.settings_only(flags)
    where = session.target(flags, checked.settings)
    with ledgers.locked(
        flags.root, checked.settings, seconds(flags.lock_timeout), session.lock_waits(flags)
    ) as (
        _,
        ledger,
        _taken,
    ):
        found = ledger.last_run() if run_id is None else ledger.run(run_id)
    if found is None:
        raise ledgers.no_run(run_id, "`reconciler apply` makes a new plan and continues unfinished loads")
    made = document.decode(found.plan.encode(), f"the plan of run {found.id}")
    if made.rollout is not None:
        return _of_rollout(flags, checked.settings, found.id)
    try:
        declared = authority.authorised(made, flags)
    except Refused:
        if found.state != "finished":
            raise
        say(
            f"Run {found.id} is finished: there is nothing to resume. `reconciler plan` shows what changed since."
        )
        return Exit.DONE
    if found.state == "finished" and run_id is None:
        say(f"No run is interrupted; the last one, run {found.id}, is finished.")
    return execute.apply_again(made, flags, declared, where)


def _of_rollout(flags: Flags, settings: Settings, run: int) -> int:
    """What to do about a run that applied a wave: nothing where its rollout is finished.

    Raises:
        Refused: the rollout is not finished.
    """
    with ledgers.reading_rollouts(flags.root, settings) as board:
        wave = board.of_runs().get(run) if board is not None else None
        rollout = board.numbered(wave.rollout) if board is not None and wave is not None else None
    if rollout is not None and rollout.state == "finished":
        say(
            f"Run {run} belongs to rollout {rollout.id}, which is finished: there is nothing to resume. `reconciler plan` shows what changed since."
        )
        return Exit.DONE
    if rollout is not None and rollout.state == "aborted":
        raise Refused(
            f"run {run} belongs to rollout {rollout.id}, which was aborted by {rollout.who}",
            help="`reconciler plan` shows what the specs still ask for",
        )
    raise Refused(f"run {run} belongs to a rollout", help="`reconciler rollout resume` continues the rollout")
