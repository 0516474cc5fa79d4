"""A declared token that differs from the one that the compartment has: edited, not another compartment (G10). Pure."""

from reconciler.model.desired import DesiredCompartment
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.listing import Listed, Listing
from reconciler.model.remote import Compartment, owned, token_key


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


def _used(
    want: DesiredCompartment, row: Compartment, compartments: Listing[Compartment], organisation_id: str
) -> Compartment | None:
    """Another compartment of the organisation with the declared token, or with one that is nearly the same."""
    if not isinstance(compartments, Listed):
        return None
    found = compartments.by("token_key", token_key(want.token or ""))
    return next((r for r in found if r.id != row.id and owned(r, organisation_id)), None)
