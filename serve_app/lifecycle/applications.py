"""What `up` runs on Ray: the actors of the system, and the Serve applications with the faces.

Owns deploying them, waiting until they answer, and taking them away from a Ray that others use too. What they are is
`actors/system.py`, `serve_app/deploy.py` and the monitor.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from delegator.errors import DelegatorError, StartFailed
from delegator.schemas import NoInput
from delegator.settings import Settings
from serve_app.client import Client

if TYPE_CHECKING:
    from ray.serve import Application

API = "delegator"
MONITOR = "delegator-monitor"
ROUTES = {API: "/", MONITOR: "/monitor"}

READY_S = 120.0
"""Real seconds from deploying to answering; 4 to 9 on a laptop."""

_STEP_S = 0.1
_LOGS = "The logs are in the folder logs of DELEGATOR_HOME, those of Ray below it when it has ended."


@dataclass(frozen=True, slots=True)
class Parts:
    """What is run; tests put something smaller in its place."""

    ensure_system: Callable[[Settings], Awaitable[None]]
    """Creates the actors and waits until they answer."""
    applications: Callable[[Settings], Mapping[str, Application]]
    """{name of the application: the application}, named as in `ROUTES`."""


def delegator() -> Parts:
    """Return what Delegator is made of."""
    from actors.system import ensure_system

    return Parts(ensure_system, _applications)


def _applications(settings: Settings) -> Mapping[str, Application]:
    from serve_app import deploy

    made = {API: deploy.application(settings)}
    if importlib.util.find_spec("serve_app.monitor") is not None:
        monitor: Any = importlib.import_module("serve_app.monitor")
        if hasattr(monitor, "application"):
            made[MONITOR] = monitor.application(settings)
    return made


def start(settings: Settings, parts: Parts) -> list[str]:
    """Start everything on the connected Ray; return the names of the applications. They may not answer yet.

    Raises:
        StartFailed: with what did not come up. DelegatorError: as a part said it.
    """
    from ray import serve

    _quiet_serve()
    if serve_runs():
        _check_port_of_serve(settings.port)
    # Serve and the actors start at once: both mostly wait for new processes.
    with ThreadPoolExecutor(max_workers=1) as beside:
        system = beside.submit(lambda: asyncio.run(_ensure_system(parts, settings)))
        serve.start(proxy_location="HeadOnly", http_options={"host": settings.host, "port": settings.port})
        made = parts.applications(settings)
        serve.run_many(
            [serve.RunTarget(target=app, name=name, route_prefix=ROUTES[name]) for name, app in made.items()],
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )
        system.result()
    return list(made)


async def _ensure_system(parts: Parts, settings: Settings) -> None:
    await parts.ensure_system(settings)


def await_ready(url: str) -> None:
    """Wait until all applications run, and the API answers that the system behind it takes calls.

    Raises:
        StartFailed: an application failed, or the deadline has come.
    """
    deadline = time.monotonic() + READY_S
    with Client(url) as client:
        while _unfinished() or not client.ready():
            if time.monotonic() > deadline:
                problem = f"after {READY_S:.0f} s {_complaint(client)}"
                raise StartFailed("the API", problem, _LOGS)
            time.sleep(_STEP_S)


def _unfinished() -> list[str]:
    """Return which of our applications do not run yet. Raises StartFailed when one never will."""
    from ray import serve

    found = {name: app for name, app in serve.status().applications.items() if name in ROUTES}
    for name, app in found.items():
        if app.status == "DEPLOY_FAILED":
            words = [line.strip() for line in app.message.splitlines() if line.strip()] or ["Serve does not say why"]
            raise StartFailed(f"the application {name}", words[-1], _LOGS)
    return [name for name, app in found.items() if app.status != "RUNNING"]


def _complaint(client: Client) -> str:
    """Return what the API says of its state, in place of a long wait's mere end."""
    try:
        client.list_active_sessions(NoInput())
    except DelegatorError as exc:
        return exc.message
    return "it is not ready"


def remove(*, stop_serve: bool) -> list[str]:
    """Take our applications away from the connected Ray; with `stop_serve` Serve too, unless others use it."""
    from ray import serve

    if not serve_runs():
        return []
    _quiet_serve()
    running = serve.status().applications
    ours = [name for name in ROUTES if name in running]
    if stop_serve and len(ours) == len(running):
        serve.shutdown()
    else:
        for name in ours:
            serve.delete(name)
    return ours


def serve_runs() -> bool:
    """Return whether Serve runs on the connected Ray. Asking Serve itself would start it."""
    import ray

    found = ray.util.list_named_actors(all_namespaces=True)
    return {"name": "SERVE_CONTROLLER_ACTOR", "namespace": "serve"} in found


def _check_port_of_serve(wanted: int) -> None:
    """Raise StartFailed where the Serve that runs already listens elsewhere: it has one port for all applications."""
    from ray.serve.context import _get_global_client

    client: Any = _get_global_client()
    listens = client.http_config.port
    if listens != wanted:
        problem = f"on this Ray it runs already and listens on port {listens}"
        raise StartFailed("Ray Serve", problem, f"Use that port: delegator up --port {listens}")


def _quiet_serve() -> None:
    """Keep Serve's progress off the terminal; its log files have it."""
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
