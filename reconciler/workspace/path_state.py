"""One look at the disk: where does a path lead?"""

import os
from pathlib import Path


def look(root: Path, path: str) -> str | None:
    """Where a path below the root really leads, links followed; None if there is nothing."""
    real = os.path.realpath(root / path)
    return real if os.path.exists(real) else None  # noqa: PTH110
