"""A declared token that differs from the one that the compartment has: edited, not another compartment (G10). Pure."""

from collections.abc import Collection, Iterator, Mapping

from reconciler.model.desired import Desired, DesiredCompartment
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.listing import Listed, Listing
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Compartment, Observed, owned, token_key


def former(
    want: DesiredCompartment, listing: Listed[Compartment], organisation_id: str, last_id: str | None
) -> Compartment | None:
    """The compartment that the address was at the last apply, where it has another token than the declared one.

    Args:
        want: the declared compartment; a pinned one is found by its pin.
        listing: the organisation's compartments.
        organisation_id: the organisation of the workspace.
        last_id: remote id at the last apply; None if no ledger knows it.
    """
    if last_id is None or want.id is not None or want.token is None:
        return None
    rows = (r for r in listing.by("id", last_id) if owned(r, organisation_id))
    return next((r for r in rows if r.token != want.token and not r.archived), None)


def token_change(
    want: DesiredCompartment, row: Compartment, compartments: Listing[Compartment], organisation_id: str
) -> Diagnostic:
    """What is said of a change of an existing compartment's token; an error where it is not made.

    Args:
        want: the declared compartment.
        row: what it is on the platform.
        compartments: all of them.
        organisation_id: the organisation of the workspace.
    """
    words = f"the compartment {row.id} has the token '{row.token}'; the spec declares '{want.token}'"
    if not owned(row, organisation_id):
        words += "; it belongs to another organisation"
        advice = "write the token that the platform has"
    elif (used := _used(want, row, compartments, organisation_id)) is not None:
        words += f", which the compartment {used.id} uses (as '{used.token}')"
        advice = "write another token, or declare that compartment in a document with another metadata.name"
    elif want.allow_token_change:
        words = (
            f"the token of the compartment {row.id} changes from '{row.token}' to '{want.token}': "
            f"site tags that use '{row.token}' stop collecting until they are updated"
        )
        advice = "remove allow_token_change once the change is applied"
        return warning("token-change-allowed", words, want.span, help=advice, address=want.address)
    else:
        advice = (
            "keep the platform's token; or set allow_token_change: true, then site tags that use the old token stop "
            "collecting until they are updated; for a second compartment, add a document with another metadata.name"
        )
    return error("token-change", words, want.span, help=advice, address=want.address)


def same_names(
    desired: Desired,
    observed: Observed,
    changes: Collection[ResourceChange],
    known: Mapping[str, str],
    organisation_id: str,
) -> Iterator[Diagnostic]:
    """Compartments to be created under the name of one that no spec declares: perhaps its token was edited, and no ledger knows.

    Args:
        desired: what the specs declare.
        observed: listings of the platform.
        changes: planned so far.
        known: remote ids at the last apply, by address.
        organisation_id: the organisation of the workspace.
    """
    created = [c for c in changes if c.kind == "Compartment" and c.change.actions == ("create",)]
    if not created or not isinstance(observed.compartments, Listed):
        return
    tokens = {c.token for c in desired.compartments.values()}
    pins = {c.id for c in desired.compartments.values()}
    by_name = {
        r.name: r
        for r in observed.compartments.rows
        if owned(r, organisation_id) and not r.archived and r.token not in tokens and r.id not in pins
    }
    for change in created:
        row = by_name.get((change.change.after or {}).get("name"))
        want = desired.compartments[change.address]
        if row is None or row.name is None or change.address in known:
            continue
        yield warning(
            "unmanaged-same-name",
            f"the compartment {row.id} ('{row.token}') has the same name, and no spec declares it; "
            f"this plan creates another one with the token '{want.token}'",
            want.span,
            help=f"if it is the same compartment, write its token: '{row.token}'",
            address=change.address,
        )


def _used(
    want: DesiredCompartment, row: Compartment, compartments: Listing[Compartment], organisation_id: str
) -> Compartment | None:
    """Another compartment of the organisation with the declared token, or with one that is nearly the same."""
    if not isinstance(compartments, Listed):
        return None
    found = compartments.by("token_key", token_key(want.token or ""))
    return next((r for r in found if r.id != row.id and owned(r, organisation_id)), None)
