"""Sent indexes as JSON. Pure."""

from collections.abc import Sequence

import msgspec

from reconciler.model.sent import KeptIndex


def render(found: Sequence[tuple[str, Sequence[KeptIndex]]]) -> str:
    """A list of loads, each with its indexes."""
    shown = [{"address": address, "indexes": list(kept)} for address, kept in found]
    return msgspec.json.format(msgspec.json.encode(shown), indent=2).decode()
