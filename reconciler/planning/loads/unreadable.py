"""A source that cannot be read, as a finding at the part of the spec that says why. Pure."""

from reconciler.errors import LedgerFailed, MissingExtra, ReconcilerError, WrongColumn
from reconciler.model.address import Span
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, error


def unreadable(load: DesiredLoad, why: ReconcilerError) -> Diagnostic:
    """The finding.

    Args:
        load: whose source it is.
        why: it cannot be read.
    """
    return error("source-unreadable", str(why), _place(load, why), address=str(load.address), help=why.help)


def _place(load: DesiredLoad, why: ReconcilerError) -> Span | None:
    if isinstance(why, LedgerFailed):
        return None  # no spec is to blame
    if load.places is not None and isinstance(why, WrongColumn):
        return load.places.of_column(why.column, why.field) or load.label_span
    if load.places is not None and isinstance(why, MissingExtra) and why.extra == "delta":
        return load.places.of_field("gone")
    return load.label_span
