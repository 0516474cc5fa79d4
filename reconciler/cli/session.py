"""What the commands share: read the workspace, make a plan, ask."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace as with_fields
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconciler.cli import approval
from reconciler.cli.flags import Flags
from reconciler.cli.output import traces
from reconciler.cli.output.console import style
from reconciler.cli.output.events import Events
from reconciler.cli.output.progress import Display, display
from reconciler.cli.wiring import destination, real_clock
from reconciler.errors import Refused, SpecError
from reconciler.model.plan import Plan
from reconciler.planning.digests import plan_seal
from reconciler.settings import Settings, seconds
from reconciler.workflows.check import Checked, check
from reconciler.workspace.cache import cache_folder

if TYPE_CHECKING:  # who only asks for help does not wait for what sends requests and reads sources
    from reconciler.bulk.scan.held import Owner
    from reconciler.bulk.scan.source_scans import Scans
    from reconciler.bulk.scan.workers import Workers
    from reconciler.workflows.plan_loads import Sources


def read_workspace(flags: Flags, *, may_be_empty: bool = False) -> Checked:
    """The checked workspace.

    Args:
        flags: as given.
        may_be_empty: no spec at all is no error here.

    Raises:
        SpecError: it has findings that stop.
        Refused: the specs are not those that `--spec-digest` names.
    """
    checked = check(flags.root, flags.settings(), os.environ)
    if may_be_empty:
        checked = with_fields(
            checked, diagnostics=tuple(d for d in checked.diagnostics if d.code != "no-specs")
        )
    if not checked.ok:
        raise SpecError(checked.diagnostics)
    if flags.spec_digest is not None and not checked.spec_digest().startswith(flags.spec_digest):
        raise Refused(
            f"the specs are {checked.spec_digest()[:12]}, not {flags.spec_digest[:12]}",
            help="check out the commit that was applied in the other environment; `reconciler rollout status -o json` there shows spec_digest",
        )
    return checked


def target(flags: Flags, settings: Settings) -> destination.Target:
    """Endpoint and token, and who is told of requests; starts the sandbox if it is the endpoint.

    Raises:
        ReconcilerError: no token is configured, or it cannot be read.
        DiskFailed: the log of requests cannot be written.
    """
    return destination.target(flags.root, settings, flags.token_file, flags.requests)


def seeded_target(flags: Flags, checked: Checked) -> destination.Target:
    """As `target`; a sandbox is started, and given the organisation and the datamarts that the specs name.

    Args:
        flags: as given.
        checked: the checked workspace.

    Raises:
        ReconcilerError: no token is configured, or the sandbox does not start.
    """

    def seed() -> dict[str, Any]:
        from reconciler.workflows.sandbox_seed import seed as of

        return of(checked)

    return destination.target(flags.root, checked.settings, flags.token_file, flags.requests, seed)


def plan(
    flags: Flags,
    checked: Checked,
    where: destination.Target,
    scans: "Callable[[], Scans]",
    *,
    seen: bool = True,
) -> Plan:
    """Make a plan.

    Args:
        flags: as given.
        checked: the checked workspace.
        where: endpoint and token.
        scans: gives what reads sources, each once; asked only where there are any.
        seen: a person sees the findings, so that what is reported once counts as reported.
    """
    from reconciler.cli.remembered import keep_looked, remembered
    from reconciler.cli.wiring import connections, ledgers
    from reconciler.workflows.plan import make_plan
    from reconciler.workflows.request import Request

    settings, folder = checked.settings, cache_folder(flags.root, os.environ)
    known, looked = remembered(flags.root, settings, folder, flags.activity.tell), list[str]()
    since = real_clock.CLOCK.wall()
    request = Request(
        scope=flags.scope(checked),
        overrides=flags.overrides(),
        allowed=flags.allowed(),
        prune=frozenset(flags.prune or ()),
        created_at=real_clock.created_at(),
        ledger=ledgers.not_shared(flags.root, settings, several=bool(os.environ.get("CI"))),
        uploads=known.uploads,
        known=known.compartments,
        refused=lambda address, *row: None if address in (flags.target or ()) else known.refused.of(*row),
        newest_load=known.newest_load,
        watched=known.watched.keys(),
        looked=looked.append,
    )
    with (
        traces.phase("plan"),
        connections.reader(where, checked.settings.parallelism) as reader,
        connections.threads(checked.settings.parallelism) as io,
        ExitStack() as opened,
    ):

        def sources() -> "Sources":
            from reconciler.cli.wiring import sent
            from reconciler.workflows.plan_loads import Sources

            reading = scans()
            return Sources(reading, opened.enter_context(sent.indexes(flags.root, settings, reading)))

        made = under_key(make_plan(checked, reader, io, sources, request), settings)
    if seen:
        keep_looked({a: known.watched[a] for a in looked}, since, settings.settle, folder)
    return made


def under_key(made: Plan, settings: Settings) -> Plan:
    """The plan, sealed with the workspace's key where it is at hand."""
    key = destination.plan_key(settings, os.environ)
    return made if key is None else replace(made, seal=plan_seal(made, key))


def in_full(made: Plan, settings: Settings) -> Plan:
    """The plan with an entry for each resource that is as declared; sealed again, since it was made here."""
    from reconciler.planning.plan.document import full

    return under_key(full(made), settings)


def approve(made: Plan, *, auto: bool) -> None:
    """Ask whether to apply a plan.

    Raises:
        ApprovalRefused: the answer is not yes, or nobody can be asked.
    """
    from reconciler.reports.plan.consequences import consequences
    from reconciler.reports.plan.decision import in_numbers

    # Findings stand between the plan and the question, and may fill the screen.
    told = [*(f"  ! {words}" for words in consequences(made)), f"Plan: {in_numbers(made)}"]
    approval.approve(
        "\n".join([*told, "Apply this?"]),
        auto=auto,
        help="save a plan with `plan --out FILE` and apply that, or give --auto-approve",
    )


def _readers(flags: Flags, stopping: Callable[[], bool]) -> "Workers | None":
    """Who reads large sources: the workers of a cluster where the workspace has one.

    Raises:
        ReconcilerError: the cluster cannot be used.
    """
    settings = settings_only(flags).settings
    if settings.engine is None:
        return None
    from reconciler.cli.wiring.cluster_connection import connection
    from reconciler.cli.wiring.cluster_readers import Readers

    return Readers(connection(settings.engine, flags.root), stopping)


def lock_waits(flags: Flags) -> Callable[[str], None]:
    """Says that the lock of another run is waited for."""

    def told(text: str) -> None:
        flags.activity.tell(text)
        flags.activity.waits("for the lock", seconds(flags.lock_timeout))

    return told


def settings_only(flags: Flags) -> Checked:
    """The workspace's settings without its specs, where those decide nothing."""
    from reconciler.settings import resolve
    from reconciler.spec.files import read_workspace as read_file
    from reconciler.spec.specs import Specs

    found = read_file(flags.root)
    return Checked(flags.root, resolve(flags.settings(), os.environ, found.data), Specs(), (), ())


def owner(settings: Settings) -> "Owner":
    """For what sources are read that cannot be read twice."""
    from reconciler.bulk.scan.held import Owner

    return Owner(str(settings.endpoint), settings.organisation_id, settings.environment)


def new_scans(
    flags: Flags, shown: Display, *, kept: bool = False, rejects: Callable[[str], None] | None = None
) -> "Scans":
    """A scan cache that shows its progress.

    Args:
        flags: as given.
        shown: what shows the progress.
        kept: scans of an earlier process may be used.
        rejects: is given each rejected row; None where nobody wants them.
    """
    from reconciler.bulk.scan.scan_cache import KeptScans
    from reconciler.bulk.scan.source_scans import Scans
    from reconciler.cli.wiring import processes

    folder = cache_folder(flags.root, os.environ) if kept else None
    return Scans(
        flags.root,
        shown.scanned,
        KeptScans(flags.root, folder) if folder else None,
        processes.readers,
        processes.spools(flags.root, cache(lambda: owner(settings_only(flags).settings))),
        rejects,
        lambda stopping: _readers(flags, stopping),
    )


def progress(flags: Flags) -> Display:
    """The progress display."""
    shown = display(style(sys.stderr, no_color=flags.no_color), flags.activity)
    return traces.of_display(Events(flags.events, shown, real_clock.created_at) if flags.events else shown)
