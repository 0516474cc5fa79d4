"""The catalogue of rules as text, as the reference page, or as JSON. Pure."""

import json
import textwrap
from collections.abc import Iterable

from reconciler.reports.style import Style
from reconciler.spec.catalogue import EXAMPLE_FILE, Rule

_WIDTH = 80
_STAGES = {
    "yaml": "YAML: what can be read at all",
    "schema": "The schema: fields and values",
    "rules": "Rules within and across documents",
    "plan": "Told by plan: what only the platform or the data can show",
}


def one(rule: Rule, style: Style) -> str:
    """Why, a bad and a good example, how to fix."""
    parts = [
        f"{style.bold(f'{rule.severity.value}[{rule.code}]')}: {rule.title}\n",
        _wrapped(rule.why),
        *([f"{style.red('Bad:')}\n\n{_example(rule.bad)}"] if rule.bad else []),
        *([f"{style.green('Good:')}\n\n{_example(rule.good)}"] if rule.good else []),
        f"{style.bold('How to fix it:')}\n\n{_wrapped(rule.fix)}",
        _wrapped(_configuration(rule)),
    ]
    return "\n".join(parts)


def table(rules: Iterable[Rule], style: Style) -> str:
    """One line a rule, by stage."""
    lines: list[str] = []
    every = list(rules)
    width = max(len(r.code) for r in every)
    for stage, words in _STAGES.items():
        lines += ["", style.bold(words), ""]
        lines += [
            f"  {r.code:<{width}}  {'opt-in' if r.opt_in else r.severity.value:<7}  {r.title}"
            for r in every
            if r.stage == stage
        ]
    return "\n".join(lines[1:]) + "\n"


def markdown(rules: Iterable[Rule]) -> str:
    """The reference page."""
    every = list(rules)
    lines = [
        "# Rules",
        "",
        "Every code a finding can have. This page is made by `reconciler explain -o markdown > docs/rules.md`; a test holds",
        "it to the catalogue, and the examples run as tests.",
        "",
    ]
    for stage, words in _STAGES.items():
        lines += [f"## {words}", ""]
        for rule in every:
            if rule.stage == stage:
                lines += _section(rule)
    return "\n".join(lines)


def as_json(rules: Iterable[Rule]) -> str:
    """All that the catalogue knows."""
    made = [
        {
            "code": r.code,
            "title": r.title,
            "stage": r.stage,
            "severity": r.severity.value,
            "opt_in": r.opt_in,
            "configurable": r.configurable,
            "why": r.why,
            "fix": r.fix,
            "bad": r.bad,
            "good": r.good,
        }
        for r in rules
    ]
    return json.dumps({"format_version": "1.0", "rules": made}, indent=2, ensure_ascii=False)


def _section(rule: Rule) -> list[str]:
    lines = [
        f"### {rule.code}",
        "",
        f"**{rule.title}** ({'opt-in, ' if rule.opt_in else ''}{rule.severity.value})",
        "",
    ]
    lines += [rule.why.strip(), ""]
    for words, files in (("Bad:", rule.bad), ("Good:", rule.good)):
        if files:
            lines += [words, "", "```yaml", *_printable(files), "```", ""]
    return [*lines, f"How to fix it: {rule.fix.strip()}", "", _configuration(rule), ""]


def _configuration(rule: Rule) -> str:
    if rule.opt_in:
        return f"It is opt-in: `rules: {{{rule.code}: warning}}` in reconciler.yaml switches it on."
    if rule.configurable:
        return f"`rules: {{{rule.code}: off}}` in reconciler.yaml switches it off; `{{severity: …, except: […]}}` for some files."
    return "It cannot be switched off: a plan relies on it."


def _example(files: dict[str, str]) -> str:
    return "".join(f"    {line}\n" for line in _printable(files))


def _printable(files: dict[str, str]) -> list[str]:
    lines: list[str] = []
    for name, text in files.items():
        lines += [f"# {name}"] if name != EXAMPLE_FILE or len(files) > 1 else []
        lines += [
            "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in x)
            for x in text.splitlines()
        ]
    return lines


def _wrapped(text: str) -> str:
    return textwrap.fill(text.strip(), _WIDTH, initial_indent="  ", subsequent_indent="  ") + "\n"
