"""The one call that carries profile data: a streamed POST of NDJSON (contract 6.1, raw form)."""

from collections.abc import Iterator

import httpx

from reconciler.api.answers import Answer, Verdict, classify
from reconciler.api.client import headers, is_loopback

CONTENT_TYPE = "application/x-ndjson"


def stream(endpoint: str, path: str, token: str, body: Iterator[bytes], size: int, timeout: float) -> Answer:
    """Send `body`, `size` bytes long, once.

    An exception raised by `body` closes the connection with the body incomplete, and is passed on.

    Args:
        endpoint: base URL.
        path: of the executions.
        token: sent byte for byte.
        body: blocks; a new iterator for every call.
        size: Content-Length.
        timeout: seconds the remote may take to answer once all is sent.
    """
    sent = {**headers(token), "Content-Type": CONTENT_TYPE, "Content-Length": str(size)}
    limits = httpx.Timeout(30.0, write=60.0, read=timeout)
    try:
        with httpx.Client(
            base_url=endpoint, timeout=limits, follow_redirects=False, trust_env=not is_loopback(endpoint)
        ) as client:
            response = client.post(path, content=body, headers=sent)
    except (httpx.ConnectError, httpx.ConnectTimeout) as e:
        return Answer(Verdict.NOT_SENT, f"cannot connect to {endpoint}: {str(e)[:200]}")
    except httpx.HTTPError as e:
        return Answer(Verdict.UNCLEAR, f"the upload got no complete answer: {type(e).__name__}")
    answer = classify(
        response.status_code, response.content, response.headers.get("Retry-After"), private=True
    )
    return Answer(
        answer.verdict,
        f"the upload was answered {answer.message}",
        answer.data,
        answer.status,
        answer.retry_after,
    )
