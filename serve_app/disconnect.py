"""A small piece between Ray Serve and ASGI: how a client that has gone is told. Used by every Serve application."""

from __future__ import annotations

from ray.exceptions import TaskCancelledError
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ServeDisconnect:
    """Turns Serve's word for a client that has gone into ASGI's.

    Serve's `receive` raises where ASGI says `http.disconnect`; without this every closed stream would leave a traceback
    of a hundred lines in the log.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._app = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def patient() -> Message:
            try:
                return await receive()
            except TaskCancelledError:
                return {"type": "http.disconnect"}

        await self._app(scope, patient if scope["type"] == "http" else receive, send)
