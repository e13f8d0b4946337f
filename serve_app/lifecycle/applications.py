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

from delegator.errors import StartFailed
from delegator.settings import Settings

if TYPE_CHECKING:
    from ray.serve import Application

API = "delegator"
MONITOR = "delegator-monitor"
ROUTES = {API: "/", MONITOR: "/monitor"}

READY_S = 120.0
"""Real seconds from deploying to answering; 4 to 9 on a laptop."""

_ASK_S = 5.0
_STEP_S = 0.1


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


def start(settings: Settings, parts: Parts) -> tuple[list[str], bool]:
    """Start everything on the connected Ray.

    Returns:
        The names of the applications, and whether Serve was started for them.

    Raises:
        StartFailed: with what did not come up. DelegatorError: as a part said it.
    """
    from ray import serve

    quiet_serve()
    serve_started = not serve_runs()
    if not serve_started:
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
    return list(made), serve_started


async def _ensure_system(parts: Parts, settings: Settings) -> None:
    await parts.ensure_system(settings)


def await_ready(url: str) -> None:
    """Wait until the API answers that the system behind it takes calls.

    Raises:
        StartFailed: an application failed, or the deadline has come.
    """
    import httpx

    said = "it does not answer"
    deadline = time.monotonic() + READY_S
    with httpx.Client(base_url=url, timeout=_ASK_S, trust_env=False) as client:
        while time.monotonic() < deadline:
            try:
                reply = client.get("/readyz")
            except httpx.HTTPError:
                pass
            else:
                if reply.status_code == httpx.codes.OK and not _unfinished():
                    return
                said = _told(reply.text) or said
            _raise_if_failed()
            time.sleep(_STEP_S)
    raise StartFailed("the API", f"after {READY_S:.0f} s: {said}", "The logs are in the folder logs of DELEGATOR_HOME.")


def remove(*, stop_serve: bool) -> list[str]:
    """Take our applications away from the connected Ray; with `stop_serve` Serve too, unless others use it."""
    from ray import serve

    if not serve_runs():
        return []
    quiet_serve()
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


def quiet_serve() -> None:
    """Keep Serve's progress off the terminal; its log files have it."""
    logging.getLogger("ray.serve").setLevel(logging.WARNING)


def _unfinished() -> list[str]:
    from ray import serve

    return [name for name, app in serve.status().applications.items() if name in ROUTES and app.status != "RUNNING"]


def _raise_if_failed() -> None:
    from ray import serve

    for name, app in serve.status().applications.items():
        if name in ROUTES and app.status == "DEPLOY_FAILED":
            words = [line.strip() for line in app.message.splitlines() if line.strip()] or ["Serve does not say why"]
            raise StartFailed(
                f"the application {name}", words[-1], "The logs are in the folder logs of DELEGATOR_HOME."
            )


def _told(body: str) -> str:
    """Return the sentence of an error reply of the API."""
    from pydantic import ValidationError

    from delegator.schemas import ErrorReply

    try:
        return ErrorReply.model_validate_json(body).error.message
    except ValidationError:
        return ""
