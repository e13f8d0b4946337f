"""`delegator status`: whether the system runs, and what of it does not. Starts and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from delegator.settings import Settings
from delegator.store.embedded import EmbeddedPostgres
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, read_instance

_ASK_S = 6.0
"""Real seconds for one answer of the API; it gives the system behind it 5."""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """What a look from outside shows."""

    instance: Instance | None
    """What `up` noted; None: it was never started, or has been ended."""
    running: bool
    """The API answers, or at least one part still lives."""
    healthy: bool
    """The API answers that the system behind it takes calls, and no part is missing."""
    degraded: tuple[str, ...] = field(default=())
    """Sentences about what is not as it should be."""


def describe(settings: Settings) -> StatusReport:
    """Look at the system of these settings."""
    home = Home(settings.home_dir)
    instance = read_instance(home.path)
    if instance is None:
        return StatusReport(instance=None, running=False, healthy=False)
    dead = instance.dead_parts()
    problems = [f"{part} (pid {instance.processes[part].pid}) has ended" for part in dead]
    if instance.database == "embedded" and not EmbeddedPostgres(home.database_dir).running():
        problems.append("the embedded PostgreSQL does not answer")
    # Where our Ray is gone, whoever answers there is another Delegator.
    alive = instance.ray_lives() and answers(instance.api_url, deadline_s=_ASK_S)
    if not alive:
        problems.append(f"the API does not answer at {instance.api_url}")
    elif not answers(instance.api_url, "/readyz", deadline_s=_ASK_S):
        problems.append("the API answers, but the system behind it takes no calls")
    lives = alive or len(dead) < len(instance.processes)
    return StatusReport(instance, running=lives, healthy=not problems, degraded=tuple(problems))


def answers(url: str, path: str = "/healthz", *, deadline_s: float) -> bool:
    """Return whether a Delegator answers at `url` that it is well."""
    try:
        with httpx.Client(base_url=url, timeout=deadline_s, trust_env=False) as client:
            return client.get(path).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
