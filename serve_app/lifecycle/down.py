"""`delegator down`: ends the system in order, and also what is left of one that died.

Owns the order: no new work, sessions ended and their models unloaded, Ray, the simulator, the database last. Ends only
processes of this home; a Ray that somebody else started stays, and loses what is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from actors import cluster, local_ray, processes
from delegator.errors import DelegatorError
from delegator.schemas import NoInput, OptionalSessionRef
from delegator.settings import Settings
from delegator.store.embedded import EmbeddedPostgres
from serve_app.client import Client
from serve_app.lifecycle import applications
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, read_instance, remove_instance
from serve_app.lifecycle.status import answers

SESSIONS_S = 30.0
"""Real seconds for ending the open sessions, the unloading of their models included."""

GRACE_S = 5.0
_ASK_S = 3.0


@dataclass
class DownReport:
    """What `down` found and ended. All empty: nothing was running."""

    was_running: bool = False
    """There was something to end, whole or as remains."""
    sessions_ended: list[str] = field(default_factory=list)
    models_unloaded: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    """Taken from a Ray that goes on: applications, actors, reservations."""
    processes_ended: list[str] = field(default_factory=list)
    """`title (pid)` each."""
    problems: list[str] = field(default_factory=list)
    """What could not be done, as sentences."""


def down(settings: Settings, report: Callable[[str], None] = lambda _: None) -> DownReport:
    """End the system of these settings, and all that is left of it.

    May be called at any time, also when nothing runs.

    Raises:
        StartFailed: another `up` or `down` does not come to its end, or the database's lock is held.
    """
    home = Home(settings.home_dir)
    if not home.path.exists():
        return DownReport(processes_ended=local_ray.stop_local_ray(home.instance_id))
    with home.lock(lambda: report("Waiting for another up or down")):
        instance = read_instance(home.path)
        result = DownReport()
        if instance is not None and answers(instance.api_url, deadline_s=_ASK_S):
            report("Ending open sessions")
            _end_sessions(instance, result)
        report("Ending the processes")
        joined = instance.ray_address if instance is not None and instance.ray_joined else None
        stop_serve = instance is not None and instance.serve_started
        taken = take_down(home, joined_address=joined, stop_serve=stop_serve, before_database=_unloading(settings, instance))
        result.was_running = instance is not None or bool(taken.processes_ended)
        result.removed = taken.removed
        result.models_unloaded += taken.models_unloaded
        result.processes_ended = taken.processes_ended
        result.problems += taken.problems
        return result


def clear_remains(home: Home) -> bool:
    """End what an earlier run left behind; return whether there was anything."""
    instance = read_instance(home.path)
    joined = instance.ray_address if instance is not None and instance.ray_joined else None
    stop_serve = instance is not None and instance.serve_started
    taken = take_down(home, joined_address=joined, stop_serve=stop_serve)
    return instance is not None or bool(taken.processes_ended)
