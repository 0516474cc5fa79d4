"""The schemas that profiles are compared with: of files of the workspace, or of the platform. Never stops a load.

Two GETs per datamart and run; where a schema cannot be had or used, one warning says that profiles were not compared.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.api.schemas import NoSchema, live_schema
from reconciler.errors import MissingExtra, ReadFailed, ReconcilerError
from reconciler.kinds.counts import few
from reconciler.kinds.schema_text import read_schema
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity, warning
from reconciler.model.plan import LoadChange, SchemaSeen
from reconciler.planning.loads.changes import definition_of
from reconciler.workspace.schema_files import from_file

if TYPE_CHECKING:  # who only reads sources does not wait for what sends requests
    from reconciler.api.client import Reader

_NAMED = 6  # datamarts in a finding
_LIVE = "schema "  # begins how a plan names a schema of the platform; all others are files


def by_source(found: Iterable[tuple[str, DatamartSchema | None]]) -> dict[str, tuple[DatamartSchema, ...]]:
    """The schemas of each source, each once.

    Args:
        found: sources by name, with the schema of one of their datamarts where it is known.
    """
    made: dict[str, dict[str, DatamartSchema]] = defaultdict(dict)
    for source, schema in found:
        if schema is not None:
            made[source][schema.digest] = schema
    return {source: tuple(schemas.values()) for source, schemas in made.items()}


@dataclass(frozen=True, slots=True)
class Schemas:
    """What is known of the schemas of some datamarts, by name.

    Attributes:
        findings: which could not be used, and why.
    """

    known: Mapping[str, DatamartSchema] = field(default_factory=dict)
    findings: Sequence[Diagnostic] = ()

    def by_source(self, loads: Iterable[DesiredLoad]) -> dict[str, tuple[DatamartSchema, ...]]:
        """Those that the profiles of each source are compared with, each once."""
        return by_source((load.source, self.of(load)) for load in loads)

    def of(self, load: DesiredLoad) -> DatamartSchema | None:
        """The one that a load's profiles are compared with."""
        return self.known.get(load.datamart) if load.definition.schema != "off" else None


def gather(root: Path, loads: Iterable[DesiredLoad], reader: "Reader | None", io: Executor | None) -> Schemas:
    """The schemas of the datamarts of some loads.

    Args:
        root: the workspace.
        loads: those that are compared.
        reader: asks the platform where no file is declared; None asks nobody.
        io: threads for small requests.
    """
    wanted: dict[str, DesiredLoad] = {}
    for load in loads:
        if load.definition.schema != "off" and not load.suspended:
            wanted.setdefault(load.datamart, load)
    asked = [load for load in wanted.values() if load.schema_file is not None or reader is not None]

    def one(load: DesiredLoad) -> DatamartSchema | ReconcilerError:
        return _read(root, load.schema_file, load.datamart_id, reader)

    each: Callable[..., Iterable[DatamartSchema | ReconcilerError]] = map if io is None else io.map
    answers = dict(zip((load.datamart for load in asked), each(one, asked), strict=True))
    known = {name: a for name, a in answers.items() if isinstance(a, DatamartSchema)}
    reasons: dict[str, list[str]] = defaultdict(list)
    helps: dict[str, str | None] = {}
    for name, answer in answers.items():
        if isinstance(answer, ReconcilerError):
            reasons[str(answer)].append(name)
            helps[str(answer)] = _advice(answer)
    return Schemas(known, [_unchecked(why, names, helps[why], answers) for why, names in reasons.items()])


def _read(
    root: Path, file: str | None, datamart_id: str, reader: "Reader | None"
) -> DatamartSchema | ReconcilerError:
    """The schema of a file or, without one, of the platform; or why it cannot be had."""
    try:
        if file is not None:
            return from_file(root, file)
        assert reader is not None  # noqa: S101 - who has none asks for files only
        live = live_schema(reader, datamart_id)
        return read_schema(live.text, f"{_LIVE}{live.id}")
    except ReconcilerError as e:
        return e


@dataclass(frozen=True, slots=True)
class LookedAgain:
    """The schemas of a plan's loads as they are when it is applied.

    Attributes:
        to_compare: by datamart, those that profiles are compared with while they are read for sending.
        notes: in words, which are others than in the plan, and which could not be read.
    """

    to_compare: Mapping[str, DatamartSchema] = field(default_factory=dict)
    notes: Sequence[str] = ()


def look_again(
    root: Path, loads: Iterable[LoadChange], reader: "Reader", io: Executor, *, from_file: bool
) -> LookedAgain:
    """Read again the schemas that the loads of a plan were compared with, where that can change what is to be done.

    Those are: of a plan from a file, all, as they may have moved; of a plan just made, those of sources that only apply reads and
    of sources that stop at what does not fit.

    Args:
        root: the workspace.
        loads: of the plan.
        reader: asks the platform.
        io: threads for small requests.
        from_file: the plan is from a file.
    """
    asked: dict[str, LoadChange] = {}
    compared = set[str]()
    for load in loads:
        if load.actions == ("no-op",) or definition_of(load).schema == "off":
            continue
        strict = load.unread or definition_of(load).schema == "error"
        if strict:
            compared.add(load.datamart)
        if strict or (from_file and load.schema is not None):
            known = asked.setdefault(load.datamart, load)
            if known.schema is None:
                asked[load.datamart] = load

    def one(load: LoadChange) -> DatamartSchema | ReconcilerError:
        seen = load.schema
        declared = seen is not None and not seen.origin.startswith(_LIVE)
        return _read(root, seen.origin if seen and declared else None, load.datamart_id, reader)

    notes, to_compare = list[str](), dict[str, DatamartSchema]()
    for (name, load), now in zip(asked.items(), io.map(one, asked.values()), strict=True):
        note = _difference(name, load.schema, now)
        if note:
            notes.append(note)
        if isinstance(now, DatamartSchema) and (note or name in compared):
            to_compare[name] = now
    return LookedAgain(to_compare, notes)


def _difference(name: str, seen: SchemaSeen | None, now: DatamartSchema | ReconcilerError) -> str:
    """How a datamart's schema is not as it was in the plan, in words; empty where it is."""
    if isinstance(now, NoSchema) and seen is None:
        return ""
    if isinstance(now, ReconcilerError):
        return f"the schema of {name} could not be read again: {now}"
    if seen is None or now.digest == seen.digest:
        return ""
    return f"the schema of {name} is another one than in the plan: {seen.origin} then, {now.origin} now"


def _advice(why: ReconcilerError) -> str:
    if isinstance(why, MissingExtra):
        return f"{why.help}, or set `schema: off` in the source"
    if isinstance(why, NoSchema):
        return "name a file in the datamart's entry (`schema: FILE`), or publish a schema on the platform; `schema: off` in a source compares nothing"
    if isinstance(why, ReadFailed):
        return "plan again, or declare a file: `reconciler schema fetch` writes one for each datamart"
    return "declare a file for the datamart (`schema:` in its entry), or correct the schema on the platform; `schema: off` in a source compares nothing"


def _unchecked(
    why: str, names: Sequence[str], advice: str | None, answers: Mapping[str, DatamartSchema | Exception]
) -> Diagnostic:
    words = f"profiles are not compared with the schema of {few(names, _NAMED)}: {why}"
    finding = warning("schema-not-checked", words, help=advice)
    if all(isinstance(answers[name], NoSchema) for name in names):
        return replace(finding, severity=Severity.NOTE)
    return finding
