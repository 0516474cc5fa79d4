"""The token out of the platform's words. Enters: text from an answer, and the token that was sent. Leaves: text without it. Pure."""

import base64
import functools
import json
import re
from urllib.parse import quote, quote_plus

from reconciler.kinds.printable import printable

CERTAIN = 16  # characters from which on what looks like the token is the token
SHORTEST = 6  # characters; a shorter token protects nothing, and would take words apart


def without_token(text: str, token: str) -> str:
    """The text with each form of the token as `…`, in any case, and without control and format characters and line breaks.

    Forms are: plain, without its prefix, encoded for URLs, JSON or Basic.
    """
    for form in _forms(token):
        text = re.sub(re.escape(form), "…", text, flags=re.IGNORECASE)
    return printable(text)


def repeats_token(body: bytes, token: str) -> bool:
    """Whether a body holds a form of the token: its values would then carry it anywhere, as names and ids."""
    forms = _certain(token)
    lowered = body.lower() if forms else b""
    return any(form in lowered for form in forms)


@functools.lru_cache(4)
def _certain(token: str) -> tuple[bytes, ...]:
    return tuple({form.lower().encode() for form in _forms(token) if len(form) >= CERTAIN})


def _forms(token: str) -> list[str]:
    bare = token.removeprefix("Bearer ").removeprefix("api:")
    plain = {token, bare, f"api:{bare}"}
    encoded = {f(t) for t in plain for f in (quote, quote_plus, lambda t: quote(t, safe=""), _base64, _json)}
    return sorted((f for f in plain | encoded if len(f) >= SHORTEST), key=len, reverse=True)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]
