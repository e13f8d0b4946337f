"""Decides, for one endpoint, everything that happens next: which turns start, what is loaded, prefetched and let go.

Is told what is asked and what has happened; `decide` answers what to do now and when to ask again at the latest.
Knows no Ollama, no Ray and no clock but the moments it is given, so that `actors/model_host.py` in earnest and the
simulation on a made-up clock drive the very same object.

The rules, in their order:

1. A turn whose model is resident starts when a slot is free; the oldest first (`turns.py`).
2. Of the turns whose model is not resident, the oldest that can get it does (`planner.py`): one change at a time.
   Who has waited beyond its patience goes before everybody: what stands in its way takes nothing new and must leave.
3. With nobody ready waiting for room, the model of the next speaker of a running task is brought in, just in time for
   the end of the turn that runs: not before its first token, and not sooner than learned turn times call for.
   A prefetch under way is broken off when it keeps somebody who is ready from the memory.
4. What is idle and not announced goes when keeping it no longer pays (`lingering.py`).

What somebody asks for by hand is loaded while no turn waits for room that it may get, where room is free or is left by
idle models which nobody announced; it is refused where there is no such room, and never keeps anybody waiting.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import replace

from delegator.residency.decisions import Change, Decision, Foretold
from delegator.residency.demand import Demand, Outlook
from delegator.residency.foreseen import Timing
from delegator.residency.keeping import IdleModels
from delegator.residency.ledger import Ledger, Phase
from delegator.residency.pace import Pace
from delegator.residency.planner import Load, Plan, Refuse, Reuse, Snapshot, Wait, Wish, plan_residency
from delegator.residency.policy import Policy
from delegator.residency.prefetching import Prefetching
from delegator.residency.queue import Queued, QueueState, UnderWay
from delegator.residency.requests import Later, Running, TurnRequest, Waiting
from delegator.residency.tasks_under_way import TasksUnderWay
from delegator.residency.turns import WaitingTurn, grantable

__all__ = ["Change", "Decision", "Dispatcher", "Foretold", "Later", "Policy", "TurnRequest"]

REMEMBERED_SESSIONS = 1000
"""Closed sessions for which nothing is held any more; a claim under way is seconds old, not a thousand sessions."""


class Dispatcher:
    """All decisions of one endpoint. Every moment given to it is in model seconds and never goes back."""

    def __init__(
        self,
        ledger: Ledger,
        policy: Policy,
        *,
        size_of: Callable[[str], int],
        load_s: Callable[[str], float],
    ) -> None:
        """Decide over `ledger`, which whoever carries the changes out keeps true.

        Args:
            size_of: bytes a model takes, measured or estimated.
            load_s: model seconds its load takes, learned or estimated.
        """
        self.ledger = ledger
        self.policy = policy
        self.demand = Demand(policy.prices)
        self.pace = Pace()
        self.lingers = True
        """False: nothing goes for idleness alone, as before it is known which sessions are open."""
        self._size_of = size_of
        self._load_s = load_s
        self._waiting: dict[str, Waiting] = {}
        self._running: dict[str, Running] = {}
        self._tasks = TasksUnderWay()
        self._prefetching = Prefetching(ledger, self.pace, policy.prices, size_of=size_of, load_s=load_s)
        self._idle = IdleModels(ledger, self.demand, load_s)
        self._over: OrderedDict[str, None] = OrderedDict()
        self._change: Change | None = None
        self._change_since = 0.0

    @property
    def prefetches(self) -> Counter[Foretold]:
        """Return how often a prefetch was begun, and what became of those."""
        return self._prefetching.counts

    # ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────

    def open_session(self, outlook: Outlook, now: float) -> None:
        """Begin to expect tasks of a session; call again when its team has changed."""
        if outlook.session_id not in self._over:
            self.demand.open(outlook, now)

    def close_session(self, session_id: str, now: float) -> None:
        """Hold and expect nothing for a session any more, even where an older claim still names it."""
        self._over[session_id] = None
        while len(self._over) > REMEMBERED_SESSIONS:
            self._over.popitem(last=False)
        self.demand.close(session_id, now)
        self._tasks.close_session(session_id)
        self._idle.close_session(session_id)
        self._prefetching.drop_session(session_id)

    def reopen_sessions(self) -> None:
        """Forget which sessions are over: in a new life of the `SessionManager` cut short ends are open again."""
        self._over.clear()

    def is_over(self, session_id: str) -> bool:
        """Return whether the session was closed here."""
        return session_id in self._over

    def announce(self, request: TurnRequest, now: float) -> None:
        """Take a turn that is ready; one that is known already is not asked twice."""
        if request.turn_id in self._waiting or request.turn_id in self._running:
            return
        if request.outlook is not None:
            self.open_session(request.outlook, now)
        self._waiting[request.turn_id] = Waiting(request, now)
        self._idle.met(request.session_id, request.model)
        if request.task_id and request.session_id not in self._over:
            self.demand.begin_task(request.session_id, request.task_id, now)
            self._tasks.announced(request)
            self._prefetching.meet(request)

    def withdraw(self, turn_id: str) -> None:
        """Forget a turn that waits; unknown ids are fine."""
        waiting = self._waiting.pop(turn_id, None)
        if waiting is not None:
            self._tasks.given_up(waiting.request)

    def first_token(self, turn_id: str, now: float) -> None:
        """Note that a running turn speaks: from now on the next speaker's model may be brought in."""
        running = self._running.get(turn_id)
        if running is not None and running.first_token_at is None:
            running.first_token_at = now
            self.pace.note_reading(running.request.model, now - running.granted_at)

    def finish(self, turn_id: str, now: float) -> bool:
        """Give a turn's slot back; return False for one that does not run."""
        running = self._running.pop(turn_id, None)
        if running is None:
            return False
        running.ended_at = now
        request = running.request
        entry = self.ledger.get(request.model)
        if entry is not None:
            entry.turns.discard(turn_id)
            entry.last_used = now
        if running.first_token_at is not None:
            self.pace.note_writing(request.model, now - running.first_token_at)
        if self._tasks.ended(running, self._foreseen(request, now), now):
            self.demand.end_task(request.session_id, request.task_id, now)
        return True

    def running(self) -> dict[str, str]:
        """Return the turns under way with their models."""
        return {turn_id: running.request.model for turn_id, running in self._running.items()}

    def waiting(self) -> list[TurnRequest]:
        """Return the turns that wait, oldest first."""
        return [w.request for w in sorted(self._waiting.values(), key=lambda w: w.since)]

    def has_time(self, *, beside: Collection[str] = ()) -> bool:
        """Return whether nothing waits here and nothing is to be brought in, but for these sessions."""
        return not self._prefetching.times() and all(w.request.session_id in beside for w in self._waiting.values())

    def forget_wish(self, session_id: str, model: str) -> None:
        """Keep a model no longer for what was wished for it; without such a wish nothing changes."""
        self._idle.met(session_id, model)

    def user_of(self, turn_id: str) -> str | None:
        """Return the session whose turn runs under that id."""
        running = self._running.get(turn_id)
        return None if running is None else running.request.session_id

    def is_announced(self, model: str) -> bool:
        """Return whether work for a model waits, or is about to come."""
        return model in self._announced()

    def queue(self, now: float, *, without: Collection[str] = ()) -> QueueState:
        """Return what is known of the turns that wait and of those before them, but for these sessions' wishes."""
        asked = [w for w in self._in_order() if not w.request.by_hand and w.request.session_id not in without]
        waiting = tuple(self._queued(w, now) for w in asked)
        models = {*(turn.model for turn in waiting), *self.running().values()}
        load_s = {turn.model: self._load_s(turn.model) for turn in waiting}
        return QueueState(
            waiting=waiting,
            running=tuple((r.request.model, self._left_s(r, now)) for r in self._running.values()),
            change=self._under_way(now),
            timing=Timing(load_s, {model: self.pace.turn_s(model) for model in models}),
            patience_s=self.policy.patience_s,
            parallel=self.policy.parallel,
        )

    def _queued(self, waiting: Waiting, now: float) -> Queued:
        request = waiting.request
        return Queued(
            request.turn_id,
            request.session_id,
            request.task_id,
            request.model,
            self._size_of(request.model),
            request.limit_bytes,
            now - waiting.since,
            needs_slot=request.needs_slot,
            blocked_by=waiting.blocked_by,
            pressed=waiting.pressed,
        )

    def _left_s(self, running: Running, now: float) -> float:
        spoke_at = running.first_token_at
        since_token_s = None if spoke_at is None else now - spoke_at
        return self.pace.left_s(
            running.request.model, since_grant_s=now - running.granted_at, since_token_s=since_token_s
        )

    def _under_way(self, now: float) -> UnderWay | None:
        change = self._change
        if change is None:
            return None
        load_s, size = (0.0, 0) if change.load is None else (self._load_s(change.load), self._size_of(change.load))
        left_s = max(0.0, load_s - (now - self._change_since))
        return UnderWay(change.evict, change.load, size, change.session_id, left_s)

    def waited_s(self, turn_id: str, now: float) -> float:
        """Return how long a waiting turn has waited."""
        waiting = self._waiting.get(turn_id)
        return now - waiting.since if waiting else 0.0

    @property
    def change(self) -> Change | None:
        """Return the change under way."""
        return self._change

    def change_done(self) -> None:
        """Note that the change under way has ended, well or not."""
        self._change = None
        self._prefetching.load_ended()

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def decide(self, now: float) -> Decision:
        """Return what to do now; what it says about the ledger is entered there already."""
        out = Decision()
        self._end_tasks_that_broke_off(now)
        self._grant(out, now)
        if self._change is None:
            self._begin_change(out, now)
        elif self._change.speculative and self._is_in_the_way(self._change, now):
            self._prefetching.cancelled()
            out.cancel = True
        if self.lingers:
            self._let_go_of_idle(out, now)
        if out.change is not None:
            self._change_since = now
        out.wake_at = self._next_moment(now)
        out.foretold = self._prefetching.take_told()
        return out

    def snapshot(self, now: float) -> Snapshot:
        """Return what the planner decides on."""
        return self.ledger.snapshot(self._announced(), self._idle.worths(now))

    def heirs(self, model: str, now: float) -> list[str]:
        """Return the sessions for whose sake a model that nobody holds should stay all the same; none: it may go."""
        entry = self.ledger.get(model)
        if entry is None or entry.foreign:
            return []
        waiting = [w.request.session_id for w in self._waiting.values() if w.request.model == model]
        expecting = [*self._prefetching.sessions_expecting(model), *self._idle.sessions_wishing(model, now)]
        lingering = self.demand.sessions_with(model) if self._idle.keep(entry, now).until > now else []
        return [s for s in dict.fromkeys([*waiting, *expecting, *lingering]) if s not in self._over]

    def _announced(self) -> set[str]:
        return {w.request.model for w in self._waiting.values()} | self._prefetching.models()

    # ── starting turns ───────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, out: Decision, now: float) -> None:
        slots = self.ledger.free_slots(parallel=self.policy.parallel)
        ready = [w for w in self._waiting.values() if w.request.model in slots and self._may_start(w.request, now)]
        if not ready:
            return
        first = self._first_held_up(slots, now)
        started = grantable(
            [WaitingTurn(w.request.turn_id, w.request.model, now - w.since) for w in ready if w.request.needs_slot],
            free_slots=slots,
            closed=first.blocked_by if first else (),
            closed_after_s=now - first.since if first else 0.0,
        )
        for turn_id in [*(w.request.turn_id for w in ready if not w.request.needs_slot), *started]:
            request = self._waiting[turn_id].request
            plan = self._plan(request, now)  # anew: one that has just started may hold what this one counted on
            if isinstance(plan, Reuse) and not plan.evict:
                self._let_go(out, request.session_id, plan.release)
                self._start(out, request, now)

    def _may_start(self, request: TurnRequest, now: float) -> bool:
        """Return whether a turn whose model is resident only needs a slot: its session's limit may be in its way."""
        plan = self._plan(request, now)
        return isinstance(plan, Reuse) and not plan.evict

    def _first_held_up(self, slots: Collection[str], now: float) -> Waiting | None:
        """Return the longest waiting of the turns beyond their patience that need something here to fall idle."""
        for waiting in self._in_order():
            if not self._presses(waiting, now):
                break
            if not waiting.blocked_by or self._never_leave(waiting.blocked_by):
                continue
            if waiting.request.model not in slots or isinstance(self._plan(waiting.request, now, pressing=True), Wait):
                return waiting
        return None

    def _presses(self, waiting: Waiting, now: float) -> bool:
        """Return whether a turn has waited beyond its patience: true at the very moment `decide` asks to be woken."""
        return now >= waiting.since + self.policy.patience_s and not waiting.request.by_hand

    def _in_order(self) -> list[Waiting]:
        """Return who waits in the order in which they are looked at: the oldest first, what is asked by hand last."""
        return sorted(self._waiting.values(), key=lambda w: (w.request.by_hand, w.since))

    def _start(self, out: Decision, request: TurnRequest, now: float) -> None:
        del self._waiting[request.turn_id]
        entry = self.ledger.require(request.model)
        entry.last_used = now
        if request.session_id not in entry.holders and request.session_id not in self._over:
            entry.holders.add(request.session_id)
            out.held.append((request.model, request.session_id))
        out.grants.append(request.turn_id)
        if not request.needs_slot:
            if request.by_hand:
                self._idle.wished(request.session_id, request.model, now, request.by_hand_s)
            elif request.spare_only and request.session_id not in self._over:
                self._idle.wished(request.session_id, request.model, now)
            return
        entry.turns.add(request.turn_id)
        running = self._running[request.turn_id] = Running(request, now)
        if request.task_id and request.session_id not in self._over:
            self._prefetching.expect_after(running)
            ends_at = now + self.pace.turn_s(request.model)
            self.demand.foresee(request.session_id, request.task_id, self._foreseen(request, ends_at))

    def _foreseen(self, request: TurnRequest, ends_at: float) -> list[tuple[str, float]]:
        """Return when the task will need which model, if its turn ends at `ends_at`: (model, moment), soonest first."""
        moment, ahead, needs = ends_at, 1, []
        for later in sorted(request.later, key=lambda one: one.turns_ahead):
            moment += (later.turns_ahead - ahead) * self.pace.turn_s(later.model)
            needs.append((later.model, moment))
            ahead = later.turns_ahead
        return needs

    def _let_go(self, out: Decision, session_id: str, models: Collection[str]) -> None:
        for model in models:
            entry = self.ledger.get(model)
            if entry is not None and session_id in entry.holders:
                entry.holders.discard(session_id)
                out.released.append((model, session_id))

    # ── changing what is resident ────────────────────────────────────────────────────────────────────────────────

    def _plan(self, request: TurnRequest, now: float, *, pressing: bool = False) -> Plan:
        size = self._size_of(request.model)
        wish = Wish(request.model, size, request.session_id, request.limit_bytes, pressing=pressing)
        return plan_residency(self.snapshot(now), wish)

    def _begin_change(self, out: Decision, now: float) -> None:
        """Begin the change that the longest waiting turn needs; a younger one goes first only within its patience."""
        is_blocked = may_get_room = False
        for waiting in self._in_order():
            request, pressing = waiting.request, self._presses(waiting, now)
            if request.by_hand and may_get_room:
                return
            plan = self._plan(request, now, pressing=pressing)
            if request.spare_only and not _needs_nothing(plan):
                self._refuse(out, request, None)
            elif isinstance(plan, Refuse):
                self._refuse(out, request, plan)
            elif isinstance(plan, Wait) and request.by_hand:
                if not self._are_changing(plan.on):
                    self._refuse(out, request, plan)
            elif isinstance(plan, Wait):
                waiting.note_blocked(plan.on, pressing=pressing)
                is_blocked = True
                may_get_room = may_get_room or not self._never_leave(plan.on)
                if pressing and not self._never_leave(plan.on):
                    return
            else:
                waiting.note_free()
                if isinstance(plan, Load) or plan.evict:
                    load = request.model if isinstance(plan, Load) else None
                    self._begin(out, Change(plan.evict, load, request.session_id, plan.release, request.turn_id))
                    return
        if self.policy.prefetch and not is_blocked:
            self._prefetch(out, now)

    def _refuse(self, out: Decision, request: TurnRequest, why: Refuse | Wait | None) -> None:
        self.withdraw(request.turn_id)
        out.refused.append((request.turn_id, why))

    def _never_leave(self, models: Collection[str]) -> bool:
        """True when nothing that happens here can make these models go: keeping others waiting for them is in vain."""
        entries = [self.ledger.get(model) for model in models]
        return all(entry is not None and (entry.foreign or entry.pinned) for entry in entries)

    def _are_changing(self, models: Collection[str]) -> bool:
        """Return whether some of these are just leaving, or being refreshed: what is in the way may be gone at once."""
        entries = [entry for model in models if (entry := self.ledger.get(model)) is not None]
        return any(entry.touched or entry.phase is Phase.UNLOADING for entry in entries)

    def _begin(self, out: Decision, change: Change) -> None:
        self._let_go(out, change.session_id, [model for model in change.release if model not in change.evict])
        for model in change.evict:
            self.ledger.require(model).phase = Phase.UNLOADING
        self._change = out.change = change

    # ── the next speaker's model ─────────────────────────────────────────────────────────────────────────────────

    def _prefetch(self, out: Decision, now: float) -> None:
        for expected, start in self._prefetching.times():
            if start > now:
                return
            request = TurnRequest("", expected.session_id, expected.model, expected.limit_bytes)
            plan = self._plan(request, now)
            if isinstance(plan, Load):
                self._prefetching.begun(expected)
                self._begin(
                    out, Change(plan.evict, expected.model, expected.session_id, plan.release, speculative=True)
                )
                return

    def _end_tasks_that_broke_off(self, now: float) -> None:
        """A task whose next turn does not come is over."""
        for session_id, task_id in self._tasks.take_broken_off(now):
            self._prefetching.drop_task(task_id)
            self.demand.end_task(session_id, task_id, now)

    def _is_in_the_way(self, change: Change, now: float) -> bool:
        """Return whether somebody ready could load if the speculative load of `change` were not under way."""
        if any(w.request.model == change.load for w in self._waiting.values()):
            return False
        snapshot = self.snapshot(now)
        without = replace(
            snapshot, residents=tuple(r for r in snapshot.residents if r.model != change.load or not r.busy)
        )
        for waiting in self._waiting.values():
            request = waiting.request
            if request.spare_only or request.by_hand:
                continue
            pressing, size = self._presses(waiting, now), self._size_of(request.model)
            wish = Wish(request.model, size, request.session_id, request.limit_bytes, pressing=pressing)
            waits = isinstance(plan_residency(snapshot, wish), Wait)
            if waits and not isinstance(plan_residency(without, wish), Wait):
                return True
        return False

    # ── lingering ────────────────────────────────────────────────────────────────────────────────────────────────

    def _let_go_of_idle(self, out: Decision, now: float) -> None:
        for entry in self._idle.take_overdue(self._announced(), now):
            entry.phase = Phase.UNLOADING
            out.drops.append(entry.model)

    # ── when to look again ───────────────────────────────────────────────────────────────────────────────────────

    def _next_moment(self, now: float) -> float | None:
        moments = [*self._idle.moments(), *self._tasks.moments()]
        moments += [w.since + self.policy.patience_s for w in self._waiting.values() if w.blocked_by]
        moments += [start for _, start in self._prefetching.times()] if self.policy.prefetch else []
        return min((moment for moment in moments if moment > now), default=None)


def _needs_nothing(plan: Plan) -> bool:
    """True when the plan moves nothing out of the way."""
    return isinstance(plan, Reuse | Load) and not plan.release and not plan.evict
