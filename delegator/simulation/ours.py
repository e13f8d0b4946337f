"""Delegator on the simulated machine: the production dispatcher, its decisions carried out on a made-up clock."""

from __future__ import annotations

from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Change, Decision, Dispatcher, Later, TurnRequest
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.residency.policy import Policy, policy_of
from delegator.settings import ResidencySettings
from delegator.simulation.memory import LoadUnderWay
from delegator.simulation.workload import SimulatedSession
from delegator.simulation.world import LiveTurn, World


class DelegatorResidency:
    """Asks a `Dispatcher` after everything that happens, and does what it says."""

    def __init__(self, world: World, policy: Policy | None = None) -> None:
        """Decide for `world` by `policy`; without one by the settings' defaults."""
        self._world = world
        self._ledger = Ledger(world.machine.capacity_bytes)
        self.dispatcher = Dispatcher(
            self._ledger,
            policy or policy_of(ResidencySettings(), parallel=world.machine.parallel),
            size_of=world.size_of,
            load_s=world.load_s,
        )
        self._asked: dict[str, LiveTurn] = {}
        self._load: LoadUnderWay | None = None
        self._wake_at: float | None = None

    # ── told by the world ────────────────────────────────────────────────────────────────────────────────────────

    def session_created(self, session: SimulatedSession) -> None:
        """Announce the session, and bring its first speaker's model in."""
        lead, *others = session.team
        self._announce(
            TurnRequest(
                f"warm:{session.session_id}",
                session.session_id,
                lead,
                self._limit_of(session),
                needs_slot=False,
                outlook=Outlook(session.session_id, lead, tuple(others)),
            )
        )

    def session_closed(self, session: SimulatedSession) -> None:
        """Let go of what it held."""
        self.dispatcher.close_session(session.session_id, self._world.now)
        for entry in self._ledger.held_by(session.session_id):
            entry.holders.discard(session.session_id)
        self._pump()

    def turn_ready(self, turn: LiveTurn) -> None:
        """Announce a turn, with what its task will need after it."""
        self._asked[turn.turn_id] = turn
        rest = turn.task.turns[turn.index + 1 :]
        self._announce(
            TurnRequest(
                turn.turn_id,
                turn.session.session_id,
                turn.model,
                self._limit_of(turn.session),
                task_id=turn.task_id,
                later=tuple(Later(one.model, ahead) for ahead, one in enumerate(rest, start=1)),
                continues=bool(rest),
            )
        )

    def first_token(self, turn: LiveTurn) -> None:
        """Tell the dispatcher that a turn speaks."""
        self.dispatcher.first_token(turn.turn_id, self._world.now)
        self._pump()

    def turn_ended(self, turn: LiveTurn) -> None:
        """Give the slot back."""
        self.dispatcher.finish(turn.turn_id, self._world.now)
        self._world.at(self._world.now, self._pump)  # after the task's next turn has been asked

    def _announce(self, request: TurnRequest) -> None:
        self.dispatcher.announce(request, self._world.now)
        self._pump()

    def _limit_of(self, session: SimulatedSession) -> int:
        capacity = self._world.machine.capacity_bytes
        return capacity if session.limit_bytes is None else min(capacity, session.limit_bytes)

    # ── doing what is decided ────────────────────────────────────────────────────────────────────────────────────

    def _pump(self) -> None:
        decision = self.dispatcher.decide(self._world.now)
        for turn_id, why in decision.refused:
            raise ValueError(f"{turn_id} can never run on this machine: {why}")
        for turn_id in decision.grants:
            if (turn := self._asked.pop(turn_id, None)) is not None:
                self._world.start(turn)
        for model in decision.drops:
            self._unload(model, for_room=False)
        if decision.change is not None:
            self._carry_out(decision.change)
        if decision.cancel and self._load is not None:
            load = self._load
            self._world.at(self._world.now, lambda: load.end(arrived=False))
        self._wake(decision)

    def _wake(self, decision: Decision) -> None:
        moment = decision.wake_at
        if moment is not None and (self._wake_at is None or moment < self._wake_at):
            self._wake_at = moment
            self._world.at(moment, self._woken)

    def _woken(self) -> None:
        self._wake_at = None
        self._pump()

    def _unload(self, model: str, *, for_room: bool, change: Change | None = None) -> None:
        """Unload a model; with the last one of a change gone, load what that was for."""

        def gone() -> None:
            self._ledger.drop(model)
            if change is None:
                self._pump()
            elif not any(other in self._ledger for other in change.evict):
                self._bring_in(change)

        self._world.memory.unload(model, gone, for_room=for_room)

    def _carry_out(self, change: Change) -> None:
        for model in change.evict:
            self._unload(model, for_room=change.load is not None, change=change)
        if not change.evict:
            self._bring_in(change)

    def _bring_in(self, change: Change) -> None:
        if change.load is None:
            self._change_done()
            return
        model = self._world.workload.models[change.load]
        entry = self._ledger.put(Entry(model.name, 0, model.size_bytes, Phase.LOADING, measured=True))
        if not self.dispatcher.is_over(change.session_id):
            entry.holders.add(change.session_id)
        self._load = self._world.memory.load(
            model.name, model.num_ctx, lambda arrived: self._loaded(entry, arrived=arrived)
        )

    def _loaded(self, entry: Entry, *, arrived: bool) -> None:
        self._load = None
        if arrived:
            entry.phase = Phase.RESIDENT
            entry.last_used = self._world.now
        else:
            self._ledger.drop(entry.model)
        self._change_done()

    def _change_done(self) -> None:
        self.dispatcher.change_done()
        self._pump()
