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
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum

from delegator.residency.demand import Demand, Outlook
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.residency.lingering import Prices
from delegator.residency.pace import Pace
from delegator.residency.planner import Load, Plan, Refuse, Resident, Reuse, Snapshot, Wait, Wish, plan_residency
from delegator.residency.turns import WaitingTurn, first_in_line, grantable, models_to_close
from delegator.settings import GB

REMEMBERED_SESSIONS = 1000
"""Closed sessions for which nothing is held any more; a claim under way is seconds old, not a thousand sessions."""

NEXT_TURN_GRACE_S = 30.0
"""Model seconds after a turn's end within which its task's next turn is announced; otherwise the task is over."""

PREFETCH_MARGIN_S = 0.5
"""Model seconds by which a prefetch is early: the unload that may have to go before it, and its own spread."""

PREFETCH_MARGIN_SHARE = 0.05
"""Further margin, as a share of the load's time."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner of the machine prefers.

    Attributes:
        patience_s: model seconds a turn waits at most while others go first.
        parallel: turns at one time per model.
        prefetch: False to load on demand only.
    """

    patience_s: float = 60.0
    parallel: int = 1
    prices: Prices = field(default_factory=Prices)
    prefetch: bool = True


@dataclass(frozen=True, slots=True)
class Later:
    """A turn that its task will take later on this endpoint. `turns_ahead`: 1 is the next one."""

    model: str
    turns_ahead: int


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn that is ready and wants its model.

    Attributes:
        turn_id: unique.
        task_id: the task it is of; empty for a session that merely warms up.
        limit_bytes: most the session may hold at one time.
        needs_slot: False for a wish that the model be resident, no more.
        spare_only: only if nothing has to leave or be waited for.
        later: what the task will need after it.
        continues: the task goes on after it, here or elsewhere.
        outlook: what its session needs here, as its team is now; None where nothing is known of that.
    """

    turn_id: str
    session_id: str
    model: str
    limit_bytes: int
    task_id: str = ""
    needs_slot: bool = True
    spare_only: bool = False
    later: tuple[Later, ...] = ()
    continues: bool = False
    outlook: Outlook | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of what is resident: unload `evict`, confirmed, then load `load` for the session.

    Attributes:
        load: model to bring in; None where making room for a session's limit is all.
        release: models the session lets go of although others keep them.
        turn_id: the turn it is for; empty for a prefetch.
        speculative: nobody is ready for it yet.
    """

    evict: tuple[str, ...]
    load: str | None
    session_id: str
    release: tuple[str, ...] = ()
    turn_id: str = ""
    speculative: bool = False


class Foretold(StrEnum):
    """What became of a prefetch."""

    BEGUN = "begun"
    USED = "used"
    WASTED = "wasted"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Decision:
    """What to do now.

    Attributes:
        grants: ids of turns that start; their slots are taken already.
        held: (model, session) where a session begins to hold; noted in the ledger already.
        released: (model, session) where one lets go; noted already.
        refused: turns that can never be served, with what bounds them; None where only spare memory was wanted.
        change: to be carried out, then reported by `change_done`.
        drops: idle models to unload now, beside any change; marked as leaving already.
        cancel: the speculative load under way is to be broken off.
        foretold: how prefetches begun, met their turn or did not, with model and session.
        wake_at: moment at which to decide again at the latest; None when only events can change anything.
    """

    grants: list[str] = field(default_factory=list)
    held: list[tuple[str, str]] = field(default_factory=list)
    released: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, Refuse | None]] = field(default_factory=list)
    change: Change | None = None
    drops: list[str] = field(default_factory=list)
    cancel: bool = False
    foretold: list[tuple[Foretold, str, str]] = field(default_factory=list)
    wake_at: float | None = None


@dataclass(slots=True)
class _Waiting:
    request: TurnRequest
    since: float
    blocked_by: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    request: TurnRequest
    granted_at: float
    first_token_at: float | None = None
    ended_at: float | None = None


@dataclass(slots=True)
class _Expected:
    """The next turn of a running task."""

    task_id: str
    session_id: str
    model: str
    limit_bytes: int
    after: _Running
    prefetched: bool = False


@dataclass(slots=True)
class _Kept:
    until: float
    worth: float


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
        self.prefetches: Counter[Foretold] = Counter()
        """How often a prefetch was begun, and what became of those."""
        self.lingers = True
        """False: nothing goes for idleness alone, as before it is known which sessions are open."""
        self._size_of = size_of
        self._load_s = load_s
        self._waiting: dict[str, _Waiting] = {}
        self._running: dict[str, _Running] = {}
        self._expected: dict[str, _Expected] = {}
        self._kept: dict[str, _Kept] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._change: Change | None = None
        self._foretold: list[tuple[Foretold, str, str]] = []

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
        for expected in [e for e in self._expected.values() if e.session_id == session_id]:
            self._drop_expectation(expected)

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
        self._waiting[request.turn_id] = _Waiting(request, now)
        if request.task_id and request.session_id not in self._over:
            self.demand.begin_task(request.session_id, request.task_id, now)
            self._meet_expectation(request)

    def withdraw(self, turn_id: str) -> None:
        """Forget a turn that waits; unknown ids are fine."""
        self._waiting.pop(turn_id, None)

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
        if request.task_id and not request.continues:
            self.demand.end_task(request.session_id, request.task_id, now)
        return True

    def running(self) -> dict[str, str]:
        """Return the turns under way with their models."""
        return {turn_id: running.request.model for turn_id, running in self._running.items()}

    def waiting(self) -> list[TurnRequest]:
        """Return the turns that wait, oldest first."""
        return [w.request for w in sorted(self._waiting.values(), key=lambda w: w.since)]

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

    # ── deciding ─────────────────────────────────────────────────────────────────────────────────────────────────

    def decide(self, now: float) -> Decision:
        """Return what to do now; what it says about the ledger is entered there already."""
        out = Decision()
        self._end_tasks_that_broke_off(now)
        self._grant(out, now)
        if self._change is None:
            self._begin_change(out, now)
        elif self._change.speculative and self._is_in_the_way(self._change, now):
            self._foretell(Foretold.CANCELLED, self._change.load or "", self._change.session_id)
            out.cancel = True
        if self.lingers:
            self._let_go_of_idle(out, now)
        out.wake_at = self._next_moment(now)
        out.foretold, self._foretold = self._foretold, []
        return out

    def snapshot(self, now: float) -> Snapshot:
        """Return what the planner decides on."""
        return self.ledger.snapshot(self._announced(), self._worths(now))

    def heirs(self, model: str, now: float) -> list[str]:
        """Return the sessions for whose sake a model that nobody holds should stay all the same; none: it may go."""
        entry = self.ledger.get(model)
        if entry is None or entry.foreign:
            return []
        waiting = [w.request.session_id for w in self._waiting.values() if w.request.model == model]
        expecting = [e.session_id for e in self._expected.values() if e.model == model]
        lingering = self.demand.sessions_with(model) if self._keep(entry, now).until > now else []
        return [s for s in dict.fromkeys([*waiting, *expecting, *lingering]) if s not in self._over]

    def _announced(self) -> set[str]:
        return {w.request.model for w in self._waiting.values()} | {e.model for e in self._expected.values()}

    # ── starting turns ───────────────────────────────────────────────────────────────────────────────────────────

    def _grant(self, out: Decision, now: float) -> None:
        slots = self.ledger.free_slots(parallel=self.policy.parallel)
        turns = [WaitingTurn(turn_id, w.request.model, now - w.since) for turn_id, w in self._waiting.items()]
        if not any(turn.model in slots for turn in turns):
            return
        slotless = [t.turn_id for t in turns if t.model in slots and not self._waiting[t.turn_id].request.needs_slot]
        seekers = [t for t in turns if self._waiting[t.turn_id].request.needs_slot]
        first = first_in_line(turns, resident=slots)
        blocked_by = self._waiting[first.turn_id].blocked_by if first else ()
        closed = models_to_close(first, blocked_by, patience_s=self.policy.patience_s)
        since_s = first.waited_s if first else 0.0
        started = grantable(seekers, free_slots=slots, closed=closed, closed_after_s=since_s)
        for turn_id in [*slotless, *started]:
            request = self._waiting[turn_id].request
            plan = self._plan(request, now)
            if isinstance(plan, Reuse) and not plan.evict:
                self._let_go(out, request.session_id, plan.release)
                self._start(out, request, now)

    def _start(self, out: Decision, request: TurnRequest, now: float) -> None:
        del self._waiting[request.turn_id]
        entry = self.ledger.require(request.model)
        entry.last_used = now
        if request.session_id not in entry.holders and request.session_id not in self._over:
            entry.holders.add(request.session_id)
            out.held.append((request.model, request.session_id))
        out.grants.append(request.turn_id)
        if not request.needs_slot:
            return
        entry.turns.add(request.turn_id)
        running = self._running[request.turn_id] = _Running(request, now)
        self._foresee(running, now)

    def _foresee(self, running: _Running, now: float) -> None:
        """Expect the task's next turn, and note about when it will need which model after that."""
        request = running.request
        for later in request.later:
            if later.turns_ahead == 1:
                self._expected[request.task_id] = _Expected(
                    request.task_id, request.session_id, later.model, request.limit_bytes, running
                )
        moment, ahead, needs = now + self.pace.turn_s(request.model), 1, []
        for later in sorted(request.later, key=lambda one: one.turns_ahead):
            moment += (later.turns_ahead - ahead) * self.pace.turn_s(later.model)
            needs.append((later.model, moment))
            ahead = later.turns_ahead
        if request.task_id:
            self.demand.foresee(request.session_id, request.task_id, needs)

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
        is_blocked = False
        for waiting in sorted(self._waiting.values(), key=lambda w: w.since):
            request, pressing = waiting.request, now - waiting.since >= self.policy.patience_s
            plan = self._plan(request, now, pressing=pressing)
            if request.spare_only and not _needs_nothing(plan):
                self._refuse(out, request, None)
            elif isinstance(plan, Refuse):
                self._refuse(out, request, plan)
            elif isinstance(plan, Wait):
                waiting.blocked_by = plan.on
                is_blocked = True
                if pressing and not self._are_foreign(plan.on):
                    return
            elif isinstance(plan, Load) or plan.evict:
                load = request.model if isinstance(plan, Load) else None
                self._begin(out, Change(plan.evict, load, request.session_id, plan.release, request.turn_id))
                return
        if self.policy.prefetch and not is_blocked:
            self._prefetch(out, now)

    def _refuse(self, out: Decision, request: TurnRequest, why: Refuse | None) -> None:
        del self._waiting[request.turn_id]
        out.refused.append((request.turn_id, why))

    def _are_foreign(self, models: Collection[str]) -> bool:
        """True when nothing that happens here can make these models go: keeping others waiting for them is in vain."""
        return all((entry := self.ledger.get(model)) is not None and entry.foreign for model in models)

    def _begin(self, out: Decision, change: Change) -> None:
        self._let_go(out, change.session_id, [model for model in change.release if model not in change.evict])
        for model in change.evict:
            self.ledger.require(model).phase = Phase.UNLOADING
        self._change = out.change = change

    # ── the next speaker's model ─────────────────────────────────────────────────────────────────────────────────

    def _prefetch(self, out: Decision, now: float) -> None:
        for expected, start in self._prefetch_times(now):
            if start > now:
                return
            request = TurnRequest("", expected.session_id, expected.model, expected.limit_bytes)
            plan = self._plan(request, now)
            if isinstance(plan, Load):
                expected.prefetched = True
                self._foretell(Foretold.BEGUN, expected.model, expected.session_id)
                self._begin(
                    out, Change(plan.evict, expected.model, expected.session_id, plan.release, speculative=True)
                )
                return

    def _prefetch_times(self, now: float) -> list[tuple[_Expected, float]]:
        """Return the expected turns whose model is not there, with the moment its load should begin at the latest.

        One load runs at a time: each must begin early enough for all those after it.
        """
        absent = [
            (self._due(expected), expected)
            for expected in self._expected.values()
            if not expected.prefetched
            and expected.model not in self.ledger
            and expected.after.first_token_at is not None
        ]
        absent.sort(key=lambda pair: pair[0], reverse=True)
        times: list[tuple[_Expected, float]] = []
        latest_end = float("inf")
        for due, expected in absent:
            load_s = self._load_s(expected.model)
            start = min(due, latest_end) - load_s * (1 + PREFETCH_MARGIN_SHARE) - PREFETCH_MARGIN_S
            latest_end = start
            times.append((expected, max(start, expected.after.first_token_at or now)))
        return times[::-1]

    def _due(self, expected: _Expected) -> float:
        """Return when the next turn may come at the earliest.

        Too early costs the model's GB-seconds, too late the price of waiting: the share of turns that may be shorter
        than foretold is the one at which the two balance (the newsvendor's quantile).
        """
        after = expected.after
        if after.ended_at is not None:
            return after.ended_at
        gb = self._size_of(expected.model) / GB
        writing_s = self.pace.writing_s(after.request.model, share=gb / (gb + self.policy.prices.wait))
        return (after.first_token_at or after.granted_at) + (writing_s or 0.0)

    def _meet_expectation(self, request: TurnRequest) -> None:
        expected = self._expected.pop(request.task_id, None)
        if expected is None or not expected.prefetched:
            return
        is_there = expected.model == request.model and request.model in self.ledger
        self._foretell(Foretold.USED if is_there else Foretold.WASTED, expected.model, expected.session_id)

    def _drop_expectation(self, expected: _Expected) -> None:
        self._expected.pop(expected.task_id, None)
        if expected.prefetched:
            self._foretell(Foretold.WASTED, expected.model, expected.session_id)

    def _foretell(self, what: Foretold, model: str, session_id: str) -> None:
        self.prefetches[what] += 1
        self._foretold.append((what, model, session_id))

    def _end_tasks_that_broke_off(self, now: float) -> None:
        """A task whose next turn does not come, because it was cancelled or failed, is over."""
        for expected in list(self._expected.values()):
            ended_at = expected.after.ended_at
            if ended_at is not None and now - ended_at >= NEXT_TURN_GRACE_S:
                self._drop_expectation(expected)
                self.demand.end_task(expected.session_id, expected.task_id, now)

    def _is_in_the_way(self, change: Change, now: float) -> bool:
        """Return whether somebody ready could load if the speculative load of `change` were not under way."""
        if any(w.request.model == change.load for w in self._waiting.values()):
            return False
        snapshot = self.snapshot(now)
        without = replace(
            snapshot, residents=tuple(r for r in snapshot.residents if r.model != change.load or not _is_loading(r))
        )
        for waiting in self._waiting.values():
            request = waiting.request
            wish = Wish(request.model, self._size_of(request.model), request.session_id, request.limit_bytes)
            if isinstance(plan_residency(snapshot, wish), Wait) and isinstance(plan_residency(without, wish), Load):
                return True
        return False

    # ── lingering ────────────────────────────────────────────────────────────────────────────────────────────────

    def _let_go_of_idle(self, out: Decision, now: float) -> None:
        announced = self._announced()
        for entry in self.ledger.entries():
            if not self._may_go(entry) or entry.model in announced:
                continue
            if self._keep(entry, now).until <= now:
                entry.phase = Phase.UNLOADING
                out.drops.append(entry.model)
                self._kept.pop(entry.model, None)

    def _may_go(self, entry: Entry) -> bool:
        return not (entry.busy or entry.foreign or entry.pinned)

    def _keep(self, entry: Entry, now: float) -> _Kept:
        """Return until when an idle model is kept. Reckoned anew when something about it changes, or that moment comes."""
        if self.demand.changed:
            for model in self.demand.changed:
                self._kept.pop(model, None)
            self.demand.changed.clear()
        kept = self._kept.get(entry.model)
        if kept is None or kept.until <= now:
            keeping = self.demand.keeping(entry.model, entry.size_bytes, self._load_s(entry.model), now)
            kept = self._kept[entry.model] = _Kept(now + keeping.for_s, keeping.worth)
        return kept

    def _worths(self, now: float) -> dict[str, float]:
        return {e.model: self._keep(e, now).worth for e in self.ledger.entries() if self._may_go(e)}

    # ── when to look again ───────────────────────────────────────────────────────────────────────────────────────

    def _next_moment(self, now: float) -> float | None:
        moments = [kept.until for model, kept in self._kept.items() if (e := self.ledger.get(model)) and not e.busy]
        moments += [w.since + self.policy.patience_s for w in self._waiting.values() if w.blocked_by]
        moments += [start for _, start in self._prefetch_times(now)] if self.policy.prefetch else []
        moments += [
            e.after.ended_at + NEXT_TURN_GRACE_S for e in self._expected.values() if e.after.ended_at is not None
        ]
        return min((moment for moment in moments if moment > now), default=None)


def _needs_nothing(plan: Plan) -> bool:
    """True when the plan moves nothing out of the way."""
    return isinstance(plan, Reuse | Load) and not plan.release and not plan.evict


def _is_loading(resident: Resident) -> bool:
    return resident.busy
