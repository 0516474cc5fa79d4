"""`explain`: a code of a finding or of a rejected row, a field of the specs, an exit code."""

import sys
from typing import Annotated

import typer

from reconciler.cli import exit_codes
from reconciler.cli import options as opt
from reconciler.cli.output.console import data, out, style
from reconciler.errors import UsageError
from reconciler.reports import fields as fields_report
from reconciler.reports.rules import json as rules_json
from reconciler.reports.rules import text as rules_text
from reconciler.spec.catalogue import catalogue
from reconciler.spec.fields import Field, fields
from reconciler.spec.nearest import nearest
from reconciler.spec.row_codes import ROW_CODES

ALL_FIELDS = "fields"


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="[TOPIC]",
            help="A code, a field such as ProfileSource.csv, `fields`, or an exit code. Default: all codes.",
        ),
    ] = None,
    output: opt.ReferenceOutput = opt.ReferenceFormat.TEXT,
    no_color: opt.NoColor = False,
) -> int:
    """Explain a code, a field of the specs, or an exit code."""
    return run_explain(code, output.value, no_color=no_color)


def run_explain(topic: str | None, output: str, *, no_color: bool) -> int:
    """One topic, or all codes.

    Args:
        topic: as typed; None is all codes.
        output: text, json or markdown.
        no_color: without colours.

    Raises:
        UsageError: there is no such topic.
    """
    rules, every = catalogue(), fields()
    if topic is None or topic in rules:
        _rules(topic, output, no_color=no_color)
    elif topic in ROW_CODES:
        row = ROW_CODES[topic]
        out(f"{row.code}: {row.title}.\n\nA row with this code is not sent. {row.fix}")
    elif topic.isdigit() and int(topic) in exit_codes.MEANINGS:
        out(f"exit code {topic}: {exit_codes.MEANINGS[int(topic)]}")
    elif topic == ALL_FIELDS or (found := _within(topic, every)):
        _fields(every if topic == ALL_FIELDS else found, topic, output, no_color=no_color)
    else:
        known = [*rules, *ROW_CODES, *(f.path for f in every)]
        advice = (
            nearest(topic, known)
            or "`reconciler explain` lists the codes, `reconciler explain fields` the fields"
        )
        raise UsageError(f"there is no code, field or exit code '{topic}'", help=advice)
    return exit_codes.DONE


def _rules(code: str | None, output: str, *, no_color: bool) -> None:
    rules = catalogue()
    chosen = [rules[code]] if code is not None else list(rules.values())
    marks = style(sys.stdout, no_color=no_color)
    match output:
        case "json":
            data(rules_json.render(chosen))
        case "markdown":
            data(rules_text.markdown(chosen))
        case _:
            out(rules_text.one(chosen[0], marks) if code is not None else rules_text.table(chosen, marks))


def _within(topic: str, every: list[Field]) -> list[Field]:
    """A field, first, with those in it; `spec` in the path is what documents have, and may be left away."""
    asked = topic.replace(".spec.", ".").removesuffix(".spec")
    return [f for f in every if f.path == asked or f.path.startswith((f"{asked}.", f"{asked}["))]


def _fields(found: list[Field], topic: str, output: str, *, no_color: bool) -> None:
    marks = style(sys.stdout, no_color=no_color)
    match output:
        case "json":
            data(fields_report.as_json(found))
        case "markdown":
            data(fields_report.markdown(found))
        case _ if found[0].path == topic.replace(".spec.", "."):
            out(fields_report.one(found[0], found[1:], marks))
        case _:
            out("\n".join(fields_report.listed(found, marks)))
