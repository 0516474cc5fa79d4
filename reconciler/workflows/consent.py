"""Consent (contract 4.4): where processing activities hang on an activation, the platform may drop profiles without a word."""

from collections.abc import Iterable
from functools import cache, partial

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.kinds.counts import few
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.listing import Listed, Listing
from reconciler.model.remote import Activation


class Consents:
    """What hangs on each activation, asked once in a plan, however many loads use it."""

    def __init__(self, reader: Reader) -> None:
        self.of = cache(partial(resources.processings, reader))


def consent_findings(
    load: DesiredLoad, compartments: Iterable[str], activations: Listing[Activation], consents: Consents
) -> list[Diagnostic]:
    """A warning for each activation that a load uses and that has processing activities.

    Args:
        load: the load.
        compartments: remote ids that its lines name.
        activations: of its datamart.
        consents: asks; where the platform does not answer, nothing is said.
    """
    wanted = set(compartments)
    rows = activations.rows if isinstance(activations, Listed) else ()
    findings = []
    for row in rows:
        if row.compartment_id not in wanted:
            continue
        found = consents.of(load.datamart_id, row.id)
        if isinstance(found, Listed) and found.rows:
            findings.append(
                warning(
                    "consent-drops",
                    f"compartment {row.compartment_id} on {load.datamart} has processing activities ({few(found.rows, 3)}): "
                    "profiles of users who did not consent are dropped by the platform, and may not count as failed",
                    load.span,
                    address=str(load.address),
                    help="compare the counts after the run, or check a sample with verify:",
                )
            )
    return findings
