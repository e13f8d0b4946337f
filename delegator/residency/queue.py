"""Foretells in which order the turns that wait at one endpoint will start, and in how many seconds.

Plays the dispatcher's rules forward with the planner's own plans on a copy of the memory, and with learned durations
or, where nothing is learned, assumed ones. An estimate: what comes meanwhile, models brought in ahead of their turn,
and how long a model takes to leave are not in it. Moments are model seconds from now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from delegator.residency.foreseen import Timing
from delegator.residency.planner import Load, Plan, Refuse, Resident, Reuse, Snapshot, Wait, Wish, plan_residency
from delegator.residency.requests import TurnRequest, Waiting

FORETOLD = 50
"""Waiting turns, the oldest, whose start is foretold; when a longer queue's others start is anybody's guess."""


@dataclass(frozen=True, slots=True)
class Queued:
    """A turn that waits.

    Attributes:
        task_id: empty for a wish that is of no task.
        waited_s: model seconds so far.
        needs_slot: False for a wish that its model be resident, no more.
        blocked_by, pressed: as with `Waiting`.
    """

    turn_id: str
    session_id: str
    task_id: str
    model: str
    size_bytes: int
    limit_bytes: int
    waited_s: float
    needs_slot: bool = True
    blocked_by: tuple[str, ...] = ()
    pressed: bool = False


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A change of what is resident that is being carried out. `left_s`: model seconds it is expected to take yet."""

    evict: tuple[str, ...]
    load: str | None
    size_bytes: int
    session_id: str
    left_s: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """What a dispatcher knows of its queue at one moment, beside what is resident.

    Attributes:
        waiting: the oldest first.
        running: (model, model seconds it is expected to take yet) of each turn that has a slot.
        timing: durations of the models of both.
        patience_s: model seconds after which a turn presses.
        parallel: turns at one time per model.
    """

    waiting: tuple[Queued, ...] = ()
    running: tuple[tuple[str, float], ...] = ()
    change: UnderWay | None = None
    timing: Timing = field(default_factory=Timing)
    patience_s: float = 0.0
    parallel: int = 1


def foretell_starts(snapshot: Snapshot, queue: QueueState) -> list[tuple[Queued, float | None]]:
    """Return the waiting turns in the order in which they will probably start, with the seconds until then.

    None, at the end, where that cannot be told: they wait for what is not ours, or too many are before them.
    """
    starts = _Future(snapshot, queue).play()
    known = [(turn, starts[turn.turn_id]) for turn in queue.waiting if turn.turn_id in starts]
    known.sort(key=lambda pair: pair[1])
    return [*known, *((turn, None) for turn in queue.waiting if turn.turn_id not in starts)]


class _Future:
    """One queue, played forward from event to event: a turn ends, a load ends, somebody's patience does."""

    def __init__(self, snapshot: Snapshot, queue: QueueState) -> None:
        self._capacity, self._max_models = snapshot.capacity_bytes, snapshot.max_models
        self._queue = queue
        self._moment = 0.0
        foretold = queue.waiting[:FORETOLD]
        self._waiting = [_waiting(turn) for turn in foretold]
        self._sizes = {turn.model: turn.size_bytes for turn in foretold}
        self._running = [(left_s, model) for model, left_s in queue.running]
        self._residents = {resident.model: resident for resident in snapshot.residents}
        self._expected = {r.model for r in snapshot.residents if r.announced} - self._sizes.keys()
        """Models announced for other reasons than somebody's waiting."""
        self._loading: str | None = None
        self._change_ends: float | None = None
        self._starts: dict[str, float] = {}
        self._snapshot: Snapshot | None = None
        if (change := queue.change) is not None:
            self._change(change.evict, change.load, change.size_bytes, change.session_id, change.left_s)

    def play(self) -> dict[str, float]:
        """Return when which turns start, by id."""
        for _ in range(4 * (len(self._waiting) + len(self._running)) + 4):
            self._start_turns()
            if self._change_ends is None:
                self._begin_change()
            following = self._next_moment()
            if not self._waiting or following is None:
                break
            self._advance(following)
        return self._starts

    # ── what happens, by the rules of the dispatcher ──────────────────────────────────────────────────────────────

    def _start_turns(self) -> None:
        first = self._first_held_up()
        for waiting in list(self._waiting):
            request = waiting.request
            is_closed = first is not None and request.model in first.blocked_by and waiting.since > first.since
            has_place = not request.needs_slot or (self._has_slot(request) and not is_closed)
            if not self._is_there(request) or not has_place:
                continue
            plan = self._plan(request)
            if isinstance(plan, Reuse) and not plan.evict:
                self._let_go(request.session_id, plan.release)
                self._start(waiting)

    def _start(self, waiting: Waiting) -> None:
        request = waiting.request
        self._waiting.remove(waiting)
        self._starts[request.turn_id] = self._moment
        resident = self._residents[request.model]
        holders = resident.holders | {request.session_id}
        self._residents[request.model] = replace(resident, holders=holders, last_used=_FUTURE + self._moment)
        if request.needs_slot:
            self._running.append((self._moment + self._queue.timing.turn_of(request.model), request.model))
        self._snapshot = None

    def _first_held_up(self) -> Waiting | None:
        """Return the longest waiting of the turns beyond their patience that need something here to fall idle."""
        for waiting in self._waiting:
            if not self._presses(waiting):
                return None
            if not waiting.blocked_by or self._never_leave(waiting.blocked_by):
                continue
            request = waiting.request
            if not self._is_there(request) or isinstance(self._plan(request, pressing=True), Wait):
                return waiting
        return None

    def _begin_change(self) -> None:
        """Begin the change that the longest waiting turn needs; a younger one goes first only within its patience."""
        for waiting in self._waiting:
            request, pressing = waiting.request, self._presses(waiting)
            plan = self._plan(request, pressing=pressing)
            if isinstance(plan, Wait):
                waiting.note_blocked(plan.on, pressing=pressing)
                if pressing and not self._never_leave(plan.on):
                    return
            elif not isinstance(plan, Refuse):
                waiting.note_free()
                if isinstance(plan, Load) or plan.evict:
                    load, size = (request.model, self._sizes[request.model]) if isinstance(plan, Load) else (None, 0)
                    lasts_s = self._queue.timing.load_of(load, size) if load is not None else 0.0
                    self._change(plan.evict, load, size, request.session_id, lasts_s)
                    self._let_go(request.session_id, plan.release)
                    return

    def _change(self, evict: Sequence[str], load: str | None, size: int, session_id: str, lasts_s: float) -> None:
        for model in evict:
            self._residents.pop(model, None)
        if load is not None:
            self._residents[load] = Resident(load, size, frozenset({session_id}), last_used=_FUTURE + self._moment)
        self._loading, self._change_ends = load, self._moment + max(0.0, lasts_s)
        self._snapshot = None

    def _let_go(self, session_id: str, models: Sequence[str]) -> None:
        for model in models:
            if (resident := self._residents.get(model)) is not None:
                self._residents[model] = replace(resident, holders=resident.holders - {session_id})
        self._snapshot = None

    # ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _next_moment(self) -> float | None:
        moments = [end for end, _ in self._running]
        if self._change_ends is not None:
            moments.append(self._change_ends)
        patience = (waiting.since + self._queue.patience_s for waiting in self._waiting)
        moments += [moment for moment in patience if moment > self._moment]
        return min(moments, default=None)

    def _advance(self, moment: float) -> None:
        self._moment = max(self._moment, moment)
        self._running = [(end, model) for end, model in self._running if end > self._moment]
        if self._change_ends is not None and self._change_ends <= self._moment:
            self._loading = self._change_ends = None
        self._snapshot = None

    # ── what the planner is asked ────────────────────────────────────────────────────────────────────────────────

    def _presses(self, waiting: Waiting) -> bool:
        return self._moment >= waiting.since + self._queue.patience_s

    def _is_there(self, request: TurnRequest) -> bool:
        resident = self._residents.get(request.model)
        return resident is not None and not resident.foreign and request.model != self._loading

    def _has_slot(self, request: TurnRequest) -> bool:
        return sum(model == request.model for _, model in self._running) < self._queue.parallel

    def _never_leave(self, models: Sequence[str]) -> bool:
        """True when nothing that happens here can make these models go."""
        found = [self._residents.get(model) for model in models]
        return all(resident is not None and (resident.foreign or resident.pinned) for resident in found)

    def _plan(self, request: TurnRequest, *, pressing: bool = False) -> Plan:
        size = self._sizes[request.model]
        wish = Wish(request.model, size, request.session_id, request.limit_bytes, pressing=pressing)
        return plan_residency(self._now(), wish)

    def _now(self) -> Snapshot:
        """Return what is resident at the moment played."""
        if self._snapshot is None:
            busy = {model for _, model in self._running} | {self._loading}
            announced = self._expected | {waiting.request.model for waiting in self._waiting}
            residents = tuple(
                replace(r, busy=r.model in busy, announced=r.model in announced) for r in self._residents.values()
            )
            self._snapshot = Snapshot(self._capacity, residents, self._max_models)
        return self._snapshot


def _waiting(turn: Queued) -> Waiting:
    request = TurnRequest(turn.turn_id, turn.session_id, turn.model, turn.limit_bytes, needs_slot=turn.needs_slot)
    return Waiting(request, -turn.waited_s, turn.blocked_by, turn.pressed)


_FUTURE = 1e15
"""Marks of foretold uses lie after every mark of a real one."""
