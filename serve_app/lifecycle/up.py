"""`delegator up`: starts the system, or finds it running, and comes back when it answers.

Owns what goes before a start (one at a time, is it running, remains of a crash) and after a failed one: everything that
it brought is ended again. The steps themselves are `start.py`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from actors.processes import MARK
from delegator.roles.files import absolute_catalogue
from delegator.settings import GB, Settings
from serve_app.lifecycle import applications, preflight
from serve_app.lifecycle.applications import Parts
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, read_instance
from serve_app.lifecycle.start import Report, Start
from serve_app.lifecycle.status import alive
from serve_app.lifecycle.teardown import joined_ray, take_down

TRIES = 3
"""How often a system that was noted is asked, before it is taken for the remains of one. It may be very busy."""


def up(settings: Settings, report: Report = lambda _: None, parts: Parts | None = None) -> Instance:
    """Start the system of these settings, or find it running.

    Args:
        settings: as the user gave them.
        report: told each step as it begins, and what the user should know.
        parts: what is run on Ray; None: Delegator.

    Raises:
        StartFailed, SettingsInvalid, CatalogueInvalid, StoreUnavailable, OllamaUnavailable: with what is in the way and
            what would help. Nothing of this start is left then.
    """
    home = Home(settings.home_dir)
    preflight.prepare_home(home)
    with home.lock(lambda: report("Waiting for another up or down")):
        running = _running(settings, home)
        if running is not None:
            return running
        _clear_remains(home, report)
        start = Start(settings, home, report)
        try:
            with _marked(home.instance_id):
                return start.run(parts or applications.delegator())
        except BaseException:
            start.undo()
            raise


def _running(settings: Settings, home: Home) -> Instance | None:
    """Return the system that runs already, with a notice where it is not what these settings ask for."""
    noted = read_instance(home.path)
    if noted is None or noted.dead_parts() or not any(alive(noted.api_url) for _ in range(TRIES)):
        return None
    asked = {"catalogue": absolute_catalogue(settings.catalogue), "port": settings.port, "host": settings.host}
    if settings.models != "auto":
        asked["models"] = settings.models
    other = [f"{name} {getattr(noted, name)}" for name, value in asked.items() if getattr(noted, name) != value]
    if settings.memory not in (None, noted.memory_bytes):
        other.append(f"memory {noted.memory_bytes / GB:.1f} GB")
    count = len(noted.endpoint_urls)
    if "simulated_endpoints" in settings.model_fields_set and noted.simulated and count != settings.simulated_endpoints:
        other.append(f"{count} simulated endpoint{'s' * (count > 1)}")
    notices = (f"it goes on with {', '.join(other)}; to change that: delegator down",) if other else ()
    return noted.model_copy(update={"already": True, "notices": notices})


def _clear_remains(home: Home, report: Report) -> None:
    """End what an earlier run left when it died: it would hold ports, memory and the database."""
    taken = take_down(home, joined_ray(read_instance(home.path)))
    if taken.processes or taken.removed:
        report(f"Ended what an earlier run had left: {', '.join(taken.processes + taken.removed)}")


@contextlib.contextmanager
def _marked(instance_id: str) -> Iterator[None]:
    """Have every process that is started meanwhile inherit the mark."""
    before = os.environ.get(MARK)
    os.environ[MARK] = instance_id
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before
