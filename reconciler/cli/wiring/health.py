"""What `doctor` reads of this machine: versions, token, proxy, ledger, lock, caches. Writes nothing."""

import importlib.util
import platform
from collections.abc import Mapping
from pathlib import Path

from reconciler import __version__
from reconciler.api.connection import check_token
from reconciler.api.proxy import proxy
from reconciler.bulk.sent.store import Folder, store_of
from reconciler.cli.wiring import destination, ledgers
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import many
from reconciler.ledger import inspect
from reconciler.ledger.lock_folder import default_folder
from reconciler.model.health import Check, failed, good, skipped, warned
from reconciler.origin import ANY_TOKEN, Origin, masked
from reconciler.private_folder import not_usable
from reconciler.reports.style import size
from reconciler.settings import Settings
from reconciler.workflows.doctor.token import token_check
from reconciler.workspace.cache import cache_folder

# Extras, by a module that each brings.
EXTRAS = {
    "sandbox": "starlette",
    "files": "polars",
    "cloud": "obstore",
    "sql": "sqlalchemy",
    "postgres": "psycopg",
    "html": "jinja2",
    "schema": "graphql",
    "delta": "cryptography",
    "watch": "prometheus_client",
    "dask": "distributed",
    "otel": "opentelemetry",
}


def version_check() -> Check:
    """Of the command, of Python, and which extras are there."""
    told = f"reconciler {__version__}, Python {platform.python_version()}, extras: {', '.join(installed_extras()) or 'none'}"
    return good("version", told)


def installed_extras() -> list[str]:
    """Names of the extras that are there."""
    return [name for name, module in EXTRAS.items() if importlib.util.find_spec(module)]


def sandbox_token(
    root: Path, settings: Settings, token_file: Path | None, environ: Mapping[str, str]
) -> tuple[Check, str | None]:
    """What is said of the token for the built-in sandbox, and the one that is sent to it, as commands do.

    Args:
        root: folder of the workspace.
        settings: of the workspace.
        token_file: file with the token, as given.
        environ: environment variables.
    """
    place = destination.token_place(settings, token_file, environ)
    wrong, found = _read_token(root, settings, token_file, environ)
    if wrong is not None:
        return wrong, None
    if found is None:
        return good("token", "none is configured; the sandbox takes any unless it was told which"), (
            ANY_TOKEN
        )
    try:
        check_token(found)
    except ReconcilerError as e:
        return failed("token", f"from {place}: {e}", e.help or f"correct {place}"), None
    return good("token", f"from {place}; the sandbox takes any unless it was told which"), found


def token_found(
    root: Path, settings: Settings, token_file: Path | None, environ: Mapping[str, str], now: float
) -> tuple[Check, str | None]:
    """What is said of the token, and the token for requests.

    Args:
        root: folder of the workspace.
        settings: of the workspace.
        token_file: as given.
        environ: environment variables.
        now: seconds since 1970.
    """
    place = destination.token_place(settings, token_file, environ)
    if place is None:
        todo = "set RECONCILER_TOKEN, give --token-file FILE, or set token: {env: NAME} in reconciler.yaml"
        return failed("token", "no API token is configured", todo), None
    wrong, found = _read_token(root, settings, token_file, environ)
    if wrong is not None:
        return wrong, None
    return token_check(found or "", place, now), found


def _read_token(
    root: Path, settings: Settings, token_file: Path | None, environ: Mapping[str, str]
) -> tuple[Check | None, str | None]:
    """Why the token cannot be read, or None; and the token, or None."""
    try:
        return None, destination.token(root, settings, token_file, environ)
    except ReconcilerError as e:
        place = destination.token_place(settings, token_file, environ)
        return failed("token", str(e), e.help or f"correct {place}"), None


def proxy_check(origin: Origin) -> Check:
    """Through which proxy requests go."""
    try:
        found = proxy(origin)
    except ReconcilerError as e:
        return failed("proxy", str(e), e.help or "correct the variable")
    return good("proxy", f"requests go through {found}" if found else "none")


def ledger_check(root: Path, settings: Settings, environ: Mapping[str, str]) -> Check:
    """Whether a run could use the ledger."""
    where = ledgers.place(root, settings)
    told = inspect.file_ledger(where.file) if where.url is None else inspect.server_ledger(where.url)
    if where.url is None and environ.get("CI"):
        todo = "set `ledger` to a PostgreSQL database that all runners share"
        return warned("ledger", f"{told}; runners of CI do not share this file", todo)
    return good("ledger", told)


def lock_check(root: Path, settings: Settings) -> Check:
    """Whether the organisation is locked, and whether a run could lock it."""
    folder = ledgers.lock_folder(root, settings) or default_folder()
    if (why := not_usable(folder)) is not None:
        todo = "give the user the right to write there, or name another lock_folder in reconciler.yaml"
        return failed("lock", f"the folder of locks cannot be used: {why}", todo)
    owner = ledgers.holder(root, settings)
    if owner is None:
        return good("lock", "free")
    todo = f"wait until that run ends; if it is dead: `reconciler unlock {owner.id}`"
    return warned("lock", f"held by {owner.describe()}", todo)


def index_check(root: Path, settings: Settings, environ: Mapping[str, str]) -> Check:
    """Whether sent indexes can be read, and where they lie kept."""
    store = store_of(settings.index, root)
    local = isinstance(store, Folder)
    if local and (why := not_usable(Path(str(store)))) is not None:
        todo = "correct `index` in reconciler.yaml, or give the user the right to write there"
        return failed("index", f"sent indexes cannot be kept: {why}", todo)
    if (
        settings.index_key is not None
        and destination.key_of("index_key", settings.index_key, environ) is None
    ):
        name = settings.index_key["env"]
        return failed(
            "index", f"the variable {name} of index_key is not set", f"set {name}, as the other runs have it"
        )
    told = f"{masked(str(store))}: {many(len(store.names('')), 'file')}"
    if local and environ.get("CI"):
        todo = "set `index` to an object-store URL, and `index_key`, so that each run is not a full load"
        return warned("index", f"{told}; runners of CI do not share this folder", todo)
    return good("index", told)


def cache_check(root: Path, environ: Mapping[str, str]) -> Check:
    """Where scans and verdicts are kept."""
    folder = cache_folder(root, environ)
    if folder is None:
        return good("cache", "none is kept here (CI is set, or the folder would be in the workspace)")
    if (why := not_usable(folder)) is not None:
        return warned(
            "cache",
            f"cannot be written: {why}",
            "set XDG_CACHE_HOME; without a cache plan reads sources again",
        )
    kept = sum(f.stat().st_size for f in folder.iterdir() if f.is_file()) if folder.is_dir() else 0
    return good("cache", f"{folder}, {size(kept)}")


def plan_key_check(settings: Settings, environ: Mapping[str, str]) -> Check:
    """Whether plans can be sealed here."""
    if settings.plan_key is None:
        return skipped("plan key", "the workspace has none; plans are compared with the specs")
    name = settings.plan_key["env"]
    if destination.plan_key(settings, environ) is None:
        return warned("plan key", f"the variable {name} is not set, plans are not sealed here", f"set {name}")
    return good("plan key", f"from the variable {name}")
