"""`config show`."""

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli.output.console import data, out, style
from reconciler.model.exit_code import Exit
from reconciler.origin import masked
from reconciler.reports.settings import json as settings_json
from reconciler.reports.settings import text as settings_text
from reconciler.reports.settings.text import Row
from reconciler.settings import Dask, GivenBy, Settings, resolve
from reconciler.spec.documents import Document
from reconciler.spec.files import read_workspace

config_app = typer.Typer(help="Settings.", no_args_is_help=True)


@config_app.command("show")
def config_show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Show the origin of each value.")] = False,
    output: opt.Output = opt.Format.TEXT,
    environment: opt.Environment = None,
    endpoint: opt.Endpoint = None,
    parallelism: opt.Parallelism = None,
    upload_rate: opt.UploadRate = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the resolved settings; of the token, only whether it is set."""
    flags = {
        "environment": environment,
        "endpoint": endpoint,
        "parallelism": parallelism,
        "upload_rate": upload_rate,
    }
    return show_settings(context.obj, flags, output.value, origins=origin, no_color=no_color)


def show_settings(
    root: Path, flags: Mapping[str, object], output: str, *, origins: bool, no_color: bool
) -> int:
    """Settings as they are resolved here, each with its origin; the token is shown as set or not, never itself.

    Args:
        root: folder of the workspace.
        flags: as given.
        output: the format.
        origins: show where each value is from.
        no_color: without colours.
    """
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
    return Exit.DONE


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
        "upload_rate": None if settings.upload_rate is None else _megabytes(settings.upload_rate),
        "settle": f"{settings.settle:g}s",
        "follow_timeout": f"{settings.follow_timeout:g}s",
        "write_timeout": f"{settings.write_timeout:g}s",
        "max_plan_age": None if settings.max_plan_age is None else f"{settings.max_plan_age:g}s",
        "guards": {k.removesuffix("_"): v for k, v in asdict(settings.guards).items()},
        "credential_command": settings.credential_command,
        "allow_outside_paths": settings.allow_outside_paths,
        "previously": settings.previously,
        "ignore": dict(settings.ignore),
        "engine": None if settings.engine is None else {"dask": _shown(settings.engine)},
        "index": masked(settings.index),
    }
    secret = ("token", "plan_key", "index_key")
    rows = [Row(k, values[k], _origin(o, workspace)) for k, o in settings.origins.items() if k not in secret]
    keys = [
        Row(name, _named(reference), _origin(settings.origins[name], workspace))
        for name, reference in (("plan_key", settings.plan_key), ("index_key", settings.index_key))
    ]
    return [*rows, *keys, _token(settings, workspace)]


def _megabytes(size: int) -> str:
    whole, rest = divmod(size, 1_000_000)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".") + "MB"


def _shown(engine: Dask) -> Mapping[str, object]:
    return {k: masked(v) if isinstance(v, str) else v for k, v in asdict(engine).items() if v is not None}


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
    environment = f" (environment {path[2]})" if path[:2] == ("spec", "environments") else ""
    return f"{workspace.span(*path)}{environment}"
