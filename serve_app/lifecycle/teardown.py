"""Ending everything that belongs to one home folder: what `down` does, a failed `up`, and an `up` after a crash.

Owns the order in which processes end, and the files that go with them. Sessions are not its business: by now nobody
works any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from actors import cluster, local_ray, processes
from delegator.errors import DelegatorError, StartFailed
from delegator.store.embedded import EmbeddedPostgres
from serve_app.lifecycle import applications
from serve_app.lifecycle.home import Home
from serve_app.lifecycle.instance import Instance, remove_instance

GRACE_S = 5.0
"""Real seconds from asking a process to end to killing it."""


@dataclass(frozen=True, slots=True)
class JoinedRay:
    """A Ray that somebody else started, and that goes on."""

    address: str
    stop_serve: bool
    """Serve was started for Delegator: it ends too, unless others use it by now."""


@dataclass
class Taken:
    """What was ended."""

    processes: list[str] = field(default_factory=list)
    """`title (pid)` each."""
    removed: list[str] = field(default_factory=list)
    """Applications, actors and reservations taken from a Ray that goes on."""
    problems: list[str] = field(default_factory=list)
    """What could not be done, as sentences."""


def joined_ray(instance: Instance | None) -> JoinedRay | None:
    """Return the Ray that goes on without this instance, if there is one."""
    if instance is None or not instance.ray_joined:
        return None
    return JoinedRay(instance.ray_address, instance.serve_started)


def take_down(home: Home, joined: JoinedRay | None, *, before_database: Callable[[], None] = lambda: None) -> Taken:
    """End all processes of `home`, and remove what they left but the record and the logs. Harmless when there are none.

    Args:
        home: of the instance.
        joined: the Ray that goes on; None: Ray was our own.
        before_database: called when all that uses the database has ended, and the database still answers.
    """
    taken = Taken()
    found = processes.own_processes(home.instance_id, home.runtime_dir, home.database_dir)
    taken.processes += [processes.named(process) for process in found]
    gone = joined is None or _leave(joined, taken)
    local_ray.stop_local_ray(home.instance_id, keep_logs_in=home.logs / "ray")
    before_database()
    marked = processes.own_processes(home.instance_id)
    servers = [process for process in marked if processes.works_in(process, home.database_dir)]
    processes.end([process for process in marked if process not in servers], grace_s=GRACE_S)
    try:
        EmbeddedPostgres(home.database_dir).stop()
    except StartFailed as exc:
        taken.problems.append(exc.message)
    late = processes.own_processes(home.instance_id)  # started while the others ended
    taken.processes += [processes.named(process) for process in late if process not in found]
    processes.kill(late)
    if gone:  # else the note is all that leads back to what still runs there
        remove_instance(home.path)
    return taken


def _leave(joined: JoinedRay, taken: Taken) -> bool:
    """Take what is ours from the Ray that goes on; False where that Ray does not let us."""
    if not cluster.reachable(joined.address):
        return True  # that Ray has ended, and our actors with it
    try:
        with cluster.connected(joined.address):
            taken.removed += applications.remove(stop_serve=joined.stop_serve)
            taken.removed += cluster.remove_ours()
    except DelegatorError as exc:
        taken.problems.append(f"what runs on the Ray at {joined.address} is still there: {exc.message}")
        return False
    return True
