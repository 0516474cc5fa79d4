"""Where a run talks to, and with which token."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.api.observer import SILENT, Observer
from reconciler.cli.wiring import user_command
from reconciler.cli.wiring.secret_file import read_secret
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import many
from reconciler.origin import ANY_TOKEN, LocalSandbox, Origin
from reconciler.settings import Settings

CREDENTIAL_S, CREDENTIAL_BYTES = 60.0, 1 << 16
SHORTEST_KEY = 32  # characters: a random key in hexadecimal of half the hash's size


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the token is found, for another process: on its machine, by the same rules. Never the token itself.

    Attributes:
        file: of --token-file, whole.
        any_token: the platform takes any.
    """

    token_source: Mapping[str, str] | None
    credential_command: tuple[str, ...]
    file: Path | None
    any_token: bool


def credential(settings: Settings, token_file: Path | None) -> Credential:
    """Where the token of this run is found."""
    return Credential(
        settings.token_source,
        settings.credential_command,
        token_file.resolve() if token_file else None,
        isinstance(settings.endpoint, LocalSandbox),
    )


@dataclass(frozen=True, slots=True)
class Target:
    """Where this run talks to, and with what; and who is told of requests."""

    origin: Origin
    token: str
    observer: Observer = SILENT


def target(
    root: Path,
    settings: Settings,
    token_file: Path | None,
    observer: Observer = SILENT,
    seed: Callable[[], Mapping[str, Any]] | None = None,
) -> Target:
    """Resolve endpoint and token; starts the sandbox if it is the endpoint.

    Args:
        root: folder of the workspace.
        settings: of the workspace.
        token_file: file with the token, as given.
        observer: is told of requests.
        seed: what the specs need a sandbox to hold.

    Raises:
        ReconcilerError: no token is configured, or it cannot be read.
    """
    if isinstance(settings.endpoint, LocalSandbox):
        # It asks by urllib, which nothing else here needs.
        from reconciler.cli.wiring.sandbox_process import ensure

        origin = Origin.parse(ensure(root, seed() if seed else None))
        return Target(origin, _sandbox_token(root, settings, token_file, os.environ), observer)
    found = token(root, settings, token_file, os.environ)
    if found is None:
        raise ReconcilerError(
            "no API token is configured",
            help="set RECONCILER_TOKEN, give --token-file FILE, or set token: {env: NAME} in reconciler.yaml",
        )
    return Target(settings.endpoint, found, observer)


def _sandbox_token(
    root: Path, settings: Settings, token_file: Path | None, environ: Mapping[str, str]
) -> str:
    """The token for the built-in sandbox, which takes any: a variable of the workspace that is not set is no error there."""
    named = (settings.token_source or {}).get("env")
    if token_file is None and named and not environ.get("RECONCILER_TOKEN") and not environ.get(named):
        return ANY_TOKEN
    return token(root, settings, token_file, environ) or ANY_TOKEN


def origin_key(root: Path, settings: Settings) -> str:
    """What ledger and lock know a platform by: its origin, or for the sandbox where it keeps its state."""
    where = settings.endpoint
    return f"{where}{root.resolve()}" if isinstance(where, LocalSandbox) else str(where)


def token(
    root: Path, settings: Settings | Credential, token_file: Path | None, environ: Mapping[str, str]
) -> str | None:
    """The token: --token-file, RECONCILER_TOKEN, the workspace's `token:`, or `credential_command`; never shown.

    Args:
        root: folder of the workspace.
        settings: of the workspace, or what of them says where it is.
        token_file: file with the token, as given.
        environ: environment variables.

    Raises:
        ReconcilerError: the named place does not hold one.
    """
    if token_file is not None:
        if not (found := read_secret(token_file, "token")):
            raise ReconcilerError(f"cannot read the token from {token_file}: it is empty")
        return found
    if value := environ.get("RECONCILER_TOKEN"):
        return value
    if settings.token_source is not None:
        return text_of("token", settings.token_source, root, environ)
    if settings.credential_command:
        return _run(settings.credential_command, root)
    return None


def token_place(settings: Settings, token_file: Path | None, environ: Mapping[str, str]) -> str | None:
    """Where `token` reads it, in words; None where nothing is configured."""
    if token_file is not None:
        return f"the file {token_file}"
    if environ.get("RECONCILER_TOKEN"):
        return "RECONCILER_TOKEN"
    if settings.token_source is not None:
        name = settings.token_source.get("env")
        return f"the variable {name}" if name else f"the file {settings.token_source['file']}"
    return "credential_command" if settings.credential_command else None


def plan_key(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """The key that plans are sealed with; None where the workspace has none, or its variable is not set.

    Raises:
        ReconcilerError: it is too short to be a key.
    """
    return key_of("plan_key", settings.plan_key, environ)


def key_of(what: str, reference: Mapping[str, str] | None, environ: Mapping[str, str]) -> str | None:
    """A key that an environment variable holds; None where there is no reference, or its variable is not set.

    Args:
        what: setting that it belongs to, for messages.
        reference: names the variable.
        environ: environment variables.

    Raises:
        ReconcilerError: it is too short to be a key.
    """
    name = (reference or {}).get("env", "")
    value = environ.get(name) or None
    if value is not None and len(value) < SHORTEST_KEY:
        raise ReconcilerError(
            f"the {what} in the environment variable {name} has {many(len(value), 'character')}; at least {SHORTEST_KEY} are needed",
            help="make a random key, for example with `openssl rand -hex 32`",
        )
    return value


_EXAMPLES = {
    "ledger": "set it, in every job: postgresql://… that all runners share; sqlite:.reconciler/ledger.db where one machine is all"
}


def text_of(
    what: str,
    value: str | Mapping[str, str],
    root: Path,
    environ: Mapping[str, str],
    *,
    inside: bool = False,
) -> str:
    """A text, or what a typed reference to one ({env: NAME}, {file: PATH}) stands for.

    Args:
        what: is read, for messages.
        value: the text or reference.
        root: paths are relative to it.
        environ: environment variables.
        inside: a file must really lie below the root, and be a regular one.

    Raises:
        ReconcilerError: it stands for nothing.
    """
    if isinstance(value, str):
        return value
    if path := value.get("file"):
        return read_secret(root / path, what, root if inside else None)
    name = value["env"]
    if not environ.get(name):
        raise ReconcilerError(
            f"the {what} is read from the environment variable {name}, which is not set",
            help=_EXAMPLES.get(what, "set it; in a pipeline, give the secret of that name to the job"),
        )
    return environ[name]


def _run(command: tuple[str, ...], root: Path) -> str:
    name = f"the credential_command {command[0]!r}"
    try:
        done = user_command.run(command, root, CREDENTIAL_S, limit=CREDENTIAL_BYTES)
    except OSError as e:
        raise ReconcilerError(f"{name} cannot be run: {e.strerror}") from None
    if done.code != 0:
        raise ReconcilerError(f"{name} {done.why or f'ended with {done.code}'}")
    return done.out.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
