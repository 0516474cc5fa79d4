"""The token out of the platform's words. Enters: text from an answer, and the token that was sent. Leaves: text without it. Pure."""

import base64
import json
import re
from urllib.parse import quote, quote_plus

SHORTEST = 6  # characters; a shorter token protects nothing, and would take words apart


def without_token(text: str, token: str) -> str:
    """The text with each form of the token as `…`: plain, without its prefix, encoded for URLs, JSON or Basic, in any case."""
    for form in _forms(token):
        text = re.sub(re.escape(form), "…", text, flags=re.IGNORECASE)
    return text


def _forms(token: str) -> list[str]:
    bare = token.removeprefix("Bearer ").removeprefix("api:")
    plain = {token, bare, f"api:{bare}"}
    encoded = {f(t) for t in plain for f in (quote, quote_plus, lambda t: quote(t, safe=""), _base64, _json)}
    return sorted((f for f in plain | encoded if len(f) >= SHORTEST), key=len, reverse=True)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode().rstrip("=")


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]
