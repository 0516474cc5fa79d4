"""What an answer to a write proves (design 6, "Answers"). Pure.

DONE          a well-formed 2xx
REFUSED       a well-formed 4xx other than 401, 408, 409 and 429: it did not happen
NOT_SENT      connect error before a byte left, or 429: it did not happen, and may be tried again
UNAUTHORIZED  401: it did not happen, and nothing further may be tried
CONFLICT      409: observe; it is either there already or refused
WITHHELD      we closed the connection before the last block: it did not happen
UNCLEAR       everything else: observe, then decide; never resend blindly
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class Verdict(StrEnum):
    """See the module's table."""

    DONE = "done"
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    UNAUTHORIZED = "unauthorized"
    CONFLICT = "conflict"
    WITHHELD = "withheld"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, what came back, and words for the report (already free of secrets).

    Attributes:
        data: the wrapper's `data` object of a DONE answer.
        retry_after: seconds the remote asked to wait, if it did.
    """

    verdict: Verdict
    message: str
    data: dict[str, Any] | None = None
    status: int | None = None
    retry_after: float | None = None


def classify(status: int, body: bytes, retry_after: str | None = None, *, private: bool = False) -> Answer:
    """Classify a complete response to a write.

    Args:
        status: HTTP status.
        body: whole body.
        retry_after: the header's value.
        private: the request carried profile data, so the remote's text may quote it and is masked.
    """
    parsed = json_object(body)
    words = f"{status} {describe(parsed, body, private=private)}".strip()
    wait = _seconds(retry_after)
    if 200 <= status < 300:
        if (
            parsed is not None
            and parsed.get("status", "ok") == "ok"
            and isinstance(data := parsed.get("data"), dict)
        ):
            return Answer(Verdict.DONE, words, data, status)
        return Answer(
            Verdict.UNCLEAR,
            f"{status}, but the body is not a well-formed success: {describe(parsed, body)}",
            None,
            status,
        )
    if status == 429:
        return Answer(Verdict.NOT_SENT, words, None, status, wait)
    if status == 401:
        return Answer(Verdict.UNAUTHORIZED, words, None, status)
    if status == 409:
        return Answer(Verdict.CONFLICT, words, None, status)
    if 400 <= status < 500 and status != 408 and parsed is not None:
        return Answer(Verdict.REFUSED, words, None, status)
    return Answer(Verdict.UNCLEAR, words, None, status, wait)


def describe(parsed: dict[str, Any] | None, body: bytes, *, private: bool = False) -> str:
    """The platform's error fields in words (contract 1.6), or what kind of body came instead."""
    if parsed is None:
        start = body[:200].lstrip().lower()
        if not body:
            return "(empty body)"
        return f"({'an HTML page' if start.startswith((b'<!doctype', b'<html')) else 'not JSON'}, {len(body):,} bytes)"
    parts = []
    if text := parsed.get("error"):
        parts.append(mask(str(text)) if private else str(text)[:300])
    if code := parsed.get("error_code"):
        parts.append(f"[{str(code)[:80]}]")
    if identity := parsed.get("error_id"):
        parts.append(f"(error_id {str(identity)[:80]})")
    return " ".join(parts)


def mask(text: str) -> str:
    """Blank out what may be a profile value: quoted text, JSON, e-mail addresses, long tokens (G9)."""
    text = re.sub(r"\{.*\}", "{…}", text, flags=re.DOTALL)
    text = re.sub(r"'[^']*'|\"[^\"]*\"|«[^»]*»|`[^`]*`", "'…'", text)
    text = re.sub(r"\S+@\S+", "…@…", text)
    text = re.sub(r"\b[0-9A-Za-z_-]{24,}\b", "…", text)
    return text[:300]


def json_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, also one that only a lenient reader takes; None for anything else."""
    for decode in (msgspec.json.decode, json.loads):  # the first takes half the time
        try:
            found = decode(body)
        except (ValueError, RecursionError, msgspec.MsgspecError):
            continue
        return found if isinstance(found, dict) else None
    return None


def _seconds(value: str | None) -> float | None:
    # The HTTP-date form is rare; without a number the caller's own backoff applies.
    return (
        min(float(value), 60.0)
        if value is not None and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value.strip())
        else None
    )
