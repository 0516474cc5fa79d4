"""What is to go: activations that `deactivations` name, and those that nobody declares where `--prune` looks. Pure.

Nothing goes because it is missing in the specs alone (G10), and a datamart's default never goes (contract 4.3).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from reconciler.model.desired import Desired, DesiredActivation
from reconciler.model.diagnostic import Diagnostic, Severity, error, warning
from reconciler.model.listing import Listed
from reconciler.model.plan import Change, ResourceChange
from reconciler.model.remote import Activation, Observed
from reconciler.model.removal import RefusedRemoval
from reconciler.planning.config import lookup
from reconciler.planning.config.changes import ConfigPlan
from reconciler.planning.requests import with_request

KIND = "Activation"


@dataclass(frozen=True, slots=True)
class Pruning:
    """Where activations that nobody declares go, and which addresses a plan is about at all.

    Attributes:
        scopes: `Activation` or `Activation@DATAMART`: there, activations of compartments that say where they are active go if
            they do not say so of that datamart.
        within: false for what flags leave out of the plan.
        refused: of an address, kind, datamart id and remote id, that the platform refused the removal before.
    """

    scopes: frozenset[str] = frozenset()
    within: Callable[[str], bool] = lambda _: True
    refused: Callable[[str, str, str, str], RefusedRemoval | None] = lambda *_: None

    def reaches(self, datamart: str) -> bool:
        """True if it looks at a datamart."""
        return not self.scopes.isdisjoint({KIND, f"{KIND}@{datamart}"})


def plan_removals(desired: Desired, observed: Observed, plan: ConfigPlan, pruning: Pruning) -> None:
    """Add the removals; compartments were planned before.

    Args:
        desired: what is to go, and what is protected.
        observed: what is there.
        plan: is added to.
        pruning: what else may go.
    """
    pruned = {a.address: a for a in _undeclared(desired, observed, plan, pruning)}
    wanted = [w for w in (*desired.removals.values(), *pruned.values()) if pruning.within(w.address)]
    for want in wanted:
        listing = observed.activations.get(want.datamart_id)
        if want.compartment not in plan.ids or not isinstance(listing, Listed):
            plan.blocked.add(want.address)
            continue
        identity = plan.ids[want.compartment]
        row, _ = lookup.activation(listing.by("compartment_id", identity), identity or "")
        if row is None:
            continue  # gone already
        by_flag = want.address in pruned
        if finding := _refusal(want, row, desired):
            plan.blocked.add(want.address)
            plan.diagnostics.append(finding)
            continue
        if earlier := pruning.refused(want.address, KIND, row.datamart_id, row.id):
            plan.diagnostics.append(_not_proposed(want, earlier, by_flag=by_flag))
            if not by_flag:
                plan.changes.append(_staying(want, row, earlier))
            continue
        reason = (
            f"not declared on {want.datamart} (--prune)"
            if by_flag
            else f"deactivated on {want.datamart} by the spec"
        )
        removal = _removal(want, row, reason, by_flag=by_flag)
        plan.changes.append(replace(removal, token=plan.tokens.get(want.compartment)))
        plan.diagnostics.append(
            warning(
                "deactivation",
                f"'{want.compartment}' is removed from {want.datamart}; the platform does not document what happens to its profiles there",
                want.span,
                address=want.address,
            )
        )


def _undeclared(
    desired: Desired, observed: Observed, plan: ConfigPlan, pruning: Pruning
) -> Iterator[DesiredActivation]:
    keys = {identity: key for key, identity in plan.ids.items() if identity and key in desired.managed}
    for name, (datamart_id, _) in desired.datamarts.items():
        listing = observed.activations.get(datamart_id)
        if not pruning.reaches(name) or not isinstance(listing, Listed):
            continue
        for row in listing.rows:
            key = keys.get(row.compartment_id)
            address = f"{KIND}/{key}@{name}"
            if key is not None and address not in desired.activations and address not in desired.removals:
                where = desired.compartments[f"Compartment/{key}"].where
                yield DesiredActivation(address, key, name, datamart_id, False, where)


def _refusal(want: DesiredActivation, row: Activation, desired: Desired) -> Diagnostic | None:
    if want.compartment in desired.protected:
        words = f"Compartment/{want.compartment} is protected, so its activation is not removed from {want.datamart}"
        advice = f"declare it on {want.datamart}, or exclude this datamart from --prune"
    elif row.default:
        words = f"'{want.compartment}' is the default of {want.datamart}; a default is never removed"
        advice = "make another compartment default_compartment there, apply that plan, then make a new plan"
    else:
        return None
    return error("removal-refused", words, want.span, address=want.address, help=advice)


def refusal_words(earlier: RefusedRemoval) -> str:
    """That the platform refused a removal, and when."""
    day = datetime.fromtimestamp(earlier.at, UTC).date().isoformat()
    return f"the platform refused the removal ({earlier.status}) on {day}"


def _not_proposed(want: DesiredActivation, earlier: RefusedRemoval, *, by_flag: bool) -> Diagnostic:
    words = f"'{want.compartment}' stays active on {want.datamart}: {refusal_words(earlier)}"
    elsewhere = "" if by_flag else ", or drop it from the spec"
    flags = f"--prune {KIND}@{want.datamart} " if by_flag else ""
    advice = f"remove it in the console{elsewhere}; `reconciler plan {flags}--target {want.address}` proposes it again"
    return Diagnostic(
        "removal-not-proposed", Severity.NOTE, words, want.span, help=advice, address=want.address
    )


def _staying(want: DesiredActivation, row: Activation, earlier: RefusedRemoval) -> ResourceChange:
    seen = _shape(row)
    change = Change(actions=("no-op",), before=seen, after=seen)
    return ResourceChange(
        address=want.address, kind=KIND, change=change, reason=refusal_words(earlier), remote_id=row.id
    )


def _removal(want: DesiredActivation, row: Activation, reason: str, *, by_flag: bool) -> ResourceChange:
    change = ResourceChange(
        address=want.address,
        kind=KIND,
        change=Change(actions=("delete",), before=_shape(row), after=None),
        reason=reason,
        remote_id=row.id,
        origin=None if by_flag else f"{want.span.path}:{want.span.line}",
    )
    return with_request(change)


def _shape(row: Activation) -> dict[str, Any]:
    return {"datamart_id": row.datamart_id, "compartment_id": row.compartment_id, "default": row.default}
