"""`conformance`: asks a platform the open questions of the contract."""

import os
import secrets
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from reconciler.cli import exit_codes, wiring
from reconciler.cli.approval import approve
from reconciler.cli.console import WORKSPACE_FILE, data, out, say, style
from reconciler.cli.options import ReferenceFormat
from reconciler.model.conformance import Found
from reconciler.origin import endpoint as parse
from reconciler.reports.conformance import json as conformance_json
from reconciler.reports.conformance import text as conformance_text
from reconciler.settings import DEFAULT_ENDPOINT, Settings, resolve, seconds
from reconciler.spec.files import read_workspace
from reconciler.workflows import conformance
from reconciler.workflows.conformance.bench import Bench

PARALLELISM = 4


def run(
    root: Path,
    organisation_id: str,
    datamart_id: str,
    endpoint: str | None,
    token_file: Path | None,
    *,
    write: bool,
    auto_approve: bool,
    environment: str | None,
    patience: str,
    output: ReferenceFormat,
    no_color: bool,
) -> int:
    """Ask, and print the table of answers; 0 whatever they are.

    Raises:
        ApprovalRefused: it would write, and the answer is not yes.
    """
    settings = _settings(root, organisation_id, endpoint, environment)
    if write:
        say(
            f"The tests write to organisation {organisation_id} and datamart {datamart_id} at {settings.endpoint}."
            " Not all of it can be removed."
        )
        approve("Run them?", auto=auto_approve, help="give --auto-approve")
    target, left = wiring.target(root, settings, token_file), []
    if write:
        with wiring.writer(target, PARALLELISM) as writer:
            stamp = secrets.token_hex(3)
            bench = Bench(
                writer, target.token, organisation_id, datamart_id, wiring.CLOCK, stamp, seconds(patience)
            )
            say(f"All objects created by this command have {stamp} in their name.")
            found = _told(conformance.with_writes(bench))
            left = bench.left
    else:
        with wiring.reader(target, PARALLELISM) as reader:
            found = _told(conformance.read_only(reader, organisation_id, datamart_id))
    answers = conformance.ordered([*found, *conformance.unanswered(found, wrote=write)])
    match output:
        case ReferenceFormat.JSON:
            data(conformance_json.render(answers, left))
        case ReferenceFormat.MARKDOWN:
            data(conformance_text.as_markdown(answers, left))
        case ReferenceFormat.TEXT:
            out(conformance_text.render(answers, left, style(sys.stdout, no_color=no_color)))
    return exit_codes.DONE


def _settings(root: Path, organisation_id: str, endpoint: str | None, environment: str | None) -> Settings:
    """Those of the workspace, if there is one here: its endpoint, and where its token comes from."""
    if (root / WORKSPACE_FILE).exists() or environment:
        found = resolve(
            {"endpoint": endpoint, "environment": environment}, os.environ, read_workspace(root).data
        )
        return replace(found, organisation_id=organisation_id)
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
