"""What an answer to a GET proves: what was asked for, that it is not there, that it may be asked again, or nothing. Sends nothing."""

from collections.abc import Callable
from typing import Any

from reconciler.api.answers import describe, json_object
from reconciler.api.redaction import repeats_token
from reconciler.api.retrying import Retryable, passes
from reconciler.errors import NotFound, ReadFailed, Unauthorized
from reconciler.kinds import paths
from reconciler.origin import ANY_TOKEN


def wrapper_of(
    path: str,
    status: int,
    content: bytes,
    token: str,
    told: Callable[[int, float, str], None],
    retry_after: float | None = None,
) -> dict[str, Any]:
    """The object of a well-formed success, with `data`.

    Args:
        path: that was asked for.
        status: of the answer.
        content: its body, whole.
        token: that was sent; it is told nowhere.
        told: is told of a further try.
        retry_after: seconds that the platform asks to wait, if it does.

    Raises:
        Unauthorized: 401.
        NotFound: the platform says that there is no such thing.
        Retryable: asked again, the answer may be another one.
        ReadFailed: any other answer.
    """
    shown, parsed = paths.shown(path), json_object(content)
    said = describe(parsed, content, private=paths.about_profiles(path), token=token)
    if status == 401:
        raise Unauthorized(f"GET {shown}: 401 {said}".strip(), help=token_help(token))
    if 200 <= status < 300:
        whole = status == 200  # a part (206), an older answer (203) or a promise of one (202) is none
        if whole and parsed is not None and parsed.get("status", "ok") == "ok" and "data" in parsed:
            if repeats_token(content, token):
                raise ReadFailed(
                    f"GET {shown}: the answer repeats the token, and is not used",
                    help="replace the token, and ask who runs the endpoint",
                )
            return parsed
        words = f"{status}, but not a well-formed success"
        raise Retryable(f"{words}: {said}", words, told)
    words = f"{status} {said}".strip()
    if passes(status):
        raise Retryable(words, str(status), told, retry_after)
    missing = status == 404 or (parsed or {}).get("error") == "Resource Not Found"  # contract 1.6
    raise (NotFound if missing else ReadFailed)(f"GET {shown}: {words}", help=_status_help(status))


def token_help(token: str) -> str:
    """What may be wrong with a token that the platform does not accept; nothing of it is told."""
    if token == ANY_TOKEN:
        return (
            "no token is configured, and the sandbox asks for one: set RECONCILER_TOKEN to the one that it was given; "
            "`reconciler sandbox set --faults none` ends a fault script that lets it expire"
        )
    if token[:1] in ("'", '"'):
        return (
            "the token was not accepted; it begins with a quote, which is sent, too: write it without quotes"
        )
    if not token.startswith(("api:", "Bearer ")):
        return "the token was not accepted: it may have expired; long-lived tokens often start with 'api:', this one does not"
    return "the token was not accepted; it may have expired"


def _status_help(status: int) -> str | None:
    if 300 <= status < 400:
        return "the endpoint redirects; the token is not sent to another address. Correct endpoint:"
    if status in (403, 404):
        return "check organisation_id, the datamart ids, and the permissions of the token"
    return None
