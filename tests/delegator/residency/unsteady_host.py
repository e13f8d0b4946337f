"""A made-up host that drives the dispatcher as `actors/model_host.py` does, and looks at every decision it makes.

Its clock jumps from event to event. Unloads and loads take time and may fail, callers give up, sessions close in the
middle, other clients' models come and go: what the dispatcher then decides must keep its promises all the same.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from delegator.residency.decisions import Change, Decision
from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Dispatcher, Policy
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.residency.planner import Wait
from delegator.residency.requests import Later, TurnRequest
from delegator.settings import GB

UNLOAD_S = 0.2
GRACE_S = 30.0
MOST_EVENTS = 30_000


@dataclass(frozen=True)
class Rates:
    """How often something goes wrong, 0 to 1 each."""

    load_fails: float = 0.0
    unload_fails: float = 0.0
    gives_up: float = 0.0
    breaks_off: float = 0.0
    larger: float = 0.0


CALM = Rates()


@dataclass
class Asked:
    """A turn: what it asked, when, how long it reads and writes, and what follows it."""

    request: TurnRequest
    asked_at: float
    reading_s: float
    writing_s: float
    then: Callable[[], object]
    granted_at: float | None = None
    ended_at: float | None = None


@dataclass
class UnsteadyHost:
    """One endpoint with `models` {name: bytes}; every decision is checked where it is made."""

    models: Mapping[str, int]
    capacity_bytes: int
    policy: Policy = field(default_factory=Policy)
    rates: Rates = CALM
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    max_models: int | None = None

    def __post_init__(self) -> None:
        self.now = 0.0
        self.ledger = Ledger(self.capacity_bytes)
        self.ledger.max_models = self.max_models
        self.sizes = dict(self.models)
        self.dispatcher = Dispatcher(
            self.ledger, self.policy, size_of=lambda model: self.sizes[model], load_s=self.load_s
        )
        self.waiting: dict[str, Asked] = {}
        self.running: dict[str, Asked] = {}
        self.past: list[Asked] = []
        self.closed: set[str] = set()
        self.loads: list[str] = []
        self.drops: list[tuple[float, str]] = []
        self.wakes = 0
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0
        self._wake: object = None
        self._change: Change | None = None
        self._end_load: Callable[[bool], None] | None = None
        self._foreseen: dict[str, tuple[str, str, Asked]] = {}

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def load_s(self, model: str) -> float:
        return self.models[model] / GB / 2 + 0.5

    def at(self, moment: float, action: Callable[[], object]) -> None:
        self._count += 1
        heapq.heappush(self._events, (max(moment, self.now), self._count, action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        self.at(self.now + seconds, action)

    def run(self, until: float = float("inf")) -> None:
        """Let everything happen up to a moment, or until nothing is to come."""
        begun_with = self._count
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heapq.heappop(self._events)
            action()
            assert self._count - begun_with < MOST_EVENTS, "a busy loop"
        if until != float("inf"):
            self.now = max(self.now, until)

    def _fails(self, rate: float) -> bool:
        return self.dice.random() < rate

    # ── sessions and turns ───────────────────────────────────────────────────────────────────────────────────────

    def open(self, session_id: str, lead: str, *others: str) -> None:
        self.dispatcher.open_session(Outlook(session_id, lead, others), self.now)
        self.pump()

    def close(self, session_id: str) -> None:
        """End a session as `ModelHost.release_models` does."""
        self.closed.add(session_id)
        self.dispatcher.close_session(session_id, self.now)
        for turn_id in [t for t, asked in self.waiting.items() if asked.request.session_id == session_id]:
            self.withdraw(turn_id)
        for entry in self.ledger.held_by(session_id):
            entry.holders.discard(session_id)
            if entry.holders:
                continue
            wanted = any(asked.request.model == entry.model for asked in self.waiting.values())
            if entry.phase is Phase.LOADING and not wanted and self._end_load is not None:
                self._end_load(False)
            elif not entry.busy and not entry.pinned:
                heirs = self.dispatcher.heirs(entry.model, self.now)
                assert not self.closed.intersection(heirs)
                entry.holders.update(heirs)
                if not heirs:
                    entry.phase = Phase.UNLOADING
                    self._unload(entry.model, lambda gone: self.pump())
        self.pump()

    def ask(
        self,
        request: TurnRequest,
        *,
        reading_s: float = 3.0,
        writing_s: float = 15.0,
        then: Callable[[], object] = lambda: None,
    ) -> Asked:
        """Announce a turn; it runs as long as told once it is granted."""
        asked = Asked(request, self.now, reading_s, writing_s, then)
        assert request.turn_id not in self.waiting
        assert request.turn_id not in self.running
        self.waiting[request.turn_id] = asked
        self._foreseen.pop(request.task_id, None)
        self.dispatcher.announce(request, self.now)
        if self._fails(self.rates.gives_up):
            self.after(self.dice.uniform(0, 100), lambda: self.give_up(asked))
        self.pump()
        return asked

    def task(self, session_id: str, task_id: str, speakers: list[str], limit_bytes: int | None = None) -> None:
        """Let the models speak in turn, each as soon as the one before has ended; the task may break off."""
        model, *rest = speakers
        request = TurnRequest(
            f"{task_id}:{len(rest)}", session_id, model, limit_bytes or self.capacity_bytes, task_id=task_id,
            later=tuple(Later(name, ahead) for ahead, name in enumerate(rest, start=1)), continues=bool(rest),
        )  # fmt: skip

        def go_on() -> None:
            if rest and session_id not in self.closed and not self._fails(self.rates.breaks_off):
                self.task(session_id, task_id, rest, limit_bytes)

        if session_id not in self.closed:
            self.ask(request, reading_s=self.dice.uniform(0.5, 5), writing_s=self.dice.uniform(1, 25), then=go_on)

    def withdraw(self, turn_id: str) -> None:
        self.waiting.pop(turn_id, None)
        self.dispatcher.withdraw(turn_id)

    def give_up(self, asked: Asked) -> None:
        if self.waiting.get(asked.request.turn_id) is asked:
            self.withdraw(asked.request.turn_id)
            self.pump()

    def _speak(self, asked: Asked) -> None:
        turn_id = asked.request.turn_id
        fails = self._fails(self.rates.breaks_off)

        def first_token() -> None:
            self.dispatcher.first_token(turn_id, self.now)
            self.pump()

        def end() -> None:
            del self.running[turn_id]
            asked.ended_at = self.now
            self.past.append(asked)
            assert self.dispatcher.finish(turn_id, self.now)
            assert not self.dispatcher.finish(turn_id, self.now)
            self.at(self.now, self.pump)
            if not fails:
                asked.then()

        if not fails:
            self.after(asked.reading_s, first_token)
        self.after(asked.reading_s + (0.0 if fails else asked.writing_s), end)

    # ── what happens by itself ───────────────────────────────────────────────────────────────────────────────────

    def foreign_comes(self, name: str, size_bytes: int) -> None:
        if name not in self.ledger:
            self.sizes[name] = size_bytes
            self.ledger.put(Entry(name, 0, size_bytes, Phase.RESIDENT, foreign=True))
        self.pump()

    def vanishes(self, name: str) -> None:
        """An idle model leaves by itself: another client's, or one of ours that Ollama has lost."""
        entry = self.ledger.get(name)
        if entry is not None and not entry.busy:
            self.ledger.drop(name)
        self.pump()

    def set_pinned(self, name: str, pinned: bool) -> None:
        entry = self.ledger.get(name)
        if entry is not None and entry.phase is Phase.RESIDENT:
            entry.pinned = pinned
        self.pump()

    def touch(self, name: str) -> None:
        """Refresh an idle model's keep-alive: for a moment it must not be unloaded."""
        entry = self.ledger.get(name)
        if entry is None or entry.busy or entry.foreign:
            return

        def done() -> None:
            entry.touched = False
            self.pump()

        entry.touched = True
        self.after(0.3, done)

    # ── deciding, and looking at what was decided ────────────────────────────────────────────────────────────────

    def pump(self) -> None:
        before = {entry.model: _marks(entry) for entry in self.ledger.entries()}
        decision = self.dispatcher.decide(self.now)
        self._take_answers(decision)
        for model in decision.drops:
            assert before[model] == FREE_TO_GO
            assert model not in self._announced(pressing=False)
            self._check_idle(model)
            self.drops.append((self.now, model))
            self._unload(model, lambda gone: None if not gone else self.pump())
        if decision.change is not None:
            assert self._change is None, "one change at a time"
            self._check_change(decision.change, before)
            self._carry_out(decision.change)
        for entry in self.ledger.entries():
            assert not entry.holders & self.closed, "a closed session holds nothing"
            assert len(entry.turns) <= self.policy.parallel
        on_slots = [turn_id for entry in self.ledger.entries() for turn_id in entry.turns]
        assert sorted(on_slots) == sorted(self.running)
        assert self.dispatcher.running() == {t: asked.request.model for t, asked in self.running.items()}
        if decision.cancel and self._end_load is not None:
            assert self._change is not None
            assert self._change.speculative
            self._end_load(False)
        self._sleep_until(decision.wake_at)

    def _take_answers(self, decision: Decision) -> None:
        for turn_id, why in decision.refused:
            request = self.waiting.pop(turn_id).request
            too_large = self.sizes[request.model] > min(self.capacity_bytes, request.limit_bytes)
            assert request.spare_only or too_large or (request.by_hand and isinstance(why, Wait))
            assert (why is None) <= request.spare_only
        assert len(decision.grants) == len(set(decision.grants))
        for turn_id in decision.grants:
            asked = self.waiting.pop(turn_id)
            entry = self.ledger.require(asked.request.model)
            assert entry.phase is Phase.RESIDENT or not asked.request.needs_slot
            assert not entry.foreign
            asked.granted_at = self.now
            if asked.request.needs_slot:
                assert turn_id in entry.turns
                self.running[turn_id] = asked
                following = asked.request.next_model
                if following and asked.request.session_id not in self.closed:
                    self._foreseen[asked.request.task_id] = (asked.request.session_id, following, asked)
                self._speak(asked)

    def _announced(self, *, pressing: bool) -> set[str]:
        """Return the models that no change may touch: reckoned here anew, not asked of the dispatcher."""
        if pressing:
            return set()
        foreseen = {
            model
            for session_id, model, after in self._foreseen.values()
            if session_id not in self.closed and (after.ended_at is None or self.now < after.ended_at + GRACE_S)
        }
        return {asked.request.model for asked in self.waiting.values()} | foreseen

    def _may_get_room(self, request: TurnRequest) -> bool:
        """Return whether a turn waits for a model that is not in memory, in room that what is not ours leaves."""
        there = self.ledger.get(request.model)
        if request.by_hand or request.spare_only or (there is not None and not there.foreign):
            return False
        stays = [e for e in self.ledger.entries() if (e.foreign or e.pinned) and e.model != request.model]
        has_place = self.ledger.max_models is None or len(stays) < self.ledger.max_models
        return has_place and sum(e.size_bytes for e in stays) + self.sizes[request.model] <= self.capacity_bytes

    def ask_by_hand(self, model: str, keep_s: float) -> None:
        self._count += 1
        self.ask(
            TurnRequest(
                f"hand:{self._count}", "by hand", model, self.capacity_bytes, needs_slot=False, by_hand_s=keep_s
            )
        )

    def _check_idle(self, model: str) -> None:
        entry = self.ledger.require(model)
        assert not entry.turns, "nothing leaves while somebody speaks with it"
        assert entry.phase is Phase.UNLOADING

    def _check_change(self, change: Change, before: Mapping[str, object]) -> None:
        asked = self.waiting.get(change.turn_id)
        assert (asked is None) == change.speculative
        by_hand = asked is not None and asked.request.by_hand
        pressing = asked is not None and not by_hand and self.now >= asked.asked_at + self.policy.patience_s
        if by_hand:
            assert not any(self._may_get_room(other.request) for other in self.waiting.values()), "turns go first"
        for model in change.evict:
            assert before[model] == FREE_TO_GO
            assert model not in self._announced(pressing=pressing)
            self._check_idle(model)
        if change.load is None:
            return
        there = self.ledger.get(change.load)
        assert there is None or there.foreign
        kept = [e for e in self.ledger.entries() if e.model not in (*change.evict, change.load)]
        assert sum(e.size_bytes for e in kept) + self.sizes[change.load] <= self.capacity_bytes
        assert self.ledger.max_models is None or not change.evict or len(kept) < self.ledger.max_models

    def _sleep_until(self, moment: float | None) -> None:
        token = self._wake = object()

        def woken() -> None:
            if self._wake is token:
                self.wakes += 1
                self.pump()

        if moment is not None:
            assert moment > self.now
            self.at(moment, woken)

    # ── carrying out ─────────────────────────────────────────────────────────────────────────────────────────────

    def _unload(self, model: str, then: Callable[[bool], None]) -> None:
        entry = self.ledger.require(model)

        def end() -> None:
            if self._fails(self.rates.unload_fails):
                entry.phase = Phase.RESIDENT
                then(False)
            else:
                assert self.ledger.get(model) is entry
                self.ledger.drop(model)
                then(True)

        self.after(UNLOAD_S * self.dice.choice((1, 1, 5)), end)

    def _carry_out(self, change: Change) -> None:
        self._change = change
        left = list(change.evict)

        def proceed(went_well: bool) -> None:
            if not went_well:
                self._end_change(change, failed=True)
            elif left:
                self._unload(left.pop(0), proceed)
            elif change.load is not None and self._is_still_wanted(change):
                self._bring_in(change, change.load)
            else:
                self._end_change(change, failed=False)

        proceed(True)

    def _is_still_wanted(self, change: Change) -> bool:
        if change.speculative:
            return change.session_id not in self.closed
        return change.turn_id in self.waiting

    def _bring_in(self, change: Change, model: str) -> None:
        self.loads.append(model)
        if self._fails(self.rates.larger):
            self.sizes[model] = min(self.capacity_bytes, int(self.models[model] * 1.2))
        entry = self.ledger.put(Entry(model, 0, self.sizes[model], Phase.LOADING, holders={change.session_id}))

        def end(arrived: bool) -> None:
            if self._end_load is not end:
                return
            self._end_load = None
            if arrived:
                entry.phase, entry.last_used = Phase.RESIDENT, self.now
            else:
                self.ledger.drop(model)
            self._end_change(change, failed=not arrived)

        fails = self._fails(self.rates.load_fails)
        self._end_load = end
        self.after(self.load_s(model), lambda: end(not fails))

    def _end_change(self, change: Change, *, failed: bool) -> None:
        for model in change.evict:
            entry = self.ledger.get(model)
            if entry is not None and entry.phase is Phase.UNLOADING:
                entry.phase = Phase.RESIDENT
        if failed and change.turn_id:
            self.withdraw(change.turn_id)
        self._change = None
        self.dispatcher.change_done()
        self.at(self.now, self.pump)


FREE_TO_GO = (False, False, False, Phase.RESIDENT)


def _marks(entry: Entry) -> tuple[bool, bool, bool, Phase]:
    return entry.foreign, entry.pinned, bool(entry.turns) or entry.touched, entry.phase
