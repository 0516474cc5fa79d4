"""One GET without retries, to see how the platform is reached: for `doctor`, which shows what a first request meets."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from reconciler.api.client import Params
from reconciler.api.connection import GetOnly, connection_failure, failure_words, headers
from reconciler.api.libraries import httpx
from reconciler.api.proxy import went_through
from reconciler.api.receiving import BOUNDS, TooLarge, body
from reconciler.api.transport import transport
from reconciler.errors import ReadFailed
from reconciler.origin import Origin

TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True)
class Reached:
    """An answer, whatever it says.

    Attributes:
        status: of it.
        sent: when the request was sent, by this machine's clock, in seconds since 1970.
        received: when the answer was there.
        seconds: between the two, by a clock that is never set.
        date: of the `Date` header, in seconds since 1970.
        tls: version of the protocol; None where the connection is not encrypted.
        certificate_ends: of the server's (or an inspecting proxy's), in seconds since 1970.
    """

    status: int
    sent: float
    received: float
    seconds: float
    date: float | None
    tls: str | None
    certificate_ends: float | None


def probe(
    origin: Origin,
    token: str,
    path: str,
    params: Params,
    *,
    wall: Callable[[], float] = time.time,
    now: Callable[[], float] = time.monotonic,
) -> Reached:
    """Ask once.

    Args:
        origin: the endpoint.
        token: as it is sent.
        path: of the API, from `/v1/`.
        params: query parameters.
        wall: this machine's clock.
        now: a clock that is never set.

    Raises:
        ReadFailed: there was no complete answer.
        ReconcilerError: the environment names authorities or a proxy that cannot be used.
    """
    with httpx.Client(
        base_url=origin.url,
        headers=headers(token),
        timeout=TIMEOUT_S,
        trust_env=False,
        transport=GetOnly(transport(origin)),
    ) as client:
        sent, begun = wall(), now()
        try:
            with client.stream(
                "GET", path, params=dict(params), extensions={"within": TIMEOUT_S}
            ) as response:
                received, seconds = wall(), now() - begun
                tls, ends = _certificate(response.extensions.get("network_stream"))
                body(response, BOUNDS)
        except httpx.HTTPError as e:
            _, todo = connection_failure(e, went_through(origin))
            raise ReadFailed(failure_words(origin, "no complete answer", e), help=todo) from None
        except TooLarge as e:
            raise ReadFailed(str(e), help="is this the address of the platform?") from None
    date = _date(response.headers.get("Date"))
    return Reached(response.status_code, sent, received, seconds, date, tls, ends)


def _certificate(stream: Any) -> tuple[str | None, float | None]:
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    if tls is None:
        return None, None
    ends = (tls.getpeercert() or {}).get("notAfter")
    return tls.version(), float(ssl.cert_time_to_seconds(ends)) if ends else None


def _date(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, OverflowError):
        return None
