"""Limits past which a plan is not applyable (design 3, `guards`). Pure."""

from collections.abc import Sequence

from reconciler.model.diagnostic import Diagnostic, Severity, error
from reconciler.model.plan import LoadChange, ResourceChange
from reconciler.planning.retention import KIND
from reconciler.settings import Guards

# Errors by which the tool refuses a plan that it understood (exit 4); every other one is something to mend (exit 1).
REFUSALS = frozenset(
    {
        "guard-changes",
        "guard-delete-lines",
        "guard-shrink",
        "bad-lines",
        "empty-source",
        "load-refused",
        "token-change",
        "duplicate-identity",
    }
)


def refused(diagnostics: Sequence[Diagnostic]) -> bool:
    """True if all that stops a plan are refusals."""
    return all(d.code in REFUSALS for d in diagnostics if d.severity is Severity.ERROR)


def shrunk(lines: int, before: int, guards: Guards) -> str | None:
    """Why a snapshot is suspiciously small, after one of `before` lines; None if it is not."""
    if before < guards.from_lines or (before - lines) * 100 <= guards.max_shrink_percent * before:
        return None
    return (
        f"{lines:,} lines, after {before:,} in the last load: more than {guards.max_shrink_percent:g} % fewer"
    )


def check(changes: Sequence[ResourceChange], loads: Sequence[LoadChange], guards: Guards) -> list[Diagnostic]:
    """One finding per limit that the plan crosses, naming scope, limit and the way to allow it."""
    findings = []
    for kind in sorted({c.kind for c in changes} - {KIND}):  # old imports go because the spec says so
        present = [c for c in changes if c.kind == kind and c.change.before is not None]
        for verb, limit in (("update", guards.max_update_percent), ("delete", guards.max_delete_percent)):
            acting = sum(verb in c.change.actions for c in present)
            if len(present) >= guards.from_ and acting * 100 > limit * len(present):
                findings.append(
                    error(
                        "guard-changes",
                        f"{acting} of {len(present)} {kind} resources would be {verb}d, more than {limit:g} %",
                        help=f"if this is meant, raise guards.max_{verb}_percent in reconciler.yaml for this plan",
                    )
                )
    for load in loads:
        lines = load.upserts + load.deletes
        acts = load.actions != ("no-op",)
        if (
            acts
            and lines >= guards.from_lines
            and load.deletes * 100 > guards.max_delete_lines_percent * lines
        ):
            findings.append(
                error(
                    "guard-delete-lines",
                    f"{load.deletes:,} of {lines:,} lines delete profiles, more than {guards.max_delete_lines_percent:g} %",
                    address=load.address,
                    help="if this is meant, raise guards.max_delete_lines_percent in reconciler.yaml for this plan",
                )
            )
        if acts and (words := shrunk(lines, load.previous_lines, guards)):
            findings.append(
                error(
                    "guard-shrink",
                    words,
                    address=load.address,
                    help="if this is meant, raise guards.max_shrink_percent in reconciler.yaml for this plan",
                )
            )
    return findings
