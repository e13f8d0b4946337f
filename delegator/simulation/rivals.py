"""What others do with the same machine: Ollama's own scheduler, and everything resident for good.

Ollama's: one queue for all loads, one load at a time, a keep-alive counted from the end of a model's last request, a
reload where the options differ, and, when memory is short, the first idle model in its own order (shortest keep-alive,
then file path), else a wait for the first of them that keeps everybody behind it waiting.
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
    """One loaded model.

    Attributes:
        expiring: chosen to make room, or to be loaded with other options; goes as soon as it is idle.
        gives_room: it makes room for another model.
    """

    model: str
    num_ctx: int
    turns: int = 0
    queue: deque[LiveTurn] = field(default_factory=deque)
    idle_since: float = 0.0
    leaving: bool = False
    expiring: bool = False
    gives_room: bool = False

    @property
    def is_idle(self) -> bool:
        return self.turns == 0 and not self.queue and not self.leaving


class _Queues:
    """The slots of loaded models, and the turns in line for each."""

    def __init__(self, world: World) -> None:
        self._world = world

    def put(self, runner: _Runner, turn: LiveTurn) -> None:
        runner.queue.append(turn)
        self._start(runner)

    def ended(self, runner: _Runner) -> None:
        runner.turns -= 1
        self._start(runner)

    def _start(self, runner: _Runner) -> None:
        while runner.queue and runner.turns < self._world.machine.parallel:
            runner.turns += 1
            self._world.start(runner.queue.popleft())


class OllamaResidency:
    """Ollama without a limit to the number of models. `keep_alive_s`: None keeps for ever."""

    def __init__(self, world: World, keep_alive_s: float | None = KEEP_ALIVE_S) -> None:
        """Schedule for `world`."""
        self._world = world
        self._queues = _Queues(world)
        self._keep_alive_s = keep_alive_s
        self._runners: dict[str, _Runner] = {}
        self._pending: deque[LiveTurn] = deque()
        self._is_loading = False
        self._awaits_unload = False

    def session_created(self, session: SimulatedSession) -> None:
        """Ollama knows no sessions."""

    def session_closed(self, session: SimulatedSession) -> None:
        """Ollama knows no sessions."""

    def first_token(self, turn: LiveTurn) -> None:
        """Nothing follows from it."""

    def turn_ready(self, turn: LiveTurn) -> None:
        """Queue at the model when it is loaded as wanted, else in the one queue of the server."""
        runner = self._runners.get(turn.model)
        if runner is not None and not runner.leaving and runner.num_ctx == turn.turn.num_ctx:
            self._queues.put(runner, turn)
        else:
            self._pending.append(turn)
            self._work()

    def turn_ended(self, turn: LiveTurn) -> None:
        """Start the next turn of the model; idle, it begins to run out, or goes where it was to."""
        runner = self._runners[turn.model]
        self._queues.ended(runner)
        if not runner.is_idle:
            return
        if runner.expiring:
            self._unload(runner)
        else:
            runner.idle_since = self._world.now
            self._expire_later(runner)
            self._work()

    def _expire_later(self, runner: _Runner) -> None:
        if self._keep_alive_s is None:
            return
        since = runner.idle_since

        def expire() -> None:
            if runner.is_idle and runner.idle_since == since:
                self._unload(runner)

        self._world.after(self._keep_alive_s, expire)

    def _unload(self, runner: _Runner) -> None:
        runner.leaving = True

        def gone() -> None:
            del self._runners[runner.model]
            self._awaits_unload = False
            self._work()

        self._world.memory.unload(runner.model, gone, for_room=runner.gives_room)

    def _work(self) -> None:
        """Serve the head of the queue: it alone, so that whoever it waits for keeps all behind it waiting."""
        while self._pending and not self._is_loading and not self._awaits_unload:
            turn = self._pending[0]
            runner = self._runners.get(turn.model)
            if runner is not None and runner.num_ctx == turn.turn.num_ctx and not runner.leaving:
                self._pending.popleft()
                self._queues.put(runner, turn)
            elif runner is not None:
                self._evict(runner, for_room=False)
            elif self._world.memory.used_bytes + self._world.size_of(turn.model) > self._world.machine.capacity_bytes:
                self._evict(self._victim(), for_room=True)
            else:
                self._load(turn)

    def _victim(self) -> _Runner:
        """Choose who makes room: who goes already, else the first idle one in order, else the first."""
        in_order = [runner for _, runner in sorted(self._runners.items())]
        leaving = [runner for runner in in_order if runner.leaving or runner.expiring]
        idle = [runner for runner in in_order if runner.is_idle]
        return (leaving or idle or in_order)[0]

    def _evict(self, victim: _Runner, *, for_room: bool) -> None:
        """Have a model go once it is idle; nothing is loaded before some model has gone."""
        self._awaits_unload = True
        victim.expiring = True
        victim.gives_room = for_room
        if victim.is_idle:
            self._unload(victim)

    def _load(self, turn: LiveTurn) -> None:
        self._is_loading = True

        def loaded(_arrived: bool) -> None:
            self._is_loading = False
            self._runners[turn.model] = _Runner(turn.model, turn.turn.num_ctx)
            self._work()

        self._world.memory.load(turn.model, turn.turn.num_ctx, loaded)


class EverythingResident:
    """All models of all roles in memory from the start to the end."""

    def __init__(self, world: World) -> None:
        """Have everything there before anybody comes, which costs nothing.

        Raises:
            ValueError: it does not fit.
        """
        world.memory.fill()
        self._queues = _Queues(world)
        self._runners = {name: _Runner(name, model.num_ctx) for name, model in world.workload.models.items()}

    def session_created(self, session: SimulatedSession) -> None:
        """Everything is there already."""

    def session_closed(self, session: SimulatedSession) -> None:
        """Everything stays."""

    def first_token(self, turn: LiveTurn) -> None:
        """Nothing follows from it."""

    def turn_ready(self, turn: LiveTurn) -> None:
        """Queue at the model."""
        self._queues.put(self._runners[turn.model], turn)

    def turn_ended(self, turn: LiveTurn) -> None:
        """Start the model's next turn."""
        self._queues.ended(self._runners[turn.model])
