"""The API as a Ray Serve application: `serve run serve_app.deploy:app`, and what `delegator up` deploys.

Owns how the HTTP application lives in a Serve replica. The application itself is `http.py`; the monitor is a Serve
application of its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from ray import serve
from ray.exceptions import TaskCancelledError
from ray.serve import Application
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from delegator.roles import load_catalogue
from delegator.settings import Settings
from serve_app.gateway import Gateway
from serve_app.http import build_app
from serve_app.local import LocalAnswers

MAX_ONGOING_REQUESTS = 500
"""Every MCP client may hold a stream open for as long as it lives; Serve's default of 5 would be used up by five."""

STOP_S = 3.0
"""Real seconds that open streams hold up the end of a replica."""


def app(args: dict[str, str]) -> Application:
    """Build the application for `serve run serve_app.deploy:app [setting=value ...]`.

    Raises:
        SettingsInvalid: a setting is unknown or wrong.
    """
    return application(Settings.load(**args))


def application(settings: Settings) -> Application:
    """Build the application for given settings."""
    deployment = serve.deployment(
        name="api",
        num_replicas=1,
        max_ongoing_requests=MAX_ONGOING_REQUESTS,
        graceful_shutdown_timeout_s=STOP_S,
        ray_actor_options={"num_cpus": 0},
    )
    return deployment(serve.ingress(replica_app_builder(settings))()).bind()


def replica_app_builder(settings: Settings) -> Callable[[], FastAPI]:
    """Return the function that each replica calls to make its application: a FastAPI object cannot be pickled."""

    def build_replica_app() -> FastAPI:
        gateway = Gateway(LocalAnswers(load_catalogue(settings.catalogue), settings.complexity_limits))
        return build_app(gateway, settings, opening=_system(settings), middleware=[Middleware(ServeDisconnect)])

    return build_replica_app


@asynccontextmanager
async def _system(settings: Settings) -> AsyncIterator[None]:
    """Have the actors of the system created before the replica takes requests; they outlive it."""
    from actors.system import ensure_system

    await ensure_system(settings)
    yield


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
