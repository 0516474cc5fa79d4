"""What an answer to a write proves, and what it is about (design 6, "Answers"). Pure.

DONE          a well-formed 2xx
ALTERED       a well-formed 2xx, but the platform stored something else than what was sent
CONTENT       400, 422: it did not happen, and the same request will not either
SITUATION     any other well-formed 4xx: it did not happen; it may once the cause is gone (a right, a size, a path)
UNAUTHORIZED  401: it did not happen, and nothing further may be tried
LATER         425, 429, or a connect error before a byte left: it did not happen, and the same request may be sent again
CONFLICT      409: observe; it is either there already or refused
WITHHELD      we closed the connection before the last block: it did not happen
UNCLEAR       everything else: observe, then decide; never resend blindly

What follows from each is `reconciler.api.write_policy`.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from reconciler.api.redaction import repeats_token, without_token
from reconciler.kinds.counts import many
from reconciler.model.foreign import ForeignText


class Verdict(StrEnum):
    """See the module's table."""

    DONE = "done"
    ALTERED = "altered"
    CONTENT = "content"
    SITUATION = "situation"
    UNAUTHORIZED = "unauthorized"
    LATER = "later"
    CONFLICT = "conflict"
    WITHHELD = "withheld"
    UNCLEAR = "unclear"


# What a gateway answers, in whatever form; and what only a well-formed answer proves.
_BY_STATUS = {401: Verdict.UNAUTHORIZED, 409: Verdict.CONFLICT, 429: Verdict.LATER}
_BY_STATUS_AND_BODY = {400: Verdict.CONTENT, 422: Verdict.CONTENT, 425: Verdict.LATER}
MAX_RETRY_AFTER_S = 60.0
_CODE = re.compile(r"[A-Z]{2,20}(?:_[A-Z]{2,20}){1,5}")
_ERROR_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The verdict, what came back, and words for the report (already free of secrets).

    Attributes:
        data: the wrapper's `data` object of a DONE answer.
        retry_after: seconds the remote asked to wait, if it did.
        lost: why there is no status, in words of ours; empty where there is one.
    """

    verdict: Verdict
    message: str
    data: dict[str, Any] | None = None
    status: int | None = None
    retry_after: float | None = None
    lost: str = ""


def classify(
    status: int,
    body: bytes,
    retry_after: str | None = None,
    *,
    private: bool = False,
    token: str = "",
    all_left: bool = False,
) -> Answer:
    """Classify a complete response to a write.

    Args:
        status: HTTP status.
        body: whole body.
        retry_after: the header's value.
        private: the request carried profile data, so the remote's text may quote it and is withheld.
        token: what was sent with the request; it is taken out of the words.
        all_left: an upload whose last block has left; "try later" no longer proves that nothing happened.
    """
    parsed = json_object(body)
    words = f"{status} {describe(parsed, body, private=private, token=token)}".strip()
    wait = retry_after_s(retry_after)
    if 200 <= status < 300:
        if (
            parsed is not None
            and parsed.get("status", "ok") == "ok"
            and isinstance(data := parsed.get("data"), dict)
            and not repeats_token(body, token)
        ):
            return Answer(Verdict.DONE, words, data, status)
        return Answer(
            Verdict.UNCLEAR,
            f"{status}, but the body is not a well-formed success: {describe(parsed, body, private=private, token=token)}",
            None,
            status,
        )
    verdict = _refusal(status, well_formed=parsed is not None)
    if verdict is Verdict.LATER and all_left:
        verdict = Verdict.UNCLEAR
    return Answer(verdict, words, None, status, wait)


def _refusal(status: int, *, well_formed: bool) -> Verdict:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if not 400 <= status < 500 or status == 408 or not well_formed:
        return Verdict.UNCLEAR
    # A 4xx that nobody foresaw says that nothing happened, and not that the content is at fault: the next apply may try.
    return _BY_STATUS_AND_BODY.get(status, Verdict.SITUATION)


def describe(
    parsed: dict[str, Any] | None, body: bytes, *, private: bool = False, token: str = ""
) -> ForeignText:
    """The platform's error fields in words (contract 1.6), without the token; or what kind of body came instead.

    Args:
        parsed: the body as a JSON object, if it is one.
        body: its bytes.
        private: the request named or carried profile data, which any of them may quote; only what cannot be such is shown.
        token: never shown.
    """
    if parsed is None:
        start = body[:200].lstrip().lower()
        if not body:
            return ForeignText("(empty body)")
        return ForeignText(
            f"({'an HTML page' if start.startswith((b'<!doctype', b'<html')) else 'not JSON'}, {many(len(body), 'byte')})"
        )
    parts = []
    if text := parsed.get("error"):
        shown = "(the platform's words may quote profile data and are not shown)"
        parts.append(shown if private else without_token(str(text), token)[:300])
    code, identity = (str(parsed.get(key) or "") for key in ("error_code", "error_id"))
    if code and (not private or _CODE.fullmatch(code)):
        parts.append(f"[{without_token(code, token)[:80]}]")
    if identity and (not private or _ERROR_ID.fullmatch(identity)):
        parts.append(f"(error_id {without_token(identity, token)[:80]})")
    return ForeignText(" ".join(parts))


def json_object(body: bytes) -> dict[str, Any] | None:
    """A JSON object, also one that only a lenient reader takes; None for anything else."""
    try:
        found = json_value(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def json_value(body: bytes) -> Any:
    """What JSON says, also such as only a lenient reader takes. Half of a surrogate pair, which is no text, becomes U+FFFD.

    Raises:
        ValueError: it is none.
    """
    try:
        return msgspec.json.decode(body)  # takes half the time
    except (ValueError, RecursionError, msgspec.MsgspecError):
        pass
    try:
        return _whole_text(json.loads(body))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _whole_text(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_whole_text(v) for v in value]
        case dict():
            return {_whole_text(k): _whole_text(v) for k, v in value.items()}
        case _:
            return value


def retry_after_s(value: str | None) -> float | None:
    """Seconds of a Retry-After header, at most `MAX_RETRY_AFTER_S`; None for a date, for which backoff does."""
    if value is None or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.strip()):
        return None
    return min(float(value), MAX_RETRY_AFTER_S)
