"""`conformance`."""

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli import session
from reconciler.cli.approval import approve
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.options import ReferenceFormat
from reconciler.cli.output.console import data, out, say, style
from reconciler.cli.wiring import connections, real_clock
from reconciler.errors import UsageError
from reconciler.model.address import WORKSPACE_FILE
from reconciler.model.conformance import Found
from reconciler.model.exit_code import Exit
from reconciler.origin import endpoint as parse
from reconciler.reports.conformance import json as conformance_json
from reconciler.reports.conformance import text as conformance_text
from reconciler.settings import DEFAULT_ENDPOINT, Settings, resolve, seconds
from reconciler.spec.files import read_workspace
from reconciler.workflows.conformance import ordered, read_only, unanswered, with_writes
from reconciler.workflows.conformance.bench import Bench

PARALLELISM = 4


@takes(*PLATFORM)
def conformance(
    flags: Flags,
    datamart_id: Annotated[
        str, typer.Option("--datamart", metavar="ID", help="A datamart of the organisation.")
    ],
    organisation_id: Annotated[
        str | None,
        typer.Option(
            "--organisation-id",
            metavar="ID",
            help="The organisation to test. Default: that of the workspace, if there is one here.",
        ),
    ] = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write",
            help="Also run tests that write: creates compartments in the organisation, and activations, imports and profiles on the"
            " datamart, which has to be set aside for this. Not all of it can be removed.",
        ),
    ] = False,
    patience: Annotated[
        str, typer.Option("--patience", metavar="10m", help="How long to wait until an execution ends.")
    ] = "10m",
    auto_approve: opt.AutoApprove = False,
    output: opt.ReferenceOutput = opt.ReferenceFormat.TEXT,
) -> int:
    """Test undocumented platform behaviour. Reads only, without --write."""
    return run_conformance(
        flags,
        datamart_id,
        organisation_id=organisation_id,
        write=write,
        auto_approve=auto_approve,
        patience=patience,
        output=output,
    )


def run_conformance(
    flags: Flags,
    datamart_id: str,
    *,
    organisation_id: str | None,
    write: bool,
    auto_approve: bool,
    patience: str,
    output: ReferenceFormat,
) -> int:
    """Ask, and print the table of answers; 0 whatever they are.

    Args:
        flags: as given.
        datamart_id: the datamart to ask.
        organisation_id: the organisation to ask; None takes that of the workspace.
        write: also run the tests that write.
        auto_approve: do not ask.
        patience: how long to wait for an execution, such as `10m`.
        output: the format.

    Raises:
        ApprovalRefused: it would write, and the answer is not yes.
        UsageError: there is no organisation to ask.
    """
    settings = _settings(flags.root, organisation_id, flags.endpoint, flags.environment)
    organisation_id = settings.organisation_id
    if write:
        say(
            f"The tests write to organisation {organisation_id} and datamart {datamart_id} at {settings.endpoint}."
            " Not all of it can be removed."
        )
        approve("Run them?", auto=auto_approve, help="give --auto-approve")
    target, left = session.target(flags, settings), []
    if write:
        with connections.writer(target, PARALLELISM) as writer:
            stamp = secrets.token_hex(3)
            bench = Bench(
                writer, target.token, organisation_id, datamart_id, real_clock.CLOCK, stamp, seconds(patience)
            )
            say(f"All objects created by this command have {stamp} in their name.")
            found = _told(with_writes(bench))
            left = bench.left
    else:
        with connections.reader(target, PARALLELISM) as reader:
            found = _told(read_only(reader, organisation_id, datamart_id))
    answers = ordered([*found, *unanswered(found, wrote=write)])
    match output:
        case ReferenceFormat.JSON:
            data(conformance_json.render(answers, left))
        case ReferenceFormat.MARKDOWN:
            data(conformance_text.as_markdown(answers, left))
        case ReferenceFormat.TEXT:
            out(conformance_text.render(answers, left, style(sys.stdout, no_color=flags.no_color)))
    return Exit.DONE


def _settings(
    root: Path, organisation_id: str | None, endpoint: str | None, environment: str | None
) -> Settings:
    """Those of the workspace, if there is one here: its endpoint, and where its token comes from."""
    if (root / WORKSPACE_FILE).exists() or environment:
        found = resolve(
            {"endpoint": endpoint, "environment": environment}, os.environ, read_workspace(root).data
        )
        return replace(found, organisation_id=organisation_id or found.organisation_id)
    if organisation_id is None:
        raise UsageError(
            "there is no workspace here that names the organisation",
            help="give --organisation-id ID, or -C DIR before the command",
        )
    chosen = endpoint or os.environ.get("RECONCILER_ENDPOINT")
    where = parse(chosen) if chosen else DEFAULT_ENDPOINT
    return Settings(workspace="conformance", organisation_id=organisation_id, endpoint=where)


def _told(found: Iterator[Found]) -> list[Found]:
    """All of them, each told as it comes: with writes it takes minutes."""
    kept = []
    for one in found:
        say(f"  {one.switch}: {'?' if one.answer is None else one.answer}")
        kept.append(one)
    return kept
