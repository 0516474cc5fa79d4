"""Commands that are sent as they are, and have a key twice within their profiles: readers of JSON differ about which value counts. Pure.

To look at every command would take as long as all else together. So in each segment a fixed number of commands is looked at, evenly spread: what
a program writes into all of its commands is found at once, what is in a few of many may not be.
"""

from collections.abc import Sequence

from reconciler.bulk.records import exact_json
from reconciler.bulk.records.lines import BadLine

LOOKS, SMALL = (
    128,
    1 << 16,
)  # commands of a segment that are looked at; bytes of a segment in which each one is


def repeated(data: bytes, places: Sequence[int]) -> list[int]:
    """Where those commands stand that were looked at and have a key twice, with two values.

    Args:
        data: commands that may be sent, a line each.
        places: for each, the line of the segment that it begins on.
    """
    step, found, at = 1 if len(data) <= SMALL else len(data) // LOOKS, list[int](), 0
    while at < len(data):
        end = data.find(b"\n", at)
        try:
            exact_json.refuse_repeated_keys(data[at:end])
        except BadLine:
            found.append(places[data.count(b"\n", 0, at)])
        at = data.find(b"\n", max(end, min(at + step, len(data)) - 1)) + 1
    return found
