"""`init`: a new workspace, with starter specs or with what exists on the platform."""

import getpass
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli.output.console import out, say, style, work_in
from reconciler.cli.scaffold import (
    Kit,
    Scaffold,
    add_kits,
    repository_above,
    scaffold,
    scaffold_empty,
    shared,
)
from reconciler.errors import ReconcilerError, UsageError
from reconciler.model.address import WORKSPACE_FILE
from reconciler.model.exit_code import Exit
from reconciler.origin import LocalSandbox
from reconciler.settings import Settings
from reconciler.whole import whole

if TYPE_CHECKING:
    from reconciler.cli.flags import Flags
    from reconciler.cli.wiring.destination import Target

Root = Path()


def init(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of the workspace. Default: this folder.")
    ] = Root,
    from_platform: Annotated[
        bool,
        typer.Option(
            "--from-platform", help="Write specs for what exists on the platform, as `export` does."
        ),
    ] = False,
    organisation_id: Annotated[
        str | None,
        typer.Option("--organisation-id", metavar="ID", help="The organisation, with --from-platform."),
    ] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Add workflows for GitHub, with code owners and a runbook.")
    ] = False,
    gitlab: Annotated[
        bool, typer.Option("--gitlab", help="Add a pipeline for GitLab, with a runbook.")
    ] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Add a test of the specs on the sandbox.")
    ] = False,
    endpoint: opt.Endpoint = None,
    token_file: opt.TokenFile = None,
    verbose: opt.Verbose = False,
    request_log: opt.RequestLog = None,
    no_color: opt.NoColor = False,
) -> int:
    """Create a workspace; never overwrites. It gets starter specs or, with --from-platform, what exists."""
    target = context.obj / directory
    work_in(target)
    chosen = {Kit.GITHUB: github, Kit.GITLAB: gitlab, Kit.SANDBOX: sandbox}
    kits = [kit for kit, wanted in chosen.items() if wanted]
    if from_platform:
        from reconciler.cli.flags import Flags

        flags = Flags(
            root=target,
            no_color=no_color,
            endpoint=endpoint,
            token_file=token_file,
            verbose=verbose,
            request_log=request_log,
        )
        return _from_platform(flags, organisation_id, kits)
    if organisation_id is not None:
        raise UsageError("--organisation-id goes with --from-platform")
    if kits and os.path.lexists(target / WORKSPACE_FILE):
        _tell(add_kits(target, kits), target)
        if shared(kits):
            say(
                "reconciler.yaml was left alone; runners on several machines need `ledger: {env: RECONCILER_LEDGER_URL}`"
            )
        return Exit.DONE
    _tell(scaffold(target, kits), target)
    if shared(kits):
        request = "pull request" if github else "merge request"
        owners = ", and name your own teams in .github/CODEOWNERS" if github else ""
        say(
            f"Before the first {request}, set organisation_id, endpoint and specs to your own{owners}; docs/runbook.md lists what else to set, with the secrets."
        )
    out("Next: `reconciler plan`. In a Git repository, `pre-commit install` checks specs before each commit.")
    return Exit.DONE


def _tell(made: Scaffold, target: Path) -> None:
    for path in sorted(made.written):
        say(f"wrote {path}")
    if made.kept and not made.written:
        say(f"nothing was written: {', '.join(map(str, made.kept))} exist already")
    else:
        for path in made.kept:
            say(f"kept the existing {path}")
    if made.unignored:
        say(f"add to the existing .gitignore: {' '.join(made.unignored)}")
    _place(target)


def _place(target: Path) -> None:
    """Say it where files were written that are read only at the root of a repository."""
    if (root := repository_above(target)) is not None:
        say(
            f"This folder is inside the repository {root}. Pipelines, CODEOWNERS and .pre-commit-config.yaml are read only at the root of a repository: "
            "make the workspace there, or move these files there and let their commands run here."
        )


def _from_platform(flags: "Flags", organisation_id: str | None, kits: Collection[Kit]) -> int:
    """Ask what is missing, look whether the platform answers, then write the workspace and export into it."""
    from reconciler.api import resources
    from reconciler.cli import session
    from reconciler.cli.flags import Flags
    from reconciler.cli.wiring import connections
    from reconciler.origin import endpoint as parse
    from reconciler.planning.config.datamarts import foreign
    from reconciler.reports.export import text as export_text
    from reconciler.settings import DEFAULT_ENDPOINT
    from reconciler.workflows.export import export_workspace

    target = flags.root
    organisation = organisation_id or _asked("Organisation id: ", "give --organisation-id ID")
    if whole(organisation) is None:
        raise UsageError(f"the organisation id {organisation!r} is not a number")
    chosen = flags.endpoint or os.environ.get("RECONCILER_ENDPOINT") or str(DEFAULT_ENDPOINT)
    settings = Settings(workspace="new", organisation_id=organisation, endpoint=parse(chosen))
    if os.path.lexists(target / WORKSPACE_FILE):
        raise ReconcilerError(
            f"{target / WORKSPACE_FILE} already exists; nothing was written",
            help="`reconciler export` adds what no spec declares",
        )
    where = _target(settings, flags)
    with connections.reader(where, settings.parallelism) as reader:
        datamarts = resources.datamarts(reader, organisation).require("datamarts", then="nothing was written")
        if words := foreign(datamarts, organisation):
            raise ReconcilerError(
                f"{words}; nothing was written",
                help="check the organisation id, and which organisation the token is for",
            )
        _tell(scaffold_empty(target, organisation, chosen, kits), target)
        written = Flags(root=target, no_color=flags.no_color)
        checked = session.read_workspace(written, may_be_empty=True)
        with connections.threads(settings.parallelism) as io:
            done = export_workspace(
                checked,
                reader,
                io,
                target / "specs",
                "per-compartment",
                lambda: session.read_workspace(written, may_be_empty=True),
            )
    paths = [str(p) for p in done.written]
    out(export_text.render(done.export, paths, done.differing, style(sys.stdout, no_color=flags.no_color)))
    return Exit.DONE if not done.differing else Exit.FAILED


def _target(settings: Settings, flags: "Flags") -> "Target":
    """Where to read, with the token that is configured, or that is typed without being shown."""
    from reconciler.cli.wiring import destination

    if isinstance(settings.endpoint, LocalSandbox):
        flags.root.mkdir(parents=True, exist_ok=True)
        return destination.target(flags.root, settings, flags.token_file, flags.requests)
    found = destination.token(flags.root, settings, flags.token_file, os.environ)
    return destination.Target(settings.endpoint, found or _asked_secretly(), flags.requests)


def _asked(question: str, advice: str) -> str:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question.rstrip(': ')}: there is no terminal to ask on", help=advice)
    say(question)
    return input().strip()


def _asked_secretly() -> str:
    if not sys.stdin.isatty():
        raise ReconcilerError(
            "no API token is configured", help="set RECONCILER_TOKEN, or give --token-file FILE"
        )
    return getpass.getpass("API token (not shown, not kept): ")
