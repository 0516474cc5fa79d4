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
# Bytes a second of one upload that is slow and healthy: 64 of them share a line of 10 Mbit/s. One that takes longer than its bytes
# need at this speed, and the time limit beside it, is not finished.
SLOWEST = 20_000
STEP_S = (
    60.0  # for the connection, through a proxy, too; and beside what its bytes need, for a block of the body
)


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
    """A body that knows how much of it was handed out, and says before each block, and at its end, how long what follows may take."""

    def __init__(self, body: Iterator[bytes], within: Callable[[float], None], answer: float) -> None:
        self._body, self.bytes, self._within, self._answer = body, 0, within, answer

    def __iter__(self) -> Iterator[bytes]:
        for block in self._body:
            self.bytes += len(block)
            self._within(STEP_S + len(block) / SLOWEST)
            yield block
        self._within(self._answer)


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
    left = _Counted(body, connection.deadline.set, timeout)
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
                "POST", path, content=left, headers=sent, extensions={"within": STEP_S}
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
