"""Sent indexes as text. Pure."""

from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.sent import KeptIndex


def render(found: Sequence[tuple[str, Sequence[KeptIndex]]], *, dropped: bool) -> str:
    """A line for each index of each load.

    Args:
        found: addresses, with their indexes.
        dropped: they were removed.
    """
    lines = []
    for address, kept in found:
        lines.append(address)
        lines += [f"  {_told(one)}{'; removed' if dropped else ''}" for one in kept]
        lines += [] if kept else ["  no index: the next load with new content sends all rows"]
    return "\n".join(lines)


def _told(one: KeptIndex) -> str:
    if one.trouble:
        return f"load {one.generation}: {one.trouble}"
    unknown = f", {one.unknown:,} of them to be sent again" if one.unknown else ""
    deltas = f", {many(one.since_full, 'delta')} since the last load of all rows" if one.since_full else ""
    names = "\n    whom they are about is kept, enciphered; that file is whole" if one.identities else ""
    return f"load {one.generation}: {many(one.rows, 'identity')}{unknown}{deltas}{names}"
