"""The schemas that profiles are compared with: of files of the workspace, or of the platform. Never stops a load.

Two GETs per datamart and run; where a schema cannot be had or used, one warning says that profiles were not compared.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.api.client import Reader
from reconciler.api.schemas import NoSchema, live_schema
from reconciler.errors import MissingExtra, ReadFailed, ReconcilerError
from reconciler.kinds.schema_text import read_schema
from reconciler.model.datamart_schema import DatamartSchema
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity, warning
from reconciler.model.plan import LoadChange
from reconciler.planning.loads.changes import definition_of
from reconciler.workspace.schema_files import from_file


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
        found: dict[str, dict[str, DatamartSchema]] = defaultdict(dict)
        for load in loads:
            if (schema := self.of(load)) is not None:
                found[load.source][schema.digest] = schema
        return {source: tuple(schemas.values()) for source, schemas in found.items()}

    def of(self, load: DesiredLoad) -> DatamartSchema | None:
        """The one that a load's profiles are compared with."""
        return self.known.get(load.datamart) if load.definition.schema != "off" else None


def gather(root: Path, loads: Iterable[DesiredLoad], reader: Reader | None, io: Executor | None) -> Schemas:
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

    def one(load: DesiredLoad) -> DatamartSchema | Exception:
        try:
            if load.schema_file is not None:
                return from_file(root, load.schema_file)
            if reader is None:
                raise AssertionError("not asked for")
            live = live_schema(reader, load.datamart_id)
            return read_schema(live.text, f"schema {live.id}")
        except ReconcilerError as e:
            return e

    each: Callable[..., Iterable[DatamartSchema | Exception]] = map if io is None else io.map
    answers = dict(zip((load.datamart for load in asked), each(one, asked), strict=True))
    known = {name: a for name, a in answers.items() if isinstance(a, DatamartSchema)}
    reasons: dict[str, list[str]] = defaultdict(list)
    helps: dict[str, str | None] = {}
    for name, answer in answers.items():
        if isinstance(answer, ReconcilerError):
            reasons[str(answer)].append(name)
            helps[str(answer)] = _advice(answer)
    return Schemas(known, [_unchecked(why, names, helps[why], answers) for why, names in reasons.items()])


@dataclass(frozen=True, slots=True)
class LookedAgain:
    """The schemas of a plan's loads as they are when it is applied.

    Attributes:
        to_compare: by datamart, those that profiles are compared with while they are read for sending.
        moved: by datamart, in words, those that are others than in the plan.
        unread: in words, those that could not be read.
    """

    to_compare: Mapping[str, DatamartSchema] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    unread: Sequence[str] = ()


def look_again(
    root: Path, loads: Iterable[LoadChange], reader: Reader, io: Executor, *, saved: bool
) -> LookedAgain:
    """Read again the schemas that the loads of a plan were compared with, where that can change what is to be done.

    Those are: of a saved plan, all, as they may have moved; of a plan just made, those of sources that only apply reads and of
    sources that stop at what does not fit.

    Args:
        root: the workspace.
        loads: of the plan.
        reader: asks the platform.
        io: threads for small requests.
        saved: the plan is from a file.
    """
    asked: dict[str, LoadChange] = {}
    compared = set[str]()
    for load in loads:
        if load.actions == ("no-op",) or definition_of(load).schema == "off":
            continue
        strict = load.unread or definition_of(load).schema == "error"
        if strict:
            compared.add(load.datamart)
        if strict or (saved and load.schema is not None):
            known = asked.setdefault(load.datamart, load)
            if known.schema is None:
                asked[load.datamart] = load

    def one(load: LoadChange) -> DatamartSchema | str:
        try:
            if load.schema is not None and not load.schema.origin.startswith("schema "):
                return from_file(root, load.schema.origin)
            live = live_schema(reader, load.datamart_id)
            return read_schema(live.text, f"schema {live.id}")
        except NoSchema:
            return ""
        except ReconcilerError as e:
            return f"the schema of {load.datamart} could not be read again: {e}"

    answers = dict(zip(asked, io.map(one, asked.values()), strict=True))
    found = {name: a for name, a in answers.items() if isinstance(a, DatamartSchema)}
    moved = {
        name: f"the schema of {name} is another one than in the plan: {seen.origin} then, {now.origin} now"
        for name, now in found.items()
        if (seen := asked[name].schema) is not None and now.digest != seen.digest
    }
    return LookedAgain(
        {name: schema for name, schema in found.items() if name in compared or name in moved},
        moved,
        [words for words in answers.values() if isinstance(words, str) and words],
    )


def _advice(why: ReconcilerError) -> str:
    if isinstance(why, MissingExtra):
        return f"{why.help}, or set `schema: off` in the source"
    if isinstance(why, ReadFailed):
        return "plan again, or declare a file: `reconciler schema fetch` writes one for each datamart"
    return "correct the schema on the platform or its file; `schema: off` in a source compares nothing"


def _unchecked(
    why: str, names: Sequence[str], advice: str | None, answers: Mapping[str, DatamartSchema | Exception]
) -> Diagnostic:
    words = f"profiles are not compared with the schema of {', '.join(names)}: {why}"
    finding = warning("schema-not-checked", words, help=advice)
    if all(isinstance(answers[name], NoSchema) for name in names):
        return replace(finding, severity=Severity.NOTE)
    return finding
