"""Only this machine, and no page of another site, may ask anything of the sandbox."""

from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class LoopbackOnly:
    """Refuses requests for other host names (a name that another site had point here), and writes that another site's page sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 403."""
        headers = {k: v.decode("latin-1") for k, v in scope.get("headers", ())}
        if why := refusal(scope.get("method", ""), headers):
            await PlainTextResponse(why + "\n", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def refusal(method: str, headers: dict[bytes, str]) -> str | None:
    """Why a request is refused; None if it is not."""
    host = headers.get(b"host", "127.0.0.1")
    if urlsplit(f"//{host}").hostname not in _LOOPBACK:
        return "the sandbox answers on 127.0.0.1 and localhost only"
    origin = headers.get(b"origin")
    foreign = origin is not None and urlsplit(origin).netloc != host
    if foreign or (method != "GET" and headers.get(b"sec-fetch-site") in ("cross-site", "same-site")):
        return "the sandbox takes nothing from pages of other sites"
    return None
