"""Pages of HTML that need nothing else: no script, no picture, no address. The only user of jinja2 here (extra: html)."""

import functools
from pathlib import Path
from typing import Any

from reconciler.errors import MissingExtra
from reconciler.kinds.counts import many
from reconciler.reports.style import duration, safe, size

_NARROW = 40  # characters
_SHARED = Path(__file__).parent / "templates"


@functools.cache
def template(path: Path) -> Any:
    """A template whose values are escaped.

    Args:
        path: of the file.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("HTML", "html") from None
    loader = jinja2.FileSystemLoader((path.parent, _SHARED))
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    environment.filters.update(names=_names, size=size, duration=duration, many=many)
    return environment.get_template(path.name)


def _shown(value: Any) -> Any:
    """A text without what moves a cursor or turns the direction of writing; what templates have made is no text, but markup."""
    return safe(value) if type(value) is str else value


def _names(text: str) -> Any:
    """A text in which no name is broken at a hyphen; one that is wider than a narrow screen may be."""
    from markupsafe import Markup, escape

    words = safe(text).split(" ")
    kept = Markup('<span class="word">{}</span>')
    return Markup(" ").join(
        kept.format(word) if "-" in word and len(word) <= _NARROW else escape(word) for word in words
    )
