"""Guards that somebody allowed to be crossed: which, where, by whom and why. Pure."""

from collections.abc import Sequence

from reconciler.model.plan import Override
from reconciler.reports.style import safe


def sentences(overrides: Sequence[Override]) -> list[str]:
    """One for each."""
    return [f"{o.guard} for {safe(o.scope)}, allowed by {safe(o.who)}: {safe(o.why)}" for o in overrides]
