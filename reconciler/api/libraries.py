"""httpx and stamina, loaded without what they load for others.

httpx loads its own command line (rich, pygments, click), and stamina the part of tenacity for tornado (asyncio), wherever the other
packages are installed, as several of our extras do. Nothing here calls either, and the two take a tenth of a second of every command.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["httpx", "stamina"]


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """These modules cannot be imported, as if they were not installed; those that are loaded already stay."""
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)


with _without("httpx._main", "tornado"):
    import httpx
    import stamina
