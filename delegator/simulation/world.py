"""The simulated machine's events, in order: sessions come and go, turns are asked, started, and end.

Knows sessions and turns; time is `timeline.py`, what is in memory `memory.py`. Which model is loaded and which turn
starts when is a `ResidencyPolicy`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from delegator.simulation.memory import Memory
from delegator.simulation.meter import Meter
from delegator.simulation.timeline import Timeline
from delegator.simulation.workload import Machine, SimulatedSession, SimulatedTask, SimulatedTurn, Workload


@dataclass(slots=True, eq=False)
class LiveTurn:
    """One turn that has been asked.

    Attributes:
        task_index, index: which task of its session, which turn of that.
        ready_s: when it was asked.
    """

    session: SimulatedSession
    task_index: int
    index: int
    ready_s: float

    @property
    def task(self) -> SimulatedTask:
        """Return its task."""
        return self.session.tasks[self.task_index]

    @property
    def turn(self) -> SimulatedTurn:
        """Return what it does."""
        return self.task.turns[self.index]

    @property
    def model(self) -> str:
        """Return the model that speaks."""
        return self.turn.model

    @property
    def turn_id(self) -> str:
        """Return a unique name."""
        return f"{self.task_id}:{self.index}"

    @property
    def task_id(self) -> str:
        """Return the unique name of its task."""
        return f"{self.session.session_id}/{self.task_index}"


class ResidencyPolicy(Protocol):
    """Decides what is in memory and which turns start; told what happens, acts through the `World`."""

    def session_created(self, session: SimulatedSession) -> None:
        """A session has been created; its first task comes later."""

    def session_closed(self, session: SimulatedSession) -> None:
        """A session is over."""

    def turn_ready(self, turn: LiveTurn) -> None:
        """A turn may start as soon as its model is there and has a slot."""

    def first_token(self, turn: LiveTurn) -> None:
        """A started turn begins to write."""

    def turn_ended(self, turn: LiveTurn) -> None:
        """A turn is over; the next one of its task is asked right after."""


class World:
    """One run of a workload on a machine.

    Attributes:
        memory: through which policies load and unload.
        meter: what the run has cost so far.
    """

    def __init__(self, workload: Workload, machine: Machine) -> None:
        """Set up; `run` does it."""
        self.workload = workload
        self.machine = machine
        self.meter = Meter(machine.capacity_bytes)
        self._timeline = Timeline()
        self.memory = Memory(self._timeline, machine, workload.models, self.meter, self._waiting_since)
        self._asked: dict[str, LiveTurn] = {}
        self._policy: ResidencyPolicy | None = None
        self._sessions_left = len(workload.sessions)

    @property
    def now(self) -> float:
        """Return the moment, in model seconds."""
        return self._timeline.now

    @property
    def is_over(self) -> bool:
        """Return whether every session has been closed."""
        return self._sessions_left == 0

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Do something at that moment, after what was to be done then already."""
        self._timeline.at(moment, action)

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something that many seconds from now."""
        self._timeline.after(seconds, action)

    def run(self, policy: ResidencyPolicy) -> Meter:
        """Let everything happen, up to the close of the last session; return what it cost.

        Raises:
            RuntimeError: the policy broke a law of the machine, or left somebody unserved.
        """
        self._policy = policy
        for session in self.workload.sessions:
            self.at(session.created_s, lambda session=session: self._create(session))  # type: ignore[misc]
        self._timeline.run(until=lambda: self.is_over)
        if not self.is_over:
            raise RuntimeError(f"nothing happens any more, and {len(self._asked)} turns wait")
        self.meter.advance(self.now)
        return self.meter

    def load_s(self, model: str) -> float:
        """Return how long that model loads."""
        return self.workload.models[model].load_s

    def size_of(self, model: str) -> int:
        """Return what that model takes."""
        return self.workload.models[model].size_bytes

    def _waiting_since(self, model: str) -> float | None:
        return min((turn.ready_s for turn in self._asked.values() if turn.model == model), default=None)

    # ── what sessions do ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def policy(self) -> ResidencyPolicy:
        """Return the policy of the run under way."""
        if self._policy is None:
            raise RuntimeError("nothing runs")
        return self._policy

    def _create(self, session: SimulatedSession) -> None:
        self.policy.session_created(session)
        self._next_task(session, 0)

    def _next_task(self, session: SimulatedSession, index: int) -> None:
        if index == len(session.tasks):
            self.after(session.close_lag_s, lambda: self._close(session))
        else:
            self.after(session.tasks[index].after_s, lambda: self._ask(session, index, 0))

    def _close(self, session: SimulatedSession) -> None:
        self._sessions_left -= 1
        self.policy.session_closed(session)

    def _ask(self, session: SimulatedSession, task_index: int, index: int) -> None:
        turn = LiveTurn(session, task_index, index, self.now)
        self._asked[turn.turn_id] = turn
        self.memory.note_asked(turn.model, turn.turn.num_ctx)
        self.policy.turn_ready(turn)

    # ── what policies do ─────────────────────────────────────────────────────────────────────────────────────────

    def start(self, turn: LiveTurn) -> None:
        """Let a turn speak: its model is resident and has a slot for it."""
        del self._asked[turn.turn_id]
        self.memory.occupy(turn.model)
        self.after(turn.turn.reading_s, lambda: self._speak(turn))

    def _speak(self, turn: LiveTurn) -> None:
        self.meter.first_token(self.now - turn.ready_s, is_first=turn.index == 0)
        self.policy.first_token(turn)
        self.after(turn.turn.writing_s, lambda: self._end(turn))

    def _end(self, turn: LiveTurn) -> None:
        is_last = turn.index + 1 == len(turn.task.turns)
        self.memory.vacate(turn.model)
        self.policy.turn_ended(turn)
        if is_last:
            self._next_task(turn.session, turn.task_index + 1)
        else:
            self._ask(turn.session, turn.task_index, turn.index + 1)
