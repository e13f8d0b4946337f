"""Keeps the pages out of frames: a page of somebody else's must not lay ours under the pointer and have it clicked."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}
"""The same said twice: browsers that know the first ignore the second."""


class NoFrames:
    """ASGI middleware that forbids, with every reply, to show it inside another page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def forbid(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, forbid if scope["type"] == "http" else send)
