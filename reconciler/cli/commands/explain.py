"""`explain`: a code of a finding or of a rejected row, a field of the specs, an exit code."""

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from reconciler.cli import completing, exit_codes
from reconciler.cli import options as opt
from reconciler.cli.output.console import data, out, style
from reconciler.errors import UsageError
from reconciler.kinds.counts import few
from reconciler.kinds.nearest import nearest
from reconciler.model.exit_code import Exit
from reconciler.reports import fields as fields_report
from reconciler.reports.rules import json as rules_json
from reconciler.reports.rules import text as rules_text
from reconciler.spec.catalogue import Rule, catalogue
from reconciler.spec.fields import Field, fields
from reconciler.spec.row_codes import ROW_CODES
from reconciler.whole import whole

ALL_FIELDS = "fields"


def explain(
    code: Annotated[
        str | None,
        typer.Argument(
            metavar="TOPIC",
            autocompletion=completing.topics,
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
    rules = catalogue()
    if topic is None:
        _rules(list(rules.values()), output, no_color=no_color, whole=True)
    elif topic in rules:
        _rules([rules[topic]], output, no_color=no_color, whole=False)
    elif topic in ROW_CODES:
        row = ROW_CODES[topic]
        out(f"{row.code}: {row.title}.\n\nA row with this code is not sent. {row.fix}")
    elif (code := whole(topic)) in exit_codes.MEANINGS:
        out(f"exit code {code}: {exit_codes.MEANINGS[code]}")
    else:
        _fields(topic, rules, output, no_color=no_color)
    return Exit.DONE


def _rules(chosen: list[Rule], output: str, *, no_color: bool, whole: bool) -> None:
    marks = style(sys.stdout, no_color=no_color)
    match output:
        case "json":
            data(rules_json.render(chosen))
        case "markdown":
            data(rules_text.markdown(chosen))
        case _:
            out(rules_text.table(chosen, marks) if whole else rules_text.one(chosen[0], marks))


def _meant(topic: str, every: list[Field]) -> tuple[list[Field], list[Field]]:
    """The field with that path, else those with that name, and the fields in it.

    `spec` in a path is what documents have, and may be left away.
    """
    if topic == ALL_FIELDS:
        return [], every
    path = topic.replace(".spec.", ".").removeprefix("spec.").removesuffix(".spec")
    kinds = {
        spelling: f.kind for f in every for spelling in (f.kind.lower(), f.kind.lower().removesuffix("s"))
    }
    if path.lower() in kinds:
        path = kinds[path.lower()]
        return [], [f for f in every if f.kind == path]
    named = [f for f in every if f.path == path] or [f for f in every if f.path.endswith(f".{path}")]
    named = named or [f for f in every if f.path.lower().endswith((f".{path.lower()}", f".{path.lower()}s"))]
    if len(named) > 1:
        return [], named
    path = named[0].path if named else path
    return named, [f for f in every if f.path.startswith((f"{path}.", f"{path}["))]


def _fields(topic: str, codes: Iterable[str], output: str, *, no_color: bool) -> None:
    """A field with those in it, or several fields."""
    every = fields()
    head, within = _meant(topic, every)
    if not head and not within:
        known = [*codes, *ROW_CODES, *(f.path for f in every)]
        with_it = [k for k in (*codes, *ROW_CODES) if topic.lower() in k.split("-")]
        advice = (
            (f"codes with it: {few(with_it, 8)}" if with_it else None)
            or nearest(topic, known, 0.75)
            or "`reconciler explain` lists the codes, `reconciler explain fields` the fields; docs/glossary.md has the words"
        )
        raise UsageError(f"there is no code, field or exit code '{topic}'", help=advice)
    marks = style(sys.stdout, no_color=no_color)
    match output:
        case "json":
            data(fields_report.as_json([*head, *within]))
        case "markdown":
            data(fields_report.markdown([*head, *within]))
        case _ if head:
            out(fields_report.one(head[0], within, marks))
        case _:
            out("\n".join(fields_report.listed(within, marks)))
