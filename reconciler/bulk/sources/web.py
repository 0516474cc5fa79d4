"""A file of a web server in one GET, for servers that promise nothing about a second one (no validator, no length, no ranges).

What arrives is whole or an error: as long as announced; or ended by the transfer itself; or, where a server says neither and
just closes, the same twice. A page of HTML is no file of data, whatever the status.
"""

import hashlib
import http.client
import io
import re
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from typing import IO, Any
from urllib.parse import quote, unquote

from reconciler.api.proxy import proxy, went_through
from reconciler.bulk.sources.web_watch import Watch
from reconciler.errors import ReconcilerError
from reconciler.origin import Origin
from reconciler.whole import whole

TIMEOUT = 60.0  # seconds of one read of the connection
OPENING_S = 120.0  # until the body begins: names, connections, redirects, headers
SLOWEST = (
    20_000  # bytes a second: all reads of a body may take as long as its bytes need so, and `TIMEOUT` more
)
BLOCK = 1 << 20
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")  # by http.client, of what a proxy answers
_PAGES = (b"<!doctype html", b"<html")


def open_url(url: str) -> IO[bytes]:
    """The bytes of a file.

    Raises:
        ReconcilerError: the server does not give it.
    """
    body = _Body(url)
    if not body.ends_by_closing:
        return _data(url, io.BufferedReader(body, BLOCK))
    with ExitStack() as unusable:  # closes a copy that is not whole
        copy = unusable.enter_context(tempfile.TemporaryFile())
        if _copied(body, copy) != _copied(_Body(url), None):
            raise _unreadable(url, "the server does not say how long the file is, and two answers differ")
        unusable.pop_all()
    copy.seek(0)
    return _data(url, copy)


def refuse_page(url: str, start: bytes) -> None:
    """A page of HTML where a file should be.

    Raises:
        ReconcilerError: it is one.
    """
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(_PAGES):
        raise _unreadable(
            url, "the server answered with a page of HTML, such as one that asks to sign in, not with a file"
        )


def _data(url: str, file: Any) -> IO[bytes]:
    start = file.peek(512) if isinstance(file, io.BufferedReader) else file.read(512)
    if not isinstance(file, io.BufferedReader):
        file.seek(0)
    refuse_page(url, start[:512])
    return file  # type: ignore[no-any-return]


def _copied(body: "_Body", into: Any) -> bytes:
    digest = hashlib.sha256()
    with body:
        while block := body.read(BLOCK):
            digest.update(block)
            if into is not None:
                into.write(block)
    return digest.digest()


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("redirected from https to http")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Body(io.RawIOBase):
    """The body of one answer, which must be as long as announced."""

    def __init__(self, url: str) -> None:
        self.url = url
        scheme, _, rest = url.partition("://")
        place, _, path = rest.partition("/")
        address = f"{scheme}://{place}/{quote(unquote(path))}"
        headers = {"Accept-Encoding": "identity", "User-Agent": "reconciler"}
        request = urllib.request.Request(address, headers=headers)  # noqa: S310 - the scheme is checked by the spec
        self._watch = Watch()
        opener = urllib.request.build_opener(
            _NoDowngrade, _proxies(f"{scheme}://{place}"), self._watch.handler()
        )
        try:
            with self._watch.within(OPENING_S):
                self._answer = opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as e:
            e.close()
            raise _unreadable(url, f"the server answered {e.code}") from None
        except (OSError, http.client.HTTPException, ValueError) as e:
            raise _unreadable(url, _words(e) + _through(f"{scheme}://{place}")) from None
        length = self._answer.headers.get("Content-Length")
        self._left = None if length is None else whole(length)
        self.ends_by_closing = self._left is None and not self._answer.chunked
        self._waited, self._came = 0.0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        if self._left == 0:
            return 0
        size = len(into) if self._left is None else min(len(into), self._left)
        begun = time.monotonic()
        try:
            with self._watch.within(TIMEOUT + self._came / SLOWEST - self._waited):
                data = self._answer.read1(size)  # what has come: a read of all waits for each byte of it
        except (OSError, http.client.HTTPException) as e:
            raise _unreadable(self.url, _words(e)) from None
        self._waited += time.monotonic() - begun
        self._came += len(data)
        if self._left is not None:
            self._left -= len(data)
            if not data and self._left > 0:
                raise _unreadable(self.url, "the answer was interrupted")
        into[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._watch.end()
            self._answer.close()
        super().close()


def _proxies(server: str) -> urllib.request.ProxyHandler:
    """The proxy that requests to the platform would go through, too; more variables count than `urllib` knows."""
    origin = Origin.parse(server)
    found = proxy(origin)
    return urllib.request.ProxyHandler({origin.scheme: found.url} if found else {})


def _through(server: str) -> str:
    found = went_through(Origin.parse(server))
    return f" (through {found})" if found else ""


def _words(e: Exception) -> str:
    """Without what the server said: it may quote anything."""
    tunnel = _TUNNEL.match(str(getattr(e, "reason", e)))
    if tunnel:
        return f"the proxy answered {tunnel[1]}"
    if isinstance(e, TimeoutError) or isinstance(getattr(e, "reason", None), TimeoutError):
        return "the server sends too slowly, or nothing"
    if isinstance(e, http.client.IncompleteRead):
        return "the answer was interrupted"
    reason = getattr(e, "reason", e)
    if isinstance(reason, str):
        return reason if reason == "redirected from https to http" else type(e).__name__
    return getattr(reason, "strerror", None) or type(reason).__name__


def _unreadable(url: str, why: str) -> ReconcilerError:
    return ReconcilerError(f"cannot read {url}: {why}")
