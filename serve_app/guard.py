"""Who may speak to the HTTP port at all: a check of the Host and Origin headers.

A page in a browser can be made to send requests to 127.0.0.1 under a name of its own (DNS rebinding), or simply across
origins. Owns which headers are answered; tokens are another matter. The same rule stands before every path, MCP too.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from delegator.errors import DelegatorError, HostRefused, OriginRefused
from serve_app.answers import error_response


class HostGuard:
    """ASGI middleware that refuses requests addressed to, or sent by, somebody this server does not know.

    Args:
        app: what stands behind.
        host: the address this server listens on. Loopback: only loopback names are answered. Another address: that
            one too. All interfaces (0.0.0.0, ::): any literal IP address too, since rebinding needs a name.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(Headers(scope=scope))
        if refused is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await error_response(refused)(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, headers: Headers) -> DelegatorError | None:
        host = headers.get("host", "")
        if not self._knows(f"//{host}"):
            return HostRefused(host)
        origin = headers.get("origin")
        if origin is not None and not self._knows(origin):
            return OriginRefused(origin)
        return None

    def _knows(self, url: str) -> bool:
        try:
            name = urlsplit(url).hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self._host.strip("[]").lower()):
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._host in ("0.0.0.0", "::", "[::]")  # noqa: S104 - compared, not bound
