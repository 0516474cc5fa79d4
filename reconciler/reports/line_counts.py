"""What became of the lines of a load, as one line of text. Pure."""

from collections.abc import Mapping


def fates(counts: Mapping[str, int]) -> str:
    """Every line read is in one of these sets; some are named only where there are any."""
    unknown = counts.get("unknown", 0)
    return (
        f"{counts.get('succeeded', 0):,} succeeded + {counts.get('failed', 0):,} failed"
        + (f" + {unknown:,} sent, result unknown" if unknown else "")
        + f" + {counts.get('not_processed', 0):,} not processed"
        + (f" + {counts['unchanged']:,} unchanged" if counts.get("unchanged") else "")
    )
