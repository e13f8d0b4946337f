"""Small machines and workloads made by hand, and a policy's watcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from delegator.settings import GB
from delegator.simulation.workload import (
    NUM_CTX,
    Machine,
    SimulatedModel,
    SimulatedSession,
    SimulatedTask,
    SimulatedTurn,
    Workload,
)
from delegator.simulation.world import LiveTurn, ResidencyPolicy, World


def models(**sizes_gb: float) -> dict[str, SimulatedModel]:
    """Return models by name; each loads as many seconds as it takes GB."""
    return {name: SimulatedModel(name, round(gb * GB), float(gb)) for name, gb in sizes_gb.items()}


def session(
    name: str,
    at_s: float,
    *tasks: tuple[float, str],
    num_ctx: Mapping[str, int] | None = None,
    close_lag_s: float = 0.0,
) -> SimulatedSession:
    """Return a session of tasks (seconds before it, models that speak, one letter each); a turn reads 1 s, writes 9."""
    given = tuple(
        SimulatedTask(
            after_s, tuple(SimulatedTurn(model, 1.0, 9.0, (num_ctx or {}).get(name, NUM_CTX)) for model in spoken)
        )
        for after_s, spoken in tasks
    )
    team = tuple(dict.fromkeys(turn.model for task in given for turn in task.turns))
    return SimulatedSession(name, at_s, team, given, close_lag_s)


@dataclass
class Watched:
    """A policy, and what was seen of it.

    Attributes:
        waits: seconds from asking to starting, by turn.
        ahead: how many turns had been asked before and were not over then, by turn.
        resident: what was in memory after each event, and when.
    """

    world: World
    policy: ResidencyPolicy
    waits: dict[str, float] = field(default_factory=dict)
    ahead: dict[str, int] = field(default_factory=dict)
    resident: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    open_turns: set[str] = field(default_factory=set)

    def session_created(self, session: SimulatedSession) -> None:
        self.policy.session_created(session)
        self._look()

    def session_closed(self, session: SimulatedSession) -> None:
        self.policy.session_closed(session)
        self._look()

    def turn_ready(self, turn: LiveTurn) -> None:
        self.ahead[turn.turn_id] = len(self.open_turns)
        self.open_turns.add(turn.turn_id)
        self.policy.turn_ready(turn)
        self._look()

    def first_token(self, turn: LiveTurn) -> None:
        self.waits[turn.turn_id] = self.world.now - turn.turn.reading_s - turn.ready_s
        self.policy.first_token(turn)
        self._look()

    def turn_ended(self, turn: LiveTurn) -> None:
        self.open_turns.discard(turn.turn_id)
        self.policy.turn_ended(turn)
        self._look()

    def _look(self) -> None:
        self.resident.append((self.world.now, tuple(sorted(self.world.memory.stages))))
        assert self.world.memory.used_bytes == self.world.meter.used_bytes <= self.world.machine.capacity_bytes


def world_of(known: Mapping[str, SimulatedModel], capacity_gb: float, *sessions: SimulatedSession) -> World:
    """Return a world that has not run yet."""
    return World(Workload(known, sessions), Machine(round(capacity_gb * GB)))


def turn_ids(sessions: Sequence[SimulatedSession]) -> set[str]:
    """Return every turn that will be asked."""
    return {
        f"{each.session_id}/{task}:{turn}"
        for each in sessions
        for task, given in enumerate(each.tasks)
        for turn in range(len(given.turns))
    }
