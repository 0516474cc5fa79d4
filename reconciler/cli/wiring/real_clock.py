"""The real clock."""

import datetime
import time

from reconciler.api.presence import Clock

CLOCK = Clock(time.monotonic, time.sleep, time.time)


def created_at() -> str:
    """Now, in UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")  # noqa: TID251 - the one real clock
