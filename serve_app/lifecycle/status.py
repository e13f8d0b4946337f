"""`delegator status`: whether the system runs, and what of it does not. Starts and changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from delegator.errors import DelegatorError
from delegator.schemas import NoInput
from delegator.settings import Settings
from delegator.store.embedded import EmbeddedPostgres
from serve_app.client import AsyncClient
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, read_instance

T = TypeVar("T")


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
    answers = instance.ray_lives() and alive(instance.api_url)
    if not answers:
        problems.append(f"the API does not answer at {instance.api_url}")
    elif not ready(instance.api_url):
        problems.append("the API answers, but the system behind it takes no calls")
    else:
        problems += passed_over(instance.api_url)
    lives = answers or len(dead) < len(instance.processes)
    return StatusReport(instance, running=lives, healthy=not problems, degraded=tuple(problems))


def alive(url: str) -> bool:
    """Return whether a Delegator answers at `url` at all."""
    return asyncio.run(_ask(url, AsyncClient.alive))


def ready(url: str) -> bool:
    """Return whether a Delegator answers at `url` and the system behind it takes calls."""
    return asyncio.run(_ask(url, AsyncClient.ready))


def passed_over(url: str) -> list[str]:
    """Return a sentence for each Ollama endpoint that the Delegator at `url` does not trust, with what would help."""
    try:
        summary = asyncio.run(_ask(url, lambda client: client.resource_summary(NoInput())))
    except DelegatorError:  # what keeps it from answering has been told
        return []
    return [
        f"Ollama '{found.endpoint}' at {found.url} is passed over: {found.suspect}. {found.advice}".strip()
        for found in summary.endpoints
        if found.suspect is not None
    ]


async def _ask(url: str, question: Callable[[AsyncClient], Awaitable[T]]) -> T:
    async with AsyncClient(url) as client:
        return await question(client)
