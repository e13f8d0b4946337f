"""The API as a Ray Serve application: `serve run serve_app.deploy:app`, and what `delegator up` deploys.

Owns how the HTTP application lives in a Serve replica. The application itself is `http.py`; the monitor is a Serve
application of its own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from ray import serve
from ray.serve import Application
from starlette.middleware import Middleware

from delegator.roles import load_catalogue
from delegator.roles.files import absolute_catalogue
from delegator.settings import Settings
from serve_app.disconnect import ServeDisconnect
from serve_app.gateway import Gateway
from serve_app.http import build_app
from serve_app.local import LocalAnswers

MAX_ONGOING_REQUESTS = 500
"""Every MCP client may hold a stream open for as long as it lives; Serve's default of 5 would be used up by five."""

STOP_S = 3.0
"""Real seconds that open streams hold up the end of a replica."""


def app(args: dict[str, str]) -> Application:
    """Build the application for `serve run serve_app.deploy:app [setting=value ...]`.

    Starts what the system stands on (database, simulator) if it is not there; the actors come with the replica.

    Raises:
        SettingsInvalid: a setting is unknown or wrong.
        DelegatorError: the database or the models cannot be had.
    """
    return application(_founded(Settings.load(**args)))


def _founded(settings: Settings) -> Settings:
    """Return the settings with database, models and memory as they were found or started, as `delegator up` does."""
    from serve_app.lifecycle import backing, preflight
    from serve_app.lifecycle.home import Home
    from serve_app.lifecycle.memory import memory_for_models

    home = Home(settings.home_dir)
    preflight.prepare_home(home)
    mode = backing.choose_models(settings).mode
    found: dict[str, Any] = {
        "home": home.path,
        "catalogue": absolute_catalogue(settings.catalogue),
        "models": mode,
        "memory": memory_for_models(settings, simulated=mode == "simulated"),
        "database_url": backing.ensure_database(settings, home),
    }
    if mode == "simulated":
        simulators = backing.start_simulators(settings, home, memory_bytes=found["memory"], exit_with_pid=os.getpid())
        found |= {"ollama_url": ",".join(url for url, _ in simulators.values()), "endpoints": ()}
    return settings.model_copy(update=found)


def application(settings: Settings) -> Application:
    """Build the application for settings that say where database and models are."""
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
        gateway = Gateway(LocalAnswers(load_catalogue(settings.catalogue), settings))
        return build_app(gateway, settings, opening=_system(settings), middleware=[Middleware(ServeDisconnect)])

    return build_replica_app


@asynccontextmanager
async def _system(settings: Settings) -> AsyncIterator[None]:
    """Have the actors of the system created before the replica takes requests; they outlive it."""
    from actors.system import ensure_system

    await ensure_system(settings)
    yield
