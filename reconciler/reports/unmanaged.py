"""What exists and no spec declares, in one line or one by one. Pure."""

from collections.abc import Iterator, Sequence

from reconciler.kinds.counts import many
from reconciler.model.plan import Unmanaged
from reconciler.reports.style import safe


def sentence(found: Sequence[Unmanaged]) -> str | None:
    """How much is unmanaged; None where nothing is."""
    open_ = [u for u in found if u.ignored is None]
    count = {kind: sum(u.kind == kind for u in open_) for kind in ("Compartment", "Activation")}
    parts = [many(n, kind.lower()) for kind, n in count.items() if n]
    ignored = len(found) - len(open_)
    if not parts:
        return f"{many(ignored, 'unmanaged object')} ignored, as reconciler.yaml says." if ignored else None
    also = f"; {ignored:,} more ignored" if ignored else ""
    verb = "is" if len(open_) == 1 else "are"
    return f"{', '.join(parts)} {verb} unmanaged{also}."


def rows(found: Sequence[Unmanaged]) -> Iterator[str]:
    """One line for each, compartments with their activations."""
    for compartment_id in dict.fromkeys(u.compartment_id for u in found):
        mine = [u for u in found if u.compartment_id == compartment_id]
        datamarts = [u.datamart for u in mine if u.datamart is not None]
        declared = not any(u.kind == "Compartment" for u in mine)
        token = f" {mine[0].token!r}" if mine[0].token else ""  # of another organisation it is not known
        name = f" ({mine[0].name!r})" if mine[0].name else ""
        where = f", active on {', '.join(datamarts)}" if datamarts else ""
        what = "activations of compartment" if declared else "compartment"
        if declared and not mine[0].token:
            what = "activations of a compartment that is not the organisation's:"
        why = f"; ignored: {mine[0].ignored}" if mine[0].ignored else ""
        yield safe(f"{what} {compartment_id}{token}{name}{where}{why}")
