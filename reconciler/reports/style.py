"""How text looks on a terminal: colours as functions, and its width, so that renderers stay pure."""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.kinds.printable import printable


def _plain(text: str) -> str:
    return text


def _sgr(code: str) -> Callable[[str], str]:
    return lambda text: f"\x1b[{code}m{text}\x1b[0m" if text else text


@dataclass(frozen=True, slots=True)
class Style:
    """How to mark text, and how wide its lines are; the default marks nothing."""

    bold: Callable[[str], str] = _plain
    dim: Callable[[str], str] = _plain
    red: Callable[[str], str] = _plain
    green: Callable[[str], str] = _plain
    yellow: Callable[[str], str] = _plain
    width: int = 80  # of lines that are wrapped; less on a terminal that is narrower


PLAIN = Style()
COLOUR = Style(_sgr("1"), _sgr("2"), _sgr("31"), _sgr("32"), _sgr("33"))


def safe(text: str) -> str:
    """Without control characters: text of the remote cannot move the cursor or start a new line."""
    return printable(text)


def size(n: int) -> str:
    """Bytes in decimal units, as limits are written."""
    if n < 1000:
        return f"{n} B"
    for unit, factor in (("kB", 1e3), ("MB", 1e6)):
        if n < factor * 1000:
            return f"{n / factor:.1f} {unit}"
    return f"{n / 1e9:.1f} GB"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"
