"""Commands that only read the workspace and the catalogue: explain, render, config show."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from reconciler.cli import exit_codes
from reconciler.cli.console import data, out, style
from reconciler.errors import SpecError, UsageError
from reconciler.reports.rules import json as rules_json
from reconciler.reports.rules import text as rules_text
from reconciler.reports.settings import json as settings_json
from reconciler.reports.settings import text as settings_text
from reconciler.reports.settings.text import Row
from reconciler.reports.specs import json as specs_json
from reconciler.reports.specs import text as specs_text
from reconciler.settings import GivenBy, Settings, resolve
from reconciler.spec.catalogue import catalogue
from reconciler.spec.documents import Document
from reconciler.spec.files import read_workspace
from reconciler.spec.nearest import nearest
from reconciler.spec.rendering import render as render_specs
from reconciler.workflows.check import check


def explain(code: str | None, output: str, *, no_color: bool) -> int:
    """One rule, or all of them.

    Raises:
        UsageError: there is no such code.
    """
    rules = catalogue()
    if code is not None and code not in rules:
        raise UsageError(
            f"there is no code '{code}'", help=nearest(code, rules) or "`reconciler explain` lists all"
        )
    chosen = [rules[code]] if code is not None else list(rules.values())
    marks = style(sys.stdout, no_color=no_color)
    match output:
        case "json":
            data(rules_json.render(chosen))
        case "markdown":
            data(rules_text.markdown(chosen))
        case _:
            out(rules_text.one(chosen[0], marks) if code is not None else rules_text.table(chosen, marks))
    return exit_codes.DONE


def render(root: Path, addresses: list[str], environment: str | None, output: str, *, no_color: bool) -> int:
    """Specs after overlays and sets.

    Raises:
        SpecError: they have findings that stop.
        UsageError: no spec has one of the addresses.
    """
    checked = check(root, {"environment": environment}, os.environ, any_environment=True)
    if not checked.ok:
        raise SpecError(checked.diagnostics)
    found = render_specs(checked.documents, checked.specs, checked.settings.environment)
    known = {d.address for d in found}
    if missing := next((a for a in addresses if a not in known), None):
        hint = nearest(missing, known) or "examples of addresses: Compartment/loyalty"
        raise UsageError(f"no spec declares {missing}", help=hint)
    chosen = [d for d in found if not addresses or d.address in addresses]
    if output == "json":
        data(specs_json.render(chosen, checked.settings.environment))
    else:
        out(specs_text.render(chosen, style(sys.stdout, no_color=no_color)))
    return exit_codes.DONE


def config_show(
    root: Path, flags: Mapping[str, object], output: str, *, origins: bool, no_color: bool
) -> int:
    """Settings as they are resolved here, each with its origin; the token is shown as set or not, never itself."""
    workspace = read_workspace(root)
    settings = resolve(flags, os.environ, workspace.data)
    rows = [
        *_identity(settings, workspace, flags),
        *_settings(settings, workspace),
        *_rules(settings, workspace),
    ]
    if output == "json":
        data(settings_json.render(rows))
    else:
        out(settings_text.render(rows, style(sys.stdout, no_color=no_color), origins=origins))
    return exit_codes.DONE


def _identity(settings: Settings, workspace: Document, flags: Mapping[str, object]) -> list[Row]:
    chosen = "--environment" if flags.get("environment") else "RECONCILER_ENVIRONMENT"
    return [
        Row("workspace", settings.workspace, _at(workspace, ("metadata", "name"))),
        Row("environment", settings.environment, chosen if settings.environment else "none is chosen"),
    ]


def _settings(settings: Settings, workspace: Document) -> list[Row]:
    values = {
        "organisation_id": settings.organisation_id,
        "endpoint": str(settings.endpoint),
        "specs": settings.specs,
        "ledger": settings.ledger,
        "lock_folder": settings.lock_folder,
        "parallelism": settings.parallelism,
        "settle": f"{settings.settle:g}s",
        "follow_timeout": f"{settings.follow_timeout:g}s",
        "write_timeout": f"{settings.write_timeout:g}s",
        "max_plan_age": None if settings.max_plan_age is None else f"{settings.max_plan_age:g}s",
        "guards": {k.removesuffix("_"): v for k, v in asdict(settings.guards).items()},
        "credential_command": settings.credential_command,
        "allow_outside_paths": settings.allow_outside_paths,
        "previously": settings.previously,
        "ignore": dict(settings.ignore),
    }
    secret = ("token", "plan_key")
    rows = [Row(k, values[k], _origin(o, workspace)) for k, o in settings.origins.items() if k not in secret]
    key = Row("plan_key", _named(settings.plan_key), _origin(settings.origins["plan_key"], workspace))
    return [*rows, key, _token(settings, workspace)]


def _named(reference: Mapping[str, str] | None) -> str | None:
    """Which variable a secret is read from, and whether it is set; never the secret."""
    if reference is None:
        return None
    name = reference["env"]
    return f"(read from {name}, {'set' if os.environ.get(name) else 'not set'})"


def _token(settings: Settings, workspace: Document) -> Row:
    if os.environ.get("RECONCILER_TOKEN"):
        return Row("token", "(set)", "RECONCILER_TOKEN")
    source, origin = settings.token_source, _origin(settings.origins["token"], workspace)
    if source and "env" in source:
        return Row("token", _named(source), origin)
    if source:
        return Row("token", f"(read from the file {source['file']})", origin)
    if settings.credential_command:
        return Row("token", "(printed by credential_command)", origin)
    return Row("token", None, "none is configured")


def _rules(settings: Settings, workspace: Document) -> list[Row]:
    return [
        Row(
            f"rules.{code}",
            (rule.severity or "") + (f" except {', '.join(rule.exempt)}" if rule.exempt else ""),
            _at(workspace, ("spec", "rules", code)),
        )
        for code, rule in settings.rules.items()
    ]


def _origin(origin: GivenBy, workspace: Document) -> str:
    return _at(workspace, origin.path) if origin.path else origin.words


def _at(workspace: Document, path: tuple[str | int, ...]) -> str:
    span = workspace.span(*path)
    environment = f" (environment {path[2]})" if path[:2] == ("spec", "environments") else ""
    return f"{span.path}:{span.line}:{span.column}{environment}"
