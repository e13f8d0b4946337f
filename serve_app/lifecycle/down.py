"""`delegator down`: ends the system in order, and also what is left of one that died.

Owns the order: open sessions first, so that their models leave memory and the record says so, then the processes
(`teardown.py`). Models that a dead system left in Ollama are unloaded by what the database knows of them.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from delegator.errors import DelegatorError
from delegator.schemas import NoInput, OptionalSessionRef
from delegator.settings import Settings
from serve_app.caller import at_the_command_line
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, read_instance
from serve_app.lifecycle.status import alive
from serve_app.lifecycle.teardown import Taken, joined_ray, take_down

if TYPE_CHECKING:
    from delegator.store.records import ResidentRecord
    from delegator.store.store import Store

SESSIONS_S = 30.0
"""Real seconds for ending all open sessions, the unloading of their models included."""

UNLOAD_S = 20.0
_ASK_S = 3.0

logger = logging.getLogger(__name__)


@dataclass
class DownReport:
    """What `down` found and ended."""

    was_running: bool = False
    """There was something to end, whole or as remains; False: nothing was running."""
    sessions_ended: list[str] = field(default_factory=list)
    models_unloaded: list[str] = field(default_factory=list)
    """Models in Ollama that no session had released."""
    removed: list[str] = field(default_factory=list)
    """Applications, actors and reservations taken from a Ray that goes on."""
    processes_ended: list[str] = field(default_factory=list)
    """`title (pid)` each."""
    problems: list[str] = field(default_factory=list)
    """What could not be done, as sentences."""


def down(settings: Settings, report: Callable[[str], None] = lambda _: None) -> DownReport:
    """End the system of these settings, and all that is left of it. May be called at any time, also when nothing runs.

    Args:
        settings: name the home folder, and the database where it is not the embedded one.
        report: told each step as it begins.

    Raises:
        StartFailed: another `up` or `down` of this home does not come to its end.
    """
    home = Home(settings.home_dir)
    result = DownReport()
    if not home.path.exists():
        return _with(result, take_down(home, None))
    with home.lock(lambda: report("Waiting for another up or down")):
        instance = read_instance(home.path)
        result.was_running = instance is not None
        if instance is not None and instance.ray_lives() and alive(instance.api_url):
            _end_sessions(instance, result, report)
        report("Ending the processes")

        def unload() -> None:
            if instance is not None and not instance.simulated:
                result.models_unloaded += _unload_left(settings, home, instance)

        return _with(result, take_down(home, joined_ray(instance), before_database=unload))


def _with(result: DownReport, taken: Taken) -> DownReport:
    result.was_running |= bool(taken.processes)
    result.processes_ended += taken.processes
    result.removed += taken.removed
    result.problems += taken.problems
    return result


def _end_sessions(instance: Instance, result: DownReport, report: Callable[[str], None]) -> None:
    """End what is open, as far as it goes within the deadline: a stuck session must not keep the system up."""
    from serve_app.client import Client

    deadline = time.monotonic() + SESSIONS_S
    with Client(instance.api_url, answer_s=SESSIONS_S, calls_as=at_the_command_line()) as client:
        try:
            for session in client.list_active_sessions(NoInput()).sessions:
                if time.monotonic() > deadline:
                    result.problems.append(f"sessions were still open after {SESSIONS_S:.0f} s")
                    return
                report(f"Ending {session.session_id}")
                client.end_session(OptionalSessionRef(session_id=session.session_id))
                result.sessions_ended.append(session.session_id)
        except DelegatorError as exc:
            result.problems.append(f"not all sessions could be ended: {exc.message}")


def _unload_left(settings: Settings, home: Home, instance: Instance) -> list[str]:
    """Unload what the record says we loaded. Where that fails, Ollama itself unloads it some minutes later."""
    from delegator.store.embedded import EmbeddedPostgres

    embedded = EmbeddedPostgres(home.database_dir)
    if instance.database == "embedded" and not embedded.running():
        return []
    url = embedded.ensure_running() if instance.database == "embedded" else settings.database_url
    if url is None:
        return []
    try:
        return asyncio.run(asyncio.wait_for(_unload(url, instance.endpoint_urls), UNLOAD_S))
    except (DelegatorError, TimeoutError) as exc:
        logger.warning("models may stay in memory for some minutes: %s", exc)
        return []


async def _unload(database_url: str, urls: Mapping[str, str]) -> list[str]:
    from delegator.store.store import Store

    store = Store(database_url, pool_size=1)
    await store.open()
    try:
        noted = [record for record in await store.residents(None) if record.endpoint in urls]
        by_endpoint = [
            _unload_on(url, [record for record in noted if record.endpoint == endpoint_id], store)
            for endpoint_id, url in urls.items()
        ]
        return [model for unloaded in await asyncio.gather(*by_endpoint) for model in unloaded]
    finally:
        await store.close()


async def _unload_on(url: str, noted: Sequence[ResidentRecord], store: Store) -> list[str]:
    """Unload what is noted of one endpoint; one that does not answer must not keep the others from it."""
    from delegator.ollama.client import OllamaClient

    unloaded = []
    try:
        async with OllamaClient(url, connect_s=_ASK_S, request_s=_ASK_S) as client:
            for record in noted:
                await client.unload(record.model)
                await store.drop_resident(record.endpoint, record.model, [])
                unloaded.append(record.model)
    except DelegatorError as exc:
        logger.warning("models may stay in memory at %s for some minutes: %s", url, exc)
    return unloaded
