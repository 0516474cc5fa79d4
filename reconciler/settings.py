"""Settings of one run: one frozen value, resolved purely from flags, environment and workspace file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import ReconcilerError, UsageError

DEFAULT_ENDPOINT = "https://api.mediarithmics.com"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Limits past which a plan is not applyable (design 3)."""

    max_update_percent: float = 30
    max_delete_percent: float = 30
    from_: int = 10
    max_delete_lines_percent: float = 30
    from_lines: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Resolved settings; times in seconds.

    Attributes:
        token_source: where the token comes from ({env}, {file}), never the token itself.
        origin: where each overridden field got its value.
    """

    workspace: str
    organisation_id: str
    endpoint: str = DEFAULT_ENDPOINT
    specs: tuple[str, ...] = ("specs",)
    ledger: str = "sqlite:.reconciler/ledger.db"
    parallelism: int = 10
    settle: float = 30.0
    follow_timeout: float = 7200.0
    write_timeout: float = 600.0
    guards: Guards = field(default_factory=Guards)
    token_source: Mapping[str, str] | None = None
    credential_command: tuple[str, ...] = ()
    allow_outside_paths: bool = False
    previously: tuple[str, ...] = ()
    environment: str | None = None


def seconds(value: str | float) -> float:
    """Read a duration such as `500ms`, `30s`, `10m` or `2h`; a bare number is seconds.

    Raises:
        UsageError: it is not of that form.
    """
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?", str(value).strip())
    if not m:
        raise UsageError(f"{value!r} is not a duration", help="write it like 500ms, 30s, 10m or 2h")
    return float(m[1]) * _UNITS[m[2] or "s"]


def size(value: str | int) -> int:
    """Read a size; decimal units: 64MB is 64,000,000 bytes."""
    if isinstance(value, int):
        return value
    m = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(B|kB|KB|MB)", value)
    if not m:
        raise UsageError(f"{value!r} is not a size", help="write it like 500kB or 64MB")
    return int(float(m[1]) * {"B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000}[m[2]])


def resolve(flags: Mapping[str, Any], environ: Mapping[str, str], workspace: Mapping[str, Any]) -> Settings:
    """Flag, then `RECONCILER_` + flag, then the environment's overrides, then the workspace, then the default.

    Args:
        flags: given flags only: endpoint, parallelism, environment.
        environ: process environment.
        workspace: the checked `Workspace` document.

    Raises:
        ReconcilerError: the chosen environment does not exist, or a reference has no value.
    """
    spec = dict(workspace["spec"])
    environments = spec.pop("environments", {})
    chosen = flags.get("environment") or environ.get("RECONCILER_ENVIRONMENT")
    if chosen is not None:
        if chosen not in environments:
            known = ", ".join(environments) or "none"
            raise ReconcilerError(
                f"unknown environment '{chosen}'", help=f"reconciler.yaml declares: {known}"
            )
        spec |= environments[chosen]
    for key in ("endpoint", "parallelism", "ledger"):
        if flags.get(key) is not None:
            spec[key] = flags[key]
        elif value := environ.get(f"RECONCILER_{key.upper()}"):
            spec[key] = _number(key, value) if key == "parallelism" else value
    guards = {("from_" if k == "from" else k): v for k, v in spec.get("guards", {}).items()}
    settle = 0.0 if spec.get("endpoint") == "sandbox:" else seconds(spec.get("settle", "30s"))
    return Settings(
        workspace=workspace["metadata"]["name"],
        organisation_id=spec["organisation_id"],
        endpoint=spec.get("endpoint", DEFAULT_ENDPOINT),
        specs=tuple(spec.get("specs", ("specs",))),
        ledger=_reference(spec.get("ledger", "sqlite:.reconciler/ledger.db"), environ),
        parallelism=spec.get("parallelism", 10),
        settle=settle,
        follow_timeout=seconds(spec.get("follow_timeout", "2h")),
        write_timeout=seconds(spec.get("write_timeout", "10m")),
        guards=Guards(**guards),
        token_source=spec.get("token"),
        credential_command=tuple(spec.get("credential_command", ())),
        allow_outside_paths=spec.get("allow_outside_paths", False),
        previously=tuple(spec.get("previously", ())),
        environment=chosen,
    )


def _number(key: str, value: str) -> int:
    if not value.isdigit() or not 1 <= int(value) <= 64:
        raise ReconcilerError(f"RECONCILER_{key.upper()} is {value!r}, must be a number from 1 to 64")
    return int(value)


def _reference(value: str | Mapping[str, str], environ: Mapping[str, str]) -> str:
    if isinstance(value, str):
        return value
    name = value.get("env", "")
    if name not in environ:
        raise ReconcilerError(f"the ledger is read from the environment variable {name!r}, which is not set")
    return environ[name]
