"""What others do with the same machine: Ollama's own scheduler, and everything resident for good.

`ollama-api.md`'s section on the scheduler is the source: one queue for all loads, one load at a time, a keep-alive
counted from the end of a model's last request, and, when memory is short, the first idle model in its own order
(keep-alive, then file path), else a wait for the first of them that keeps everybody behind it waiting.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from delegator.simulation.workload import SimulatedSession
from delegator.simulation.world import LiveTurn, World

KEEP_ALIVE_S = 300.0
"""Ollama's default."""


@dataclass(slots=True)
class _Runner:
    """One loaded model."""

    model: str
    turns: int = 0
    queue: deque[LiveTurn] = field(default_factory=deque)
    idle_since: float = 0.0
    leaving: bool = False

    @property
    def is_idle(self) -> bool:
        return self.turns == 0 and not self.queue


class OllamaResidency:
    """Ollama without a limit to the number of models. `keep_alive_s`: None keeps for ever."""

    def __init__(self, world: World, keep_alive_s: float | None = KEEP_ALIVE_S) -> None:
        """Schedule for `world`."""
        self._world = world
        self._keep_alive_s = keep_alive_s
        self._runners: dict[str, _Runner] = {}
        self._pending: deque[LiveTurn] = deque()
        self._loading: str | None = None
        self._evicting = False

    def session_created(self, session: SimulatedSession) -> None:
        """Ollama knows no sessions."""

    def session_closed(self, session: SimulatedSession) -> None:
        """Ollama knows no sessions."""

    def first_token(self, turn: LiveTurn) -> None:
        """Nothing follows from it."""

    def turn_ready(self, turn: LiveTurn) -> None:
        """Queue at the model when it is loaded, else in the one queue of the server."""
        runner = self._runners.get(turn.model)
        if runner is not None and not runner.leaving:
            self._queue_at(runner, turn)
        else:
            self._pending.append(turn)
            self._work()

    def turn_ended(self, turn: LiveTurn) -> None:
        """Start the next turn of the model; idle, it begins to run out."""
        runner = self._runners[turn.model]
        runner.turns -= 1
        self._start_turns(runner)
        if runner.is_idle:
            runner.idle_since = self._world.now
            self._expire_later(runner)
        self._work()

    def _queue_at(self, runner: _Runner, turn: LiveTurn) -> None:
        runner.queue.append(turn)
        self._start_turns(runner)

    def _start_turns(self, runner: _Runner) -> None:
        while runner.queue and runner.turns < self._world.machine.parallel:
            runner.turns += 1
            self._world.start(runner.queue.popleft())

    def _expire_later(self, runner: _Runner) -> None:
        if self._keep_alive_s is None:
            return
        since = runner.idle_since

        def expire() -> None:
            if runner.is_idle and runner.idle_since == since and not runner.leaving:
                self._unload(runner)

        self._world.after(self._keep_alive_s, expire)

    def _unload(self, runner: _Runner) -> None:
        runner.leaving = True

        def gone() -> None:
            del self._runners[runner.model]
            self._world.meter.give_back(self._world.size_of(runner.model), self._world.now)
            self._evicting = False
            self._work()

        self._world.after(self._world.machine.unload_s, gone)

    def _work(self) -> None:
        """Serve the head of the queue: it alone, so that whoever it waits for keeps all behind it waiting."""
        while self._pending and self._loading is None and not self._evicting:
            turn = self._pending[0]
            runner = self._runners.get(turn.model)
            if runner is not None:
                if runner.leaving:
                    return  # its unload ends soon
                self._pending.popleft()
                self._queue_at(runner, turn)
            elif self._used_bytes() + self._world.size_of(turn.model) > self._world.machine.capacity_bytes:
                self._evict()
                return
            else:
                self._load(turn.model)

    def _used_bytes(self) -> int:
        return sum(self._world.size_of(model) for model in self._runners)

    def _evict(self) -> None:
        if any(runner.leaving for runner in self._runners.values()):
            return
        victim = next((r for _, r in sorted(self._runners.items()) if r.is_idle), None)
        if victim is not None:
            self._evicting = True
            self._world.meter.swaps += 1
            self._unload(victim)

    def _load(self, model: str) -> None:
        world = self._world
        began = world.now
        self._loading = model
        world.meter.take(world.size_of(model), began)
        runner = _Runner(model)

        def loaded() -> None:
            waits = [t.ready_s for t in self._pending if t.model == model]
            world.meter.loaded(world.now - began, world.now - max(began, min(waits, default=world.now)))
            self._loading = None
            self._runners[model] = runner
            self._work()

        world.after(world.load_s(model), loaded)


class EverythingResident:
    """All models of all roles in memory from the start to the end."""

    def __init__(self, world: World) -> None:
        """Load everything before anybody comes, which costs nothing.

        Raises:
            ValueError: it does not fit.
        """
        everything = sum(model.size_bytes for model in world.workload.models.values())
        if everything > world.machine.capacity_bytes:
            raise ValueError("all models together do not fit this machine")
        world.meter.take(everything, 0.0)
        self._world = world
        self._runners = {name: _Runner(name) for name in world.workload.models}

    def session_created(self, session: SimulatedSession) -> None:
        """Everything is there already."""

    def session_closed(self, session: SimulatedSession) -> None:
        """Everything stays."""

    def first_token(self, turn: LiveTurn) -> None:
        """Nothing follows from it."""

    def turn_ready(self, turn: LiveTurn) -> None:
        """Queue at the model."""
        runner = self._runners[turn.model]
        runner.queue.append(turn)
        self._start_turns(runner)

    def turn_ended(self, turn: LiveTurn) -> None:
        """Start the model's next turn."""
        runner = self._runners[turn.model]
        runner.turns -= 1
        self._start_turns(runner)

    def _start_turns(self, runner: _Runner) -> None:
        while runner.queue and runner.turns < self._world.machine.parallel:
            runner.turns += 1
            self._world.start(runner.queue.popleft())
