"""One request at a time: authentication, timeouts, retries of reads, error mapping. Knows nothing about kinds.

`Reader` can emit nothing but GET: not by convention but by its transport (G1). `Writer` is what apply gets.
One httpx client for each request that is on its way: a shared pool slows down with concurrency.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any

from reconciler.api.answers import Answer, Verdict, classify, describe, json_object
from reconciler.api.connection import (
    UNSENT,
    GetOnly,
    check_token,
    connection_failure,
    connection_words,
    failure_words,
    headers,
    no_answer,
    server_of,
)
from reconciler.api.libraries import httpx
from reconciler.api.observer import SILENT, Exchange, Observer, named, observed
from reconciler.api.pacing import HELD, Pace, TooMuch
from reconciler.api.proxy import went_through
from reconciler.api.read_answers import token_help, wrapper_of
from reconciler.api.receiving import BOUNDS, Bounds, TooLarge, blocks, body
from reconciler.api.redaction import repeats_token
from reconciler.api.retrying import Retryable, passes, retry_after_of, tries
from reconciler.api.silence import Silence
from reconciler.api.transport import transport
from reconciler.errors import ReadFailed, Unauthorized
from reconciler.kinds import paths
from reconciler.origin import Origin

READ_TIMEOUT = 30.0
DOWNLOAD_S = 600.0
Params = Mapping[str, str | int]


class Reader:
    """GET only. Safe to share between threads."""

    _read_only = True
    attempts = 5

    def __init__(
        self,
        origin: Origin,
        token: str,
        own_transport: httpx.BaseTransport | None = None,
        pace: Pace | None = None,
        bounds: Bounds = BOUNDS,
        observer: Observer = SILENT,
    ) -> None:
        self.origin, self.observer = origin, observer
        self.silence = Silence()
        self.pace = pace or Pace(10)
        self.bounds = bounds
        self._token = check_token(token)
        self._transport = own_transport
        # Threads that do nothing but send: each goes on with the next request at once, whoever waits for it. Reads have
        # threads of their own, so that a look at what was written does not queue behind all that is still to be written.
        self._threads = ThreadPoolExecutor(self.pace.most, thread_name_prefix="read")
        self._writing = ThreadPoolExecutor(self.pace.most, thread_name_prefix="write")
        self._idle: list[
            httpx.Client
        ] = []  # used last, used next: its connection is the least likely to be closed

    @contextmanager
    def _client(self, *, first: bool = True) -> Iterator[httpx.Client]:
        """A client for one request, as soon as the pace allows it; never shared, since sharing a pool is slow.

        Raises:
            ReadFailed: of a read, that the platform refuses everything for too long already.
        """
        try:
            with self.pace.slot(first=first, held=HELD if first else math.inf):
                try:
                    client = self._idle.pop()
                except IndexError:
                    client = self._new_client()
                try:
                    yield client
                finally:
                    self._idle.append(client)
        except TooMuch:
            words = f"for {HELD:g} s the platform has answered 429 or 503 to every request, and asks to wait longer"
            raise ReadFailed(
                words, help="run again later; `parallelism` says how many requests are sent at once"
            ) from None

    def _new_client(self) -> httpx.Client:
        inner = self._transport or transport(self.origin)
        return httpx.Client(
            base_url=self.origin.url,
            headers=headers(self._token),
            timeout=READ_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
            transport=GetOnly(inner) if self._read_only else inner,
        )

    def retrying(self, method: str, path: str) -> Callable[[int, float, str], None]:
        """Tells the observer of the next try of this request: its number, the seconds until then, and why."""
        return lambda attempt, wait, why: self.observer.retrying(named(method, path), attempt, wait, why)

    @property
    def _within(self) -> dict[str, Any]:
        return {"within": self.bounds.seconds}

    def close(self) -> None:
        """Close all connections."""
        self._threads.shutdown()
        self._writing.shutdown()
        while self._idle:
            self._idle.pop().close()

    def get(self, path: str, params: Params | None = None) -> dict[str, Any]:
        """The wrapper of a well-formed 2xx answer (contract 1.4); see `get_sized`.

        Raises:
            ReadFailed: see `get_sized`.
        """
        return self.get_sized(path, params)[0]

    def get_sized(self, path: str, params: Params | None = None) -> tuple[dict[str, Any], int]:
        """The wrapper of a well-formed 2xx answer (contract 1.4), and its bytes; reads are retried with backoff.

        Raises:
            Unauthorized: 401.
            ReadFailed: anything else that is not a well-formed success, after retries; or more than is taken of one answer.
        """
        try:
            for attempt in tries(1 if self.silence.gone else self.attempts, 60.0):
                with attempt:
                    return self._threads.submit(self._get_once, path, params).result()
        except Retryable as e:
            raise ReadFailed(
                f"GET {paths.shown(path)}: {e}" if e.connected else str(e),
                help=f"nothing was concluded from this read; {e.todo or 'run again once the platform answers'}",
            ) from None
        raise AssertionError("unreachable")

    def brief(self, seconds: float) -> "Reader":
        """A reader for what is not worth waiting for: each request ends within so many seconds, and is sent twice at most."""
        made = Reader(
            self.origin,
            self._token,
            self._transport,
            self.pace,
            replace(self.bounds, seconds=min(seconds, self.bounds.seconds)),
            self.observer,
        )
        made.attempts, made.silence = 2, self.silence
        return made

    def text(self, path: str) -> tuple[str, bytes]:
        """Type and body of an answer of 200, whatever they are; asked for once.

        Raises:
            ReadFailed: there is no such answer, or more than is taken of one.
        """
        shown = paths.shown(path)
        try:
            response, content = self._threads.submit(self._text_once, path).result()
        except httpx.HTTPError as e:
            raise ReadFailed(f"GET {shown}: no complete answer: {connection_words(self.origin, e)}") from None
        except TooLarge as e:
            raise ReadFailed(f"GET {shown}: {e}") from None
        if response.status_code != 200:
            told = describe(json_object(content), content, token=self._token)
            raise ReadFailed(f"GET {shown}: {response.status_code} {told}".strip())
        if repeats_token(content, self._token):
            raise ReadFailed(f"GET {shown}: the answer repeats the token, and is not used")
        return response.headers.get("Content-Type", ""), content

    def _text_once(self, path: str) -> tuple[httpx.Response, bytes]:
        with self._client() as client:
            client.headers["Accept"] = "*/*"
            try:
                response, content = self._received(client, path, {})
            finally:
                client.headers["Accept"] = "application/json"
        self.pace.answered(response.status_code, retry_after_of(response))
        return response, content

    def download(self, path: str, params: Params, into: IO[bytes], limit: int) -> None:
        """Write the body of a 2xx answer into a file; begun anew where it is cut off (contract 6.4).

        Args:
            path: path of the API, from `/v1/`.
            params: query parameters.
            into: file that gets the bytes; emptied before each try.
            limit: bytes at most.

        Raises:
            Unauthorized: 401.
            ReadFailed: anything else that is not a success, after retries, or more than `limit` bytes.
        """
        try:
            for attempt in tries(1 if self.silence.gone else 4, 120.0):
                with attempt:
                    into.seek(0)
                    into.truncate()
                    self._threads.submit(self._download_once, path, params, into, limit).result()
        except Retryable as e:
            raise ReadFailed(f"GET {path}: {e}") from None

    def _download_once(self, path: str, params: Params, into: IO[bytes], limit: int) -> None:
        told = self.retrying("GET", path)
        try:
            with (
                self._client() as client,
                self._exchange("GET", path) as exchange,
                client.stream(
                    "GET", path, params=dict(params), extensions={"within": DOWNLOAD_S}
                ) as response,
            ):
                exchange.status = response.status_code
                self.pace.answered(response.status_code, retry_after_of(response))
                if passes(response.status_code):
                    status = str(response.status_code)
                    raise Retryable(status, status, told, retry_after_of(response))
                if response.status_code == 401:
                    raise Unauthorized(f"GET {path}: 401", help=token_help(self._token))
                if response.status_code != 200:
                    raise ReadFailed(f"GET {path}: {response.status_code}")
                for block in blocks(response, limit):
                    into.write(block)
        except TooLarge as e:
            raise ReadFailed(f"GET {path}: {e}") from None
        except httpx.HTTPError as e:
            words = connection_words(self.origin, e)
            raise Retryable(words, words, told) from None

    @contextmanager
    def _exchange(self, method: str, path: str) -> Iterator[Exchange]:
        """The observer is told of one request; who sends it sets the status, as soon as there is one."""
        begun = self.silence.now()
        with observed(self.observer, method, path) as exchange:
            try:
                yield exchange
            except httpx.HTTPError as e:
                exchange.failure = connection_words(self.origin, e)
                raise
            finally:
                if exchange.status is not None:
                    self.silence.ended()
                elif exchange.failure:
                    self.silence.lasts(begun)

    def _received(self, client: httpx.Client, path: str, params: Params) -> tuple[httpx.Response, bytes]:
        """The answer and its body; one redirect within the same server is followed (contract 12, 20)."""
        request = client.build_request("GET", path, params=dict(params), extensions=self._within)
        with self._exchange("GET", path) as exchange:
            response = client.send(request, stream=True)
            following = response.next_request if response.is_redirect else None
            if following is not None and self.origin.serves(*server_of(following.url)):
                response.close()
                response = client.send(following, stream=True)
            exchange.status = response.status_code
            try:
                return response, body(response, self.bounds)
            finally:
                response.close()

    def _get_once(self, path: str, params: Params | None) -> tuple[dict[str, Any], int]:
        shown, told_of = paths.shown(path), self.retrying("GET", path)
        try:
            with self._client() as client:
                response, content = self._received(client, path, params or {})
        except httpx.HTTPError as e:
            words, todo = connection_failure(e, went_through(self.origin))
            message = failure_words(self.origin, "no complete answer", e)
            sent = not isinstance(e, UNSENT)
            raise Retryable(message, words, told_of, todo="" if sent else todo, connected=sent) from None
        except TooLarge as e:
            raise ReadFailed(f"GET {shown}: {e}", help="is this the address of the platform?") from None
        self.pace.answered(response.status_code, retry_after_of(response))
        after = retry_after_of(response)
        return wrapper_of(path, response.status_code, content, self._token, told_of, after), len(content)


class Writer(Reader):
    """GET, and writes that are never retried here: the caller observes first."""

    _read_only = False

    def send(self, method: str, path: str, body: dict[str, Any] | None) -> Answer:
        """Send one write and classify its answer (design 6). Never raises for what the remote did."""
        return self._writing.submit(self._send_once, method, path, body).result()

    def _send_once(self, method: str, path: str, sent: dict[str, Any] | None) -> Answer:
        try:
            with (
                self._client(first=False) as client,
                self._exchange(method, path) as exchange,
                client.stream(method, path, json=sent, extensions=self._within) as response,
            ):
                exchange.status = response.status_code
                content = body(response, self.bounds)
        except httpx.HTTPError as e:
            return no_answer(self.origin, f"no complete answer to {method} {path}", e)
        except TooLarge as e:
            return Answer(Verdict.UNCLEAR, f"{method} {path}: {e}")
        answer = classify(
            response.status_code,
            content,
            response.headers.get("Retry-After"),
            token=self._token,
            private=paths.about_profiles(path),
        )
        self.pace.answered(answer.status, answer.retry_after)
        return replace(answer, message=f"{method} {path}: {answer.message}")
