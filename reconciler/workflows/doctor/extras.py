"""Which extras the workspace uses, and which of them are not installed. Pure."""

from collections.abc import Collection, Iterator, Mapping

from reconciler.bulk.sources.locations import compression_of
from reconciler.bulk.sources.object_store import is_url
from reconciler.kinds.counts import few
from reconciler.model.desired import Desired
from reconciler.model.health import Check, failed, good, skipped, warned
from reconciler.model.source import SourceDefinition
from reconciler.origin import LocalSandbox
from reconciler.settings import Settings

NAME = "extras"
_NAMED = 3  # sources; of more the first of them


def extras_check(settings: Settings, desired: Desired | None, installed: Collection[str]) -> Check:
    """Whether all is installed that settings and sources use.

    Args:
        settings: of the workspace.
        desired: what the specs ask for; None where they have errors.
        installed: names of extras.
    """
    used = dict(_of_settings(settings))
    for extra, what in _of_sources({} if desired is None else _sources(desired)).items():
        used[extra] = f"{used[extra]}, {what}" if extra in used else what
    missing = {extra: what for extra, what in used.items() if extra not in installed}
    if missing:
        told = "; ".join(f"'{extra}' is not installed: {what}" for extra, what in missing.items())
        judged = warned if missing.keys() == {"schema"} else failed
        return judged(NAME, told, f"pip install 'mics-reconciler[{','.join(missing)}]'")
    if desired is None:
        return skipped(NAME, "what sources use needs specs without errors")
    return good(NAME, f"{', '.join(used)}: used and installed" if used else "none is used")


def _of_settings(settings: Settings) -> Iterator[tuple[str, str]]:
    if isinstance(settings.endpoint, LocalSandbox):
        yield "sandbox", "the endpoint"
    if is_url(settings.index):
        yield "cloud", "index"
    if isinstance(settings.ledger, str) and settings.ledger.startswith("postgres"):
        yield "postgres", "ledger"
    if settings.engine is not None:
        yield "dask", "engine"


def _sources(desired: Desired) -> dict[str, SourceDefinition]:
    return {load.source: load.definition for load in desired.loads.values()}


def _of_sources(sources: Mapping[str, SourceDefinition]) -> dict[str, str]:
    """What of sources needs an extra, in words, by the extra."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, definition in sources.items():
        for extra, feature in _of_source(definition):
            found.setdefault(extra, {}).setdefault(feature, []).append(name)
    return {
        extra: ", ".join(f"{what} of {few(sorted(names), _NAMED)}" for what, names in features.items())
        for extra, features in found.items()
    }


def _of_source(definition: SourceDefinition) -> Iterator[tuple[str, str]]:
    if definition.format == "parquet":
        yield "files", "Parquet files"
    if any(compression_of(f, definition.compression) == "zstd" for f in definition.files):
        yield "files", "zstd files"
    if any(is_url(f) for f in definition.files):
        yield "cloud", "URLs"
    if definition.sql is not None:
        yield "sql", "sql"
    if definition.schema != "off":
        yield "schema", "profiles compared with the datamart's schema"
    if definition.gone == "delete":
        yield "delta", "delta.gone"
