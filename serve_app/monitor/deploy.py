"""The monitor as a Ray Serve application: one replica, since NiceGUI holds the state of its pages in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ray import serve
from ray.serve import Application
from starlette.middleware import Middleware

from delegator.settings import Settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_ONGOING_REQUESTS = 500
"""Every open page holds a websocket for as long as it lives; Serve's default of 5 would be used up by five."""

STOP_S = 3.0
"""Real seconds that open pages hold up the end of the replica."""

NORMAL_CLOSURE = 1000
"""What a websocket closes with when nothing is said."""


def application(settings: Settings) -> Application:
    """Build the application for given settings."""
    deployment = serve.deployment(
        name="monitor",
        num_replicas=1,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        graceful_shutdown_timeout_s=STOP_S,
        ray_actor_options={"num_cpus": 0},
    )
    return deployment(serve.ingress(replica_app_builder(settings))()).bind()


def replica_app_builder(settings: Settings) -> Callable[[], FastAPI]:
    """Return the function that the replica calls to make its application: it cannot be pickled, and NiceGUI is big."""

    def build_replica_app() -> FastAPI:
        from delegator.roles import load_catalogue
        from serve_app.caller import MONITOR
        from serve_app.disconnect import ServeDisconnect
        from serve_app.gateway import Gateway
        from serve_app.local import LocalAnswers
        from serve_app.monitor.feed import StoreFeed
        from serve_app.monitor.speakers import AgentSpeakers
        from serve_app.monitor.urgency import be_least_urgent
        from serve_app.monitor.web import build_app

        be_least_urgent()
        gateway = Gateway(LocalAnswers(load_catalogue(settings.catalogue), settings), calls_as=MONITOR)
        return build_app(
            gateway,
            host=settings.host,
            middleware=[Middleware(ServeDisconnect), Middleware(WebsocketEnd)],
            feed=StoreFeed(settings.database_url) if settings.database_url else None,
            scale=settings.simulator_scale,
            speakers=AgentSpeakers(),
        )

    return build_replica_app


class WebsocketEnd:
    """Ends websockets the way Serve's proxy understands; without this it logs a traceback for every page that is left.

    The library below NiceGUI answers a browser that has gone with one more close, which cannot be sent; and it closes
    without a code, which ASGI allows and the proxy does not.
    """

    def __init__(self, inner: ASGIApp) -> None:
        self._app = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        gone = False

        async def heard() -> Message:
            nonlocal gone
            message = await receive()
            gone = gone or message["type"] == "websocket.disconnect"
            return message

        async def sent(message: Message) -> None:
            if not gone:
                await send({"code": NORMAL_CLOSURE, **message} if message["type"] == "websocket.close" else message)

        await self._app(scope, heard, sent)
