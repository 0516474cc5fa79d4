"""What became of the lines of a load, as text. Pure."""

from collections.abc import Mapping

HIDDEN_WORDS = (
    "(…: words of the platform that may be values of a profile; the error file on the platform has them)"
)


def shares(counts: Mapping[str, int]) -> str:
    """Which of the lines read are to be sent; of a load that is compared with another one, which did not change, and who left."""
    unchanged, gone = counts.get("unchanged", 0), counts.get("gone", 0)
    read, rejected = counts.get("read", 0), counts.get("rejected", 0)
    return (
        f"{read:,} read = {read - rejected - unchanged:,} to send"
        + (f" + {unchanged:,} unchanged" if unchanged else "")
        + f" + {rejected:,} rejected"
        + (f"\n    {gone:,} no longer in the source: to delete" if gone else "")
    )


def not_processed(counts: Mapping[str, int]) -> int:
    """Lines to send of which nothing became anything; the rejected ones, which the platform never had, are told by themselves."""
    return max(0, counts.get("not_processed", 0) - counts.get("rejected", 0))


def fates(counts: Mapping[str, int]) -> str:
    """Every line to send is in one of these sets; some are named only where there are any."""
    unknown = counts.get("unknown", 0)
    return (
        f"{counts.get('succeeded', 0):,} succeeded + {counts.get('failed', 0):,} failed"
        + (f" + {unknown:,} sent, result unknown" if unknown else "")
        + f" + {not_processed(counts):,} not processed"
    )
