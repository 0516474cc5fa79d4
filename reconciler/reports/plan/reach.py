"""What a plan reads, runs and sends to, in full: what has to be looked at before the plan of another user is applied. Pure."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from reconciler.model.plan import LoadChange, Plan
from reconciler.model.source import Query, SourceDefinition
from reconciler.reports.plan.words import organisation
from reconciler.reports.style import Style, safe


@dataclass(frozen=True, slots=True)
class Row:
    """One thing: `about` says what for, `words` are shown one a line."""

    about: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """All of it.

    Attributes:
        standing: sentences: whether the plan is sealed, and whether the specs declare it.
        reads: places and queries, by load.
        runs: commands of gates, by wave.
        sends: ids, by datamart.
    """

    standing: tuple[str, ...]
    reads: tuple[Row, ...]
    runs: tuple[Row, ...]
    sends: tuple[Row, ...]

    @property
    def sections(self) -> tuple[tuple[str, tuple[Row, ...]], ...]:
        """Title and rows; none that is empty."""
        every = (("Reads", self.reads), ("Runs", self.runs), ("Sends to", self.sends))
        return tuple((title, rows) for title, rows in every if rows)


def reach(plan: Plan, standing: Sequence[str]) -> Reach:
    """What a plan would read, run and send to, whatever the specs say.

    Args:
        plan: any.
        standing: what is known of its seal and of the specs.
    """
    loads = [x for x in plan.loads if x.actions != ("no-op",)]
    return Reach(
        tuple(standing),
        tuple(_read(load) for load in loads),
        tuple(_commands(plan)),
        tuple(_targets(plan, loads)),
    )


def render(found: Reach, style: Style) -> str:
    """All of it for the terminal, a line for each thing; nothing is shortened."""
    lines = [""]
    for title, rows in found.sections:
        lines += [style.bold(title), ""]
        for row in rows:
            lines += [f"  {safe(row.about)}", *(f"      {safe(words)}" for words in row.words if words)]
        lines.append("")
    lines += [safe(words) for words in found.standing]
    return "\n".join(lines) + "\n"


def _read(load: LoadChange) -> Row:
    source = msgspec.convert(load.definition, SourceDefinition)
    words = _query(source.sql) if source.sql is not None else source.files
    return Row(load.address, (*words, *(("outside of the workspace, too",) if source.outside else ())))


def _query(query: Query) -> tuple[str, ...]:
    """Where a query goes, and its text; a URL that stands in the spec is not shown, since a password may be in it."""
    url = _reference(query.url) if isinstance(query.url, Mapping) else "a URL (not shown)"
    text = _reference(query.query) if isinstance(query.query, Mapping) else query.query
    return (f"query to {url}:", *text.splitlines())


def _reference(value: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{k}: {v}" for k, v in value.items()) + "}"


def _commands(plan: Plan) -> Iterator[Row]:
    for wave in plan.rollout.waves if plan.rollout is not None else ():
        gates = wave.gates
        if gates.command:
            names = f"sees the variables {', '.join(gates.command_env)}" if gates.command_env else ""
            yield Row(f"wave {wave.name}", (shlex.join(gates.command), *((names,) if names else ())))


def _targets(plan: Plan, loads: Sequence[LoadChange]) -> Iterator[Row]:
    ids: dict[str, set[str]] = {}
    for change in plan.resource_changes:
        shape = change.change.after or change.change.before or {}
        if change.change.actions != ("no-op",) and "datamart_id" in shape:
            ids.setdefault(change.address.partition("@")[2], set()).add(str(shape["datamart_id"]))
    for load in loads:
        ids.setdefault(load.datamart, set()).add(load.datamart_id)
    yield Row("organisation", (organisation(plan),))
    for name in sorted(ids):
        yield Row(name, tuple(f"datamart {i}" for i in sorted(ids[name])))
