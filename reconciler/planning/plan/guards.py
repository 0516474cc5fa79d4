"""Limits past which a plan is not applyable (design 3, `guards`), and what somebody allowed all the same. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, Severity, error, warning
from reconciler.model.plan import Delta, LoadChange, Override, ResourceChange, Unchanged
from reconciler.model.unchanged import NOTHING, keys_of
from reconciler.planning.loads.retention import KIND
from reconciler.settings import Guards

GUARDS = ("guard-changes", "guard-delete-lines", "guard-shrink", "guard-delta")
# Errors by which the tool refuses a plan that it understood (exit 4); every other one is something to mend (exit 1).
REFUSALS = frozenset(
    {
        *GUARDS,
        "bad-lines",
        "empty-source",
        "load-refused",
        "token-change",
        "duplicate-identity",
        "removal-refused",
        "schema-unknown-field",
        "schema-type",
        "expectation",
        "schema-null",
        "schema-date-number",
        "schema-seconds",
        "schema-computed-field",
        "schema-system-field",
    }
)


def refused(diagnostics: Sequence[Diagnostic]) -> bool:
    """True if all that stops a plan are refusals."""
    return all(d.code in REFUSALS for d in diagnostics if d.severity is Severity.ERROR)


def shrunk(lines: int, before: int, guards: Guards) -> str | None:
    """Why a snapshot is suspiciously small, after one of `before` lines; None if it is not."""
    if before < guards.from_lines or (before - lines) * 100 <= guards.max_shrink_percent * before:
        return None
    return f"{many(lines, 'row')}, after {before:,} in the last load: more than {guards.max_shrink_percent:g} % fewer"


def deleting(deletes: int, lines: int, guards: Guards) -> str | None:
    """Why a load deletes too much; None if it does not.

    Args:
        deletes: DELETE commands.
        lines: those, and all other rows of the source; of a delta the rows that did not change, too.
        guards: the limits.
    """
    if lines < guards.from_lines or deletes * 100 <= guards.max_delete_lines_percent * lines:
        return None
    return f"{deletes:,} of {many(lines, 'profile')} would be deleted, more than {guards.max_delete_lines_percent:g} %"


def differing(delta: Delta | None, lines: int, guards: Guards) -> str | None:
    """Why suspiciously many rows of a source differ from what was sent; None if they do not.

    Args:
        delta: counts of a load that sends only rows that changed; None of any other.
        lines: all rows of the source that are sent or did not change.
        guards: the limits.
    """
    if delta is None or delta.all_rows or lines < guards.from_lines:
        return None
    differ = delta.added + delta.changed
    if differ * 100 <= guards.max_delta_percent * lines:
        return None
    return (
        f"{differ:,} of {many(lines, 'row is', 'rows are')} new or changed since load {delta.base}, "
        f"more than {guards.max_delta_percent:g} %"
    )


def for_load(guards: Guards, overrides: Sequence[Override], address: str) -> Guards:
    """The limits for a source that only apply reads, where somebody allowed some to be crossed."""
    mine = {o.guard for o in overrides if o.scope == address}
    return replace(
        guards,
        max_shrink_percent=100.0 if "guard-shrink" in mine else guards.max_shrink_percent,
        max_delete_lines_percent=100.0 if "guard-delete-lines" in mine else guards.max_delete_lines_percent,
        max_delta_percent=100.0 if "guard-delta" in mine else guards.max_delta_percent,
    )


def check(
    changes: Sequence[ResourceChange],
    loads: Sequence[LoadChange],
    guards: Guards,
    unchanged: Unchanged = NOTHING,
) -> list[Diagnostic]:
    """One finding per limit that the plan crosses, naming scope, limit and the way to allow it.

    Args:
        changes: of compartments, activations and document imports.
        loads: of the plan.
        guards: the limits.
        unchanged: what is as declared, beside the changes: percentages are of both.
    """
    scopes = _scopes(changes, unchanged)
    findings = [f for scope, present in scopes for f in _exceeded(scope, present, guards)]
    return findings + [f for load in loads if load.actions != ("no-op",) for f in _of_load(load, guards)]


def _of_load(load: LoadChange, guards: Guards) -> Iterator[Diagnostic]:
    delta = load.delta
    deleted, unsent = (delta.deleted, delta.unsent) if delta else (0, 0)
    lines = load.upserts + load.deletes + unsent
    address = load.address
    if words := deleting(load.deletes, lines, guards):
        hint = way_out("guard-delete-lines", address, "max_delete_lines_percent")
        yield error("guard-delete-lines", words, address=address, help=hint)
    if words := shrunk(lines - deleted, load.previous_lines, guards):
        hint = way_out("guard-shrink", address, "max_shrink_percent")
        yield error("guard-shrink", words, address=address, help=hint)
    if words := differing(delta, lines - deleted, guards):
        hint = way_out("guard-delta", address, "max_delta_percent")
        yield error("guard-delta", words, address=address, help=hint)


def _scopes(changes: Sequence[ResourceChange], unchanged: Unchanged) -> Iterator[tuple[str, Counter[str]]]:
    """What is there of each kind, in the organisation and on each datamart, by what becomes of it.

    Old imports are not among it: they go because the spec says so.
    """
    found = Counter(
        (c.kind, c.address.partition("@")[2], c.change.actions[0])
        for c in changes
        if c.change.before is not None and c.kind != KIND
    )
    if unchanged.compartments:
        found["Compartment", "", "no-op"] += len(unchanged.compartments)
    for group in unchanged.activations:
        for datamart in group.datamarts:
            found["Activation", datamart, "no-op"] += len(keys_of(group, unchanged))
    scopes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for (kind, datamart, verb), count in found.items():
        for scope in (kind, f"{kind}@{datamart}") if datamart else (kind,):
            scopes[scope][verb] += count
    yield from sorted(scopes.items())


def _exceeded(scope: str, present: Counter[str], guards: Guards) -> Iterator[Diagnostic]:
    limits = (
        ("update", guards.max_update_percent, guards.max_updates),
        ("delete", guards.max_delete_percent, guards.max_deletes),
    )
    for verb, percent, most in limits:
        acting = present[verb]
        words = f"{acting} of {present.total()} resources of {scope} would be {verb}d, more than "
        if present.total() >= guards.from_ and acting * 100 > percent * present.total():
            yield error(
                "guard-changes",
                f"{words}{percent:g} %",
                address=scope,
                help=way_out("guard-changes", scope, f"max_{verb}_percent"),
            )
        elif most is not None and acting > most:
            yield error(
                "guard-changes",
                f"{words}{most}",
                address=scope,
                help=way_out("guard-changes", scope, f"max_{verb}s"),
            )


def way_out(code: str, scope: str, limit: str) -> str:
    """What to do if a guard stops what is meant."""
    return f"if this is intended: --allow '{code}:{scope}=WHY'; or raise guards.{limit} in reconciler.yaml"


def allowed(
    findings: Sequence[Diagnostic], overrides: Sequence[Override], loads: Sequence[LoadChange] = ()
) -> list[Diagnostic]:
    """Findings of guards that somebody allowed become warnings that name who and why; an allowance of nothing is told.

    Of `loads` whose source only apply reads nobody can say yet what stops them.
    """
    unread = {x.address for x in loads if x.unread}
    by_scope = {(o.guard, o.scope): o for o in overrides}
    found = []
    used = set()
    for finding in findings:
        key = (finding.code, finding.address or "")
        if override := by_scope.get(key):
            used.add(key)
            note = f"allowed by {override.who}: {override.why}"
            found.append(replace(finding, severity=Severity.WARNING, help=None, note=note))
        else:
            found.append(finding)
    for guard, scope in sorted(k for k in by_scope.keys() - used if k[1] not in unread):
        words = f"{guard} was overridden for {scope}, but does not stop this plan"
        found.append(warning("override-unused", words, address=scope, help="remove --allow"))
    return found
