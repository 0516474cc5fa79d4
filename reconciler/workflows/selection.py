"""What flags select of a plan: each that selects must select something, else the command ends and names what there is."""

from collections.abc import Collection

from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.counts import few
from reconciler.kinds.nearest import nearest_or_known
from reconciler.kinds.selectors import nothing, one_each, require_form, selects
from reconciler.model.address import Address
from reconciler.model.asked import Overrides, Scope
from reconciler.model.desired import Desired
from reconciler.model.plan import LoadChange
from reconciler.workflows.check import Checked


def require_selected(
    desired: Desired,
    checked: Checked,
    scope: Scope,
    overrides: Collection[str],
    prune: Collection[str] = frozenset(),
) -> None:
    """Each flag that selects must select something.

    Args:
        desired: what the specs declare.
        checked: the workspace, for labels.
        scope: flags that narrow the plan.
        overrides: addresses of loads that flags name.
        prune: scopes of `--prune`; what they reach may be selected, too, though no spec declares it.

    Raises:
        UsageError: one has not the form of an address.
        ReconcilerError: one selects nothing.
    """
    if not (scope.targets or scope.labels or overrides):
        return
    known = sorted({*desired.compartments, *desired.activations, *desired.removals, *desired.loads})
    reached = _reached(desired, prune) if scope.targets else []
    chosen = {a for a in (*known, *reached) if _planned(scope, checked, Address.parse(a))}
    for target in sorted(scope.targets):
        require_form("--target", target, known)
        found = [address for address in (*known, *reached) if selects({target}, address)]
        if not found:
            raise nothing(f"--target: no spec declares {target}", target, known)
        if chosen.isdisjoint(found):
            raise ReconcilerError(f"--target {target}: the other flags exclude it", help="give fewer flags")
    for address in sorted(overrides):
        if address not in desired.loads:
            if placed := [x for x in sorted(desired.loads) if x.partition("@")[0] == address]:
                words = f"{address} is named by a flag of one load, which needs its datamart"
                raise ReconcilerError(words, help=f"known: {few(placed, 8)}")
            raise ReconcilerError(
                f"no spec declares the load {address}", help=nearest_or_known(address, sorted(desired.loads))
            )
        if address not in chosen:
            raise ReconcilerError(
                f"{address} is named by a flag, but the other flags exclude it", help="give fewer flags"
            )
    if scope.labels and not chosen:
        words = " ".join(f"-l {k}={v}" for k, v in scope.labels)
        raise ReconcilerError(f"{words}: no spec has these labels together", help="give fewer flags")


def _reached(desired: Desired, prune: Collection[str]) -> list[str]:
    """Activations of compartments that say where they are active, on the datamarts that `--prune` looks at."""
    names = [n for n in sorted(desired.datamarts) if not {"Activation", f"Activation@{n}"}.isdisjoint(prune)]
    return [f"Activation/{key}@{name}" for key in sorted(desired.managed) for name in names]


def _planned(scope: Scope, checked: Checked, address: Address) -> bool:
    """True if the flags leave it in the plan."""
    if scope.only is not None and (address.kind == "ProfileSource") != (scope.only == "loads"):
        return False
    return in_scope(scope, checked, address)


def require_there(change: LoadChange, overrides: Overrides) -> None:
    """A flag about a load that is not there, or about one of its chunks.

    Raises:
        ReconcilerError: there is none.
    """
    known = change.generation is not None and not change.unread
    if beyond := [i for i in sorted(overrides.resend) if known and not 1 <= i <= change.chunks]:
        raise ReconcilerError(
            f"--resend {change.address}#{beyond[0]}: the load has no such chunk",
            help=f"its chunks are {change.address}#1 to #{change.chunks}" if change.chunks else None,
        )
    if overrides.supersede and change.generation == 1:
        raise ReconcilerError(f"--supersede {change.address}: it has no earlier load", help="remove the flag")


def pruned(desired: Desired, prune: frozenset[str]) -> set[str]:
    """Ids of the datamarts that are looked at for what nobody declares.

    Raises:
        UsageError: a scope has not the form of one.
        ReconcilerError: one names a datamart that is not there.
    """
    scopes = {f"Activation@{name}": identity for name, (identity, _) in desired.datamarts.items()}
    if unknown := sorted(prune - scopes.keys() - {"Activation"}):
        if "," in unknown[0]:
            raise one_each("--prune", unknown[0], unknown[0].split(","))
        advice = nearest_or_known(unknown[0], ["Activation", *sorted(scopes)])
        if not unknown[0].startswith("Activation@"):
            raise UsageError(f"--prune {unknown[0]}: not a scope", help=advice)
        raise ReconcilerError(f"--prune {unknown[0]}: no spec declares this datamart", help=advice)
    return {i for scope, i in scopes.items() if "Activation" in prune or scope in prune}


def in_scope(scope: Scope, checked: Checked, address: Address) -> bool:
    """True if the flags that name datamarts, addresses or labels leave it in the plan."""
    if scope.targets and not selects(scope.targets, str(address)):
        return False
    # A compartment belongs to the organisation: it is planned with whichever datamart is in scope.
    if (
        scope.datamarts is not None
        and address.datamart not in scope.datamarts
        and address.kind != "Compartment"
    ):
        return False
    kind = "Compartment" if address.kind == "Activation" else address.kind
    labels = checked.labels.get((kind, address.name), {})
    return all(labels.get(k) == v for k, v in scope.labels)
