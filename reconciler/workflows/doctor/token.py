"""Which kind of token it is, and until when it holds (contract 1.2). Pure; a token never leaves here, nor a part of one."""

import base64
import binascii
import json

from reconciler.api.connection import check_token
from reconciler.errors import ReconcilerError
from reconciler.model.health import Check, failed, good, warned
from reconciler.reports.style import duration

NAME = "token"
SOON = 7 * 86_400.0  # seconds
_NEW = "make a new one in the web app: Settings, My account, API tokens"


def token_check(token: str, given_by: str, now: float) -> Check:
    """Judge a token by its form alone; whether the platform takes it is another question.

    Args:
        token: as it would be sent.
        given_by: where it is from, in words.
        now: seconds since 1970.
    """
    try:
        check_token(token)
    except ReconcilerError as e:
        return failed(NAME, f"from {given_by}: {e}", e.help or _NEW)
    if token.startswith("api:"):
        words = "long-lived API token; when it ends is shown in the web app only (often 12 to 24 months after it was made)"
        return good(NAME, f"from {given_by}: {words}")
    return _session(token, given_by, now) or warned(
        NAME,
        f"from {given_by}: of an unknown kind, without 'api:' at its beginning",
        "if the platform does not accept it, put 'api:' before it, as the web app shows long-lived tokens",
    )


def _session(token: str, given_by: str, now: float) -> Check | None:
    """A signed session token says until when it holds; None where it is none."""
    ends = expiry(token.removeprefix("Bearer "))
    if ends is None:
        return None
    words = f"from {given_by}: session token"
    if not token.startswith("Bearer "):
        return failed(NAME, f"{words} without 'Bearer ' before it", "put 'Bearer ' before it, with one blank")
    if ends <= now:
        return failed(NAME, f"{words}, expired {duration(now - ends)} ago", _NEW)
    told = f"{words}, expires in {duration(ends - now)}"
    if ends - now < SOON:
        return warned(NAME, told, f"for pipelines use a long-lived token; {_NEW}")
    return good(NAME, told)


def expiry(text: str) -> float | None:
    """When a JSON web token ends, in seconds since 1970; None where it is no such token, or does not say."""
    parts = text.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        ends = claims.get("exp") if isinstance(claims, dict) else None
    except (ValueError, binascii.Error, RecursionError):
        return None
    return (
        float(ends) if isinstance(ends, int | float) and not isinstance(ends, bool) and ends < 1e11 else None
    )
