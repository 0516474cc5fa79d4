"""Settings of one run: one frozen value, resolved purely from flags, environment and workspace file."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.errors import ReconcilerError, UsageError
from reconciler.origin import Endpoint, LocalSandbox, Origin, endpoint
from reconciler.whole import whole

DEFAULT_ENDPOINT = Origin("https", "api.mediarithmics.com", 443)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400}
# So few digits that no duration is longer than a system can wait (292 years); the schema has the same.
DURATION = (
    r"([0-9]{1,11}(\.[0-9]{1,15})?ms|[0-9]{1,8}(\.[0-9]{1,15})?s?|[0-9]{1,7}(\.[0-9]{1,15})?m"
    r"|[0-9]{1,5}(\.[0-9]{1,15})?h|[0-9]{1,4}(\.[0-9]{1,15})?d)"
)
LONGEST_S = 99_999_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """Limits past which a plan is not applyable (design 3)."""

    max_update_percent: float = 30
    max_delete_percent: float = 30
    max_updates: int | None = None
    max_deletes: int | None = None
    from_: int = 10
    max_delete_lines_percent: float = 30
    from_lines: int = 1000
    max_shrink_percent: float = 50
    max_delta_percent: float = 50


class GivenBy(NamedTuple):
    """Where a setting has its value from.

    Attributes:
        words: `default`, a flag, an environment variable, or `reconciler.yaml`.
        path: where in reconciler.yaml, if there.
    """

    words: str
    path: tuple[str | int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dask:
    """A cluster that reads sources and sends chunks.

    Attributes:
        scheduler: its address, or `local` for one that is started here.
        workers: processes of a local one.
        tls: files `ca`, `cert` and `key`, relative to the workspace.
    """

    scheduler: str
    workers: int | None = None
    tls: Mapping[str, str] | None = None

    @property
    def local(self) -> bool:
        """True if it is started here, and ends with the run."""
        return self.scheduler == "local"


class RuleSetting(NamedTuple):
    """What the workspace says about findings of one rule.

    Attributes:
        severity: off, note, warning or error; None leaves it as it is.
        exempt: patterns of files about which the rule says nothing.
    """

    severity: str | None = None
    exempt: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Resolved settings; times in seconds.

    Attributes:
        upload_rate: bytes a second, of all uploads of a run together; None is no limit.
        ledger: `sqlite:PATH`, or a reference ({env} or {file}) that is read when the ledger is needed.
        ignore: why compartments that no spec declares stay as they are, by token or id.
        lock_folder: where locks of this machine lie, if the workspace names a place that several users share.
        token_source: where the token comes from ({env} or {file}), never the token itself.
        plan_key: where the key that seals plans comes from ({env}), never the key itself.
        engine: who reads large sources and sends chunks; None are processes of this machine.
        index: where sent indexes lie, a folder or an object-store URL.
        index_key: where the key of their digests comes from ({env}); None takes one that is made once and kept beside the ledger.
        rules: what the workspace says about findings, by code.
        origins: where each setting has its value from, by its name in reconciler.yaml.
    """

    workspace: str
    organisation_id: str
    endpoint: Endpoint = DEFAULT_ENDPOINT
    specs: tuple[str, ...] = ("specs",)
    ledger: str | Mapping[str, str] = "sqlite:.reconciler/ledger.db"
    lock_folder: str | None = None
    parallelism: int = 10
    upload_rate: int | None = None
    settle: float = 30.0
    follow_timeout: float = 7200.0
    write_timeout: float = 600.0
    max_plan_age: float | None = None
    guards: Guards = field(default_factory=Guards)
    token_source: Mapping[str, str] | None = None
    credential_command: tuple[str, ...] = ()
    plan_key: Mapping[str, str] | None = None
    engine: Dask | None = None
    index: str = ".reconciler/index"
    index_key: Mapping[str, str] | None = None
    allow_outside_paths: bool = False
    previously: tuple[str, ...] = ()
    ignore: Mapping[str, str] = field(default_factory=dict)
    environment: str | None = None
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    origins: Mapping[str, GivenBy] = field(default_factory=dict)


def seconds(value: str | float) -> float:
    """Read a duration such as `500ms`, `30s`, `10m`, `2h` or `7d`; a bare number is seconds.

    Raises:
        UsageError: it is not of that form, or too long.
    """
    if not isinstance(value, str):
        if 0 <= value <= LONGEST_S:
            return float(value)
    elif re.fullmatch(DURATION, value.strip()):
        number, unit = re.split("(?=[a-z]|$)", value.strip(), maxsplit=1)
        return float(number) * _UNITS[unit or "s"]
    raise UsageError(
        f"{value!r} is not a duration, or too long", help="examples: 500ms, 30s, 10m, 2h, 7d; at most 9999d"
    )


_BYTES = {"B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000}


def size(value: str | int) -> int:
    """Read a size; decimal units: 64MB is 64,000,000 bytes.

    Raises:
        UsageError: it is none.
    """
    if isinstance(value, int):
        return value
    m = re.fullmatch(r"([0-9]{1,15})(?:\.([0-9]{1,15}))?(B|kB|KB|MB)", value)
    if not m:
        raise UsageError(f"{value!r} is not a size", help="examples: 500kB, 64MB")
    return _bytes(m)


def _bytes(m: re.Match[str]) -> int:
    """What a whole part, decimals and a unit come to; a fraction of a byte is left out, and nothing is rounded up."""
    decimals = m[2] or ""
    parts: int = 10 ** len(decimals)
    return int(m[1] + decimals) * _BYTES[m[3]] // parts


def resolve(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    workspace: Mapping[str, Any],
    *,
    any_environment: bool = False,
) -> Settings:
    """Flag, then `RECONCILER_` + flag, then the environment's overrides, then the workspace, then the default of `Settings`.

    Args:
        flags: given flags only: endpoint, parallelism, upload_rate, environment.
        environ: process environment.
        workspace: the checked `Workspace` document.
        any_environment: for those who only look: where environments are declared, none has to be chosen.

    Raises:
        ReconcilerError: the chosen environment does not exist, or none is chosen; or a variable makes no sense.
        UsageError: a flag makes no sense.
    """
    spec = workspace["spec"]
    chosen = _chosen(flags, environ, spec.get("environments", {}), any_environment=any_environment)
    given: dict[str, Any] = {}
    origins = dict.fromkeys(_READ, GivenBy("default"))
    environment = spec.get("environments", {}).get(chosen, {})
    for place, layer in ((("spec",), spec), (("spec", "environments", chosen), environment)):
        for key in layer.keys() & _READ.keys():
            given[key], origins[key] = layer[key], GivenBy("reconciler.yaml", (*place, key))
    for key in ("endpoint", "parallelism", "upload_rate"):
        if value := environ.get(f"RECONCILER_{key.upper()}"):
            given[key], origins[key] = value, GivenBy(f"RECONCILER_{key.upper()}")
        if flags.get(key) is not None:
            given[key], origins[key] = flags[key], GivenBy(f"--{key.replace('_', '-')}")
    values = {_FIELDS.get(key, key): _READ[key](value, origins[key]) for key, value in given.items()}
    if isinstance(values.get("endpoint"), LocalSandbox):
        values["settle"], origins["settle"] = 0.0, GivenBy("the sandbox shows every write at once")
    return Settings(
        workspace=workspace["metadata"]["name"],
        environment=chosen,
        rules={code: _rule(value) for code, value in spec.get("rules", {}).items()},
        origins=origins,
        **values,
    )


def _chosen(
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    environments: Mapping[str, Any],
    *,
    any_environment: bool,
) -> str | None:
    """The environment of this run, if it has one."""
    chosen = flags.get("environment") or environ.get("RECONCILER_ENVIRONMENT")
    if chosen is not None and chosen not in environments:
        if not environments:
            words = f"there is no environment '{chosen}': reconciler.yaml declares none"
            raise ReconcilerError(words, help="remove --environment, and unset RECONCILER_ENVIRONMENT")
        raise ReconcilerError(f"unknown environment '{chosen}'", help=f"known: {', '.join(environments)}")
    if chosen is None and environments and not any_environment:
        raise ReconcilerError(
            f"reconciler.yaml declares the environments {', '.join(environments)}, and none is chosen",
            help="choose one with --environment NAME, or set RECONCILER_ENVIRONMENT",
        )
    return chosen


def _rule(value: str | Mapping[str, Any]) -> RuleSetting:
    if isinstance(value, str):
        return RuleSetting(value)
    return RuleSetting(value.get("severity"), tuple(value.get("except", ())))


def _rate(value: str | int, given: GivenBy) -> int:
    """Bytes a second, at least a million: with less an upload may pause for so long that a platform closes its connection."""
    found: int | None = value if isinstance(value, int) else None
    if isinstance(value, str) and (m := re.fullmatch(r"([1-9][0-9]{0,8})(?:\.([0-9]{1,6}))?(MB|GB)", value)):
        found = _bytes(m)
    if found is not None and found >= 1_000_000:
        return found
    words = f"{given.words if given.path is None else 'upload_rate'} is {value!r}, must be bytes a second, at least 1MB"
    if given.words.startswith("--"):
        raise UsageError(words, help="for example --upload-rate 50MB")
    raise ReconcilerError(words, help="for example 50MB")


def _parallelism(value: str | int, given: GivenBy) -> int:
    if isinstance(value, int):
        return value
    found = whole(value)
    if found is None or not 1 <= found <= 64:
        raise ReconcilerError(f"{given.words} is {value!r}, must be a number from 1 to 64")
    return found


def _guards(value: Mapping[str, Any], _: GivenBy) -> Guards:
    return Guards(**{("from_" if key == "from" else key): limit for key, limit in value.items()})


def _engine(value: Mapping[str, Any], _: GivenBy) -> Dask:
    return Dask(**value["dask"])


def _ignored(value: Sequence[Mapping[str, str]], _: GivenBy) -> Mapping[str, str]:
    return {entry.get("token") or entry["id"]: entry["reason"] for entry in value}


def _as_it_is(value: Any, _: GivenBy) -> Any:
    return value


def _list(value: Sequence[str], _: GivenBy) -> tuple[str, ...]:
    return tuple(value)


def _duration(value: str | float, _: GivenBy) -> float:
    return seconds(value)


def _endpoint(value: str, given: GivenBy) -> Endpoint:
    return endpoint(value, f"the endpoint ({given.words})")


# Every setting by its name in reconciler.yaml, and what makes its value of what is given. What is not given has the default
# of `Settings`.
_READ: Mapping[str, Callable[[Any, GivenBy], Any]] = {
    "organisation_id": _as_it_is,
    "endpoint": _endpoint,
    "specs": _list,
    "ledger": _as_it_is,
    "lock_folder": _as_it_is,
    "parallelism": _parallelism,
    "upload_rate": _rate,
    "settle": _duration,
    "follow_timeout": _duration,
    "write_timeout": _duration,
    "max_plan_age": _duration,
    "guards": _guards,
    "token": _as_it_is,
    "credential_command": _list,
    "plan_key": _as_it_is,
    "engine": _engine,
    "index": _as_it_is,
    "index_key": _as_it_is,
    "allow_outside_paths": _as_it_is,
    "previously": _list,
    "ignore": _ignored,
}
_FIELDS = {"token": "token_source"}  # where a field of `Settings` has another name
