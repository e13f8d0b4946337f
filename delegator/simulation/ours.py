"""Delegator on the simulated machine: the production dispatcher, its decisions carried out on a made-up clock."""

from __future__ import annotations

from collections.abc import Callable

from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Change, Decision, Dispatcher, Later, Policy, TurnRequest
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.simulation.workload import SimulatedSession
from delegator.simulation.world import LiveTurn, World


class DelegatorResidency:
    """Asks a `Dispatcher` after everything that happens, and does what it says."""

    def __init__(self, world: World, policy: Policy | None = None) -> None:
        """Decide for `world` by `policy`."""
        self._world = world
        self._ledger = Ledger(world.machine.capacity_bytes)
        self.dispatcher = Dispatcher(
            self._ledger, policy or Policy(parallel=world.machine.parallel), size_of=world.size_of, load_s=world.load_s
        )
        self._asked: dict[str, LiveTurn] = {}
        self._load: _Loading | None = None
        self._wake_at: float | None = None

    # ── told by the world ────────────────────────────────────────────────────────────────────────────────────────

    def session_created(self, session: SimulatedSession) -> None:
        """Announce the session, and bring its first speaker's model in."""
        lead, *others = session.team
        outlook = Outlook(session.session_id, lead, tuple(others))
        self.dispatcher.announce(
            TurnRequest(
                f"warm:{session.session_id}", session.session_id, lead, self._all, needs_slot=False, outlook=outlook
            ),
            self._world.now,
        )
        self._pump()

    def session_closed(self, session: SimulatedSession) -> None:
        """Let go of what it held."""
        self.dispatcher.close_session(session.session_id, self._world.now)
        for entry in self._ledger.held_by(session.session_id):
            entry.holders.discard(session.session_id)
        self._pump()

    def turn_ready(self, turn: LiveTurn) -> None:
        """Announce a turn, with what its task will need after it."""
        self._asked[turn.turn_id] = turn
        later = tuple(
            Later(one.model, ahead) for ahead, one in enumerate(turn.task.turns[turn.index + 1 :], start=1)
        )
        self.dispatcher.announce(
            TurnRequest(
                turn.turn_id,
                turn.session.session_id,
                turn.model,
                self._all,
                task_id=turn.task_id,
                later=later,
                continues=bool(later),
            ),
            self._world.now,
        )
        self._pump()

    def first_token(self, turn: LiveTurn) -> None:
        """Tell the dispatcher that a turn speaks."""
        self.dispatcher.first_token(turn.turn_id, self._world.now)
        self._pump()

    def turn_ended(self, turn: LiveTurn) -> None:
        """Give the slot back."""
        self.dispatcher.finish(turn.turn_id, self._world.now)
        self._world.at(self._world.now, self._pump)  # after the task's next turn has been asked

    @property
    def _all(self) -> int:
        return self._world.machine.capacity_bytes

    # ── doing what is decided ────────────────────────────────────────────────────────────────────────────────────

    def _pump(self) -> None:
        decision = self.dispatcher.decide(self._world.now)
        for turn_id, why in decision.refused:
            raise ValueError(f"{turn_id} can never run on this machine: {why}")
        for turn_id in decision.grants:
            if (turn := self._asked.pop(turn_id, None)) is not None:
                self._world.start(turn)
        for model in decision.drops:
            self._unload(model, lambda: self._pump())
        if decision.change is not None:
            self._carry_out(decision.change)
        if decision.cancel and self._load is not None:
            self._load.break_off()
        self._wake(decision)

    def _wake(self, decision: Decision) -> None:
        moment = decision.wake_at
        if moment is not None and (self._wake_at is None or moment < self._wake_at):
            self._wake_at = moment
            self._world.at(moment, self._woken)

    def _woken(self) -> None:
        self._wake_at = None
        self._pump()

    def _unload(self, model: str, then: Callable[[], None]) -> None:
        def gone() -> None:
            self._ledger.drop(model)
            self._world.meter.give_back(self._world.size_of(model), self._world.now)
            then()

        self._world.after(self._world.machine.unload_s, gone)

    def _carry_out(self, change: Change) -> None:
        leaving = set(change.evict)
        self._world.meter.swaps += len(leaving)

        def one_less(model: str) -> None:
            leaving.discard(model)
            if not leaving:
                self._bring_in(change)

        for model in change.evict:
            self._unload(model, lambda model=model: one_less(model))  # type: ignore[misc]
        if not leaving:
            self._bring_in(change)

    def _bring_in(self, change: Change) -> None:
        if change.load is None:
            self.dispatcher.change_done()
            self._pump()
            return
        world = self._world
        size = world.size_of(change.load)
        entry = self._ledger.put(Entry(change.load, 0, size, Phase.LOADING, measured=True))
        if not self.dispatcher.is_over(change.session_id):
            entry.holders.add(change.session_id)
        world.meter.take(size, world.now)
        self._load = _Loading(self, entry)
        self._load.begin()

    def load_ended(self, entry: Entry, began: float, *, arrived: bool) -> None:
        """Enter a load's end, well or broken off."""
        world = self._world
        waits = [t.ready_s for t in self._asked.values() if t.model == entry.model]
        waited_s = world.now - max(began, min(waits)) if waits else 0.0
        world.meter.loaded(world.now - began, waited_s)
        self._load = None
        if arrived:
            entry.phase = Phase.RESIDENT
            entry.last_used = world.now
        else:
            self._ledger.drop(entry.model)
            world.meter.give_back(entry.size_bytes, world.now)
        self.dispatcher.change_done()
        self._pump()


class _Loading:
    """A load under way."""

    def __init__(self, residency: DelegatorResidency, entry: Entry) -> None:
        self._residency = residency
        self._entry = entry
        self._began = 0.0
        self._is_over = False

    def begin(self) -> None:
        world = self._residency._world
        self._began = world.now
        world.after(world.load_s(self._entry.model), lambda: self._end(arrived=True))

    def break_off(self) -> None:
        self._residency._world.at(self._residency._world.now, lambda: self._end(arrived=False))

    def _end(self, *, arrived: bool) -> None:
        if not self._is_over:
            self._is_over = True
            self._residency.load_ended(self._entry, self._began, arrived=arrived)
