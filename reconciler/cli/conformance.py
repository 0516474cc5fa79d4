"""`conformance`: asks a platform the open questions of the contract."""

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

from reconciler.cli import exit_codes, wiring
from reconciler.cli.console import data, out, say, style
from reconciler.cli.options import ReferenceFormat
from reconciler.model.conformance import Found
from reconciler.origin import endpoint as parse
from reconciler.reports.conformance import json as conformance_json
from reconciler.reports.conformance import text as conformance_text
from reconciler.settings import DEFAULT_ENDPOINT, Settings, seconds
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
    patience: str,
    output: ReferenceFormat,
    no_color: bool,
) -> int:
    """Ask, and print the table of answers; 0 whatever they are."""
    chosen = endpoint or os.environ.get("RECONCILER_ENDPOINT")
    where = parse(chosen) if chosen else DEFAULT_ENDPOINT
    settings = Settings(workspace="conformance", organisation_id=organisation_id, endpoint=where)
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
            out(conformance_text.as_text(answers, left, style(sys.stdout, no_color=no_color)))
    return exit_codes.DONE


def _told(found: Iterator[Found]) -> list[Found]:
    """All of them, each told as it comes: with writes it takes minutes."""
    kept = []
    for one in found:
        say(f"  {one.switch}: {'?' if one.answer is None else one.answer}")
        kept.append(one)
    return kept
