"""Typographic quotes around a text, as programs for texts make them: to YAML they are letters of it. Pure."""

from collections.abc import Iterator
from typing import Any

from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.spec.documents import Document
from reconciler.spec.yaml_advice import QUOTES_ADVICE, TYPOGRAPHIC

_SINGLE = frozenset("\u2018\u2019\u201a\u201b\u2039\u203a")  # one alone is an apostrophe


def quoted(value: object) -> bool:
    """Whether somebody meant its first letter, or its last, as a quote."""
    if not isinstance(value, str):
        return False
    return enclosed(value) or any(TYPOGRAPHIC.match(c) for c in (value[:1], value[-1:]))


def enclosed(text: str) -> bool:
    """Whether its first letter and its last one are typographic quotes."""
    ends = text[:1], text[-1:]
    return len(text) > 1 and all(c in _SINGLE or TYPOGRAPHIC.match(c) for c in ends)


def quotes(document: Document) -> Iterator[Diagnostic]:
    """Texts and keys that the schema takes, quotes and all."""
    for path, is_key in _enclosed(document.data, ()):
        what = f"a key in {'.'.join(map(str, path[:-1]))}" if is_key else ".".join(map(str, path))
        yield warning(
            "typographic-quotes",
            f"{what} begins and ends with typographic quotes, which are part of it",
            (document.key_span if is_key else document.span)(*path),
            help=QUOTES_ADVICE,
        )


def _enclosed(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], bool]]:
    """Where they are, and whether it is a key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(key, str) and enclosed(key):
                yield (*path, key), True
            yield from _enclosed(inner, (*path, key))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _enclosed(inner, (*path, i))
    elif isinstance(value, str) and enclosed(value):
        yield path, False
