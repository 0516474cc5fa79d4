"""The one call that carries profile data: a streamed POST of NDJSON (contract 6.1, raw form)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from reconciler.api.answers import Answer, Verdict, classify
from reconciler.api.connection import headers, no_answer
from reconciler.api.libraries import httpx
from reconciler.api.receiving import TooLarge
from reconciler.api.receiving import body as body_of
from reconciler.api.transport import transport
from reconciler.origin import Origin

CONTENT_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Form:
    """What stands around the lines in a request body, and the Content-Type that says so.

    Raw by default (contract 6.1); `multipart` is the web app's form, the only one that carries a file name.
    """

    content_type: str = CONTENT_TYPE
    before: bytes = b""
    after: bytes = b""


def multipart(file_name: str, boundary: str) -> Form:
    """A part `file` with its own content type, and a part `type` that repeats it (contract 6.1)."""
    before = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="type"\r\n\r\n{CONTENT_TYPE}\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n'
        f"Content-Type: {CONTENT_TYPE}\r\n\r\n"
    )
    return Form(
        f"multipart/form-data; boundary={boundary}", before.encode(), f"\r\n--{boundary}--\r\n".encode()
    )


class _Counted:
    """A body that knows how much of it was handed out, and says when that was all."""

    def __init__(self, body: Iterator[bytes], ended: Callable[[], None]) -> None:
        self._body, self.bytes, self._ended = body, 0, ended

    def __iter__(self) -> Iterator[bytes]:
        for block in self._body:
            self.bytes += len(block)
            yield block
        self._ended()


def stream(
    origin: Origin, path: str, token: str, body: Iterator[bytes], size: int, content_type: str, timeout: float
) -> Answer:
    """Send `body`, `size` bytes long, once.

    An exception raised by `body` closes the connection with the body incomplete, and is passed on.

    Args:
        origin: of the platform.
        path: of the executions.
        token: sent byte for byte.
        body: blocks; a new iterator for every call.
        size: Content-Length.
        content_type: of the body.
        timeout: seconds the remote may take to answer in all, once all is sent.

    Raises:
        ReconcilerError: see `transport`; nothing was sent.
    """
    sent = {**headers(token), "Content-Type": content_type, "Content-Length": str(size)}
    connection = transport(origin)
    left = _Counted(body, lambda: connection.deadline.set(timeout))
    limits = httpx.Timeout(30.0, write=60.0, read=timeout)
    try:
        with httpx.Client(
            base_url=origin.url,
            timeout=limits,
            follow_redirects=False,
            trust_env=False,
            transport=connection,
        ) as client:
            request = client.build_request(
                "POST", path, content=left, headers=sent, extensions={"within": None}
            )
            response = client.send(request, stream=True)
            content = body_of(response)
    except httpx.HTTPError as e:
        return no_answer(origin, "the upload got no complete answer", e)
    except TooLarge as e:
        return Answer(Verdict.UNCLEAR, f"the upload: {e}")
    answer = classify(
        response.status_code,
        content,
        response.headers.get("Retry-After"),
        private=True,
        token=token,
        all_left=left.bytes >= size,
    )
    return replace(answer, message=f"the upload was answered {answer.message}")
