"""A running agent as its pool knows it, with how often its process was lost and replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ray._private import state

from actors.agent_messages import Pulse
from actors.agent_work import AgentWork


@dataclass(slots=True)
class Lives:
    """The processes of one agent after its first. The same object goes on where the agent is spawned anew.

    Two count: who is greeted by another process than before knows of one replacement, however many there were in
    between, and of none while no process lives long enough to answer; Ray knows of each, and is asked now and then.

    Attributes:
        told: how many replacements are written down, or about to be by whoever took them up.
    """

    told: int = 0
    _former: int = 0
    """Those of actors that were given up."""
    _met: int = 0
    _by_ray: int = 0
    _ray_before: int | None = None
    """What Ray had counted when it was first asked about this actor."""
    _at_answer: int = 0
    """How many there were when the agent last answered."""

    @property
    def replaced(self) -> int:
        """Return how often the process was replaced."""
        return self._former + max(self._met, self._by_ray)

    def answered(self, *, by_another: bool) -> None:
        """Note that the agent answered, by another process than the last time or by the same."""
        self._met += by_another
        self._at_answer = self.replaced

    def counted(self, by_ray: int) -> None:
        """Note how often Ray has restarted the actor, in its whole life."""
        if self._ray_before is None:
            self._ray_before = by_ray
        self._by_ray = max(self._by_ray, by_ray - self._ray_before)

    def spawned_anew(self) -> None:
        """Note that the actor was given up and another takes its place: what it was lost by may be counted already."""
        self._former = max(self.replaced, self._at_answer + 1)
        self._met = self._by_ray = self._ray_before = 0

    def take_untold(self) -> int:
        """Return how many replacements nobody has taken up to write them down; from now on somebody has."""
        untold = max(0, self.replaced - self.told)
        self.told += untold
        return untold


@dataclass(slots=True)
class LiveAgent:
    """One running agent and the sessions that lease it.

    Attributes:
        lives: how often its process was replaced.
        work: what it has done, and is at.
    """

    role: str
    handle: Any
    spawned_at: datetime
    node_id: str
    sessions: set[str] = field(default_factory=set)
    pid: int | None = None
    node: str | None = None
    lives: Lives = field(default_factory=Lives)
    work: AgentWork = field(default_factory=AgentWork)

    def greet(self, pulse: Pulse) -> None:
        """Note which process it is that answers."""
        known = self.pid is not None
        self.lives.answered(by_another=known and (self.pid, self.node) != (pulse.pid, pulse.node))
        self.pid, self.node = pulse.pid, pulse.node


def restarts_by_ray(handle: Any) -> int | None:
    """Return how often Ray has restarted an actor; None where it does not know. Waits for Ray: not for an event loop.

    Ray has no public way that needs no dashboard: this is what `was_current_actor_reconstructed` asks, too.
    """
    actor_id = getattr(handle, "_actor_id", None)
    known = state.actors(actor_id=actor_id.hex()) if actor_id is not None else {}
    count = known.get("NumRestarts")
    return None if count is None else int(count)
