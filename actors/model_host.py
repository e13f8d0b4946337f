"""Owner of one Ollama endpoint: what is in its memory, and in which order models come and go.

Alone loads, unloads and sets load options there. Turns announce themselves (`acquire`), run once their model is
resident and a slot is free, and give the slot back (`release_turn`). One change (evictions, then at most one load) is
under way at a time; the planner decides it, this class carries it out: drained before unload, unload confirmed by
`/api/ps`, keep-alive stated on every call. Truth is `/api/ps`; the ledger is corrected from it.

Changes of state happen between awaits, in `_pump` and the small methods it calls. A plain class: `ModelHostActor`
makes it a Ray actor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from actors.host_messages import (
    Choice,
    Chosen,
    Claims,
    Grant,
    HostSpec,
    HostView,
    Released,
    ResidentView,
    Sweep,
    TurnWish,
)
from actors.reservations import Reservations
from actors.shelf import Shelf
from delegator.clock import Clock
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    MemoryExceeded,
    ModelLoadFailed,
    ModelMissing,
    NoCapacity,
    OllamaUnavailable,
    SessionEnded,
)
from delegator.ollama.client import LoadOptions, OllamaClient, normalise
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.residency.planner import Load, Plan, Refuse, Reuse, Wait, Wish, plan_residency
from delegator.residency.turns import WaitingTurn, first_in_line, grantable, models_to_close
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB, Settings
from delegator.store.records import NewEvent

log = logging.getLogger(__name__)

PARALLEL_TURNS = 1
"""Turns at one time per model: Ollama's default OLLAMA_NUM_PARALLEL; more would queue unseen inside it."""

PS_EVERY_S = 0.05
"""Real seconds between two looks at /api/ps while an unload is awaited."""

OLLAMA_FILLS_RATIO = 0.8
"""Share of free memory up to which Ollama places models side by side; an eviction below it is its count limit."""

REMEMBERED_SESSIONS = 1000
"""Ended sessions for which nothing is held any more; a claim under way is seconds old, not a thousand sessions."""

Report = Callable[[Sequence[NewEvent]], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Wanted:
    """A turn that waits."""

    wish: TurnWish
    mark: float
    granted: asyncio.Future[Grant]
    load_s: float = 0.0
    blocked_by: tuple[str, ...] = field(default=())

    @property
    def model(self) -> str:
        return self.wish.model.name

    def fail(self, error: DelegatorError) -> None:
        if not self.granted.done():
            self.granted.set_exception(error)
            self.granted.exception()  # a caller that has gone away must not be reported as a forgotten error


class ModelHost:
    """See the module's head. Build it inside the running event loop, then `start`."""

    def __init__(
        self, spec: HostSpec, settings: Settings, client: OllamaClient, reservations: Reservations, report: Report
    ) -> None:
        """Take the parts; touches nothing until `start`."""
        self._spec = spec
        self._settings = settings
        self._client = client
        self._reservations = reservations
        self._report = report
        self._clock = Clock(settings.simulator_scale if settings.models == "simulated" else 1.0)
        self._ledger = Ledger(spec.capacity_bytes)
        self._waiting: dict[str, _Wanted] = {}
        self._running: dict[str, str] = {}
        self._sizes: dict[tuple[str, int], int] = {}
        self._shelf = Shelf(client)
        self._quarantine: dict[str, str] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._knows_holders = False
        self._change: asyncio.Task[None] | None = None
        self._outbox: list[NewEvent] = []
        self._outbox_lock = asyncio.Lock()
        self._suspect: str | None = None
        self._chores: list[asyncio.Task[None]] = []

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Read what is in memory, take over what a former life left, and begin the chores."""
        with contextlib.suppress(OllamaUnavailable, DeadlineExceeded):
            reserved = await self._reservations.existing()
            for loaded in await self._client.ps():
                name = normalise(loaded.name)
                self._ledger.put(
                    Entry(
                        name,
                        loaded.num_ctx,
                        loaded.size_bytes,
                        Phase.RESIDENT,
                        measured=True,
                        gpu_bytes=loaded.gpu_bytes,
                        foreign=name not in reserved,
                    )
                )
        self._chores = [asyncio.create_task(self._refresh_forever()), asyncio.create_task(self._deliver_forever())]

    async def close(self) -> None:
        """Stop the chores; leaves the models as they are."""
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self._client.close()

    async def ping(self) -> str:
        """Answer with the endpoint's id."""
        return self._spec.endpoint_id

    # ── turns ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def acquire(self, wish: TurnWish, deadline_s: float) -> Grant:
        """Wait until the wished model is resident and a slot is free; take the slot.

        Args:
            deadline_s: real seconds.

        Raises:
            MemoryExceeded: the model can never fit the machine or the session's limit.
            ModelMissing, ModelLoadFailed: Ollama does not have it, or cannot load it.
            DeadlineExceeded: it did not become possible in time.
        """
        if wish.turn_id in self._running:
            model = self._running[wish.turn_id]
            entry = self._ledger.get(model)
            return Grant(wish.turn_id, model, entry.size_bytes if entry else 0, 0.0, 0.0)
        wanted = self._waiting.get(wish.turn_id)
        if wanted is None:
            wanted = _Wanted(wish, self._clock.mark(), asyncio.get_running_loop().create_future())
            self._waiting[wish.turn_id] = wanted
        self._pump()
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(wanted.granted)
        except TimeoutError:
            raise DeadlineExceeded(f"waiting for {wanted.model}", deadline_s) from None
        except asyncio.CancelledError:
            if wanted.granted.done() and not wanted.granted.cancelled() and not wanted.granted.exception():
                self._finish_turn(wish.turn_id)
            raise
        finally:
            self._waiting.pop(wish.turn_id, None)
            self._pump()

    async def release_turn(self, turn_id: str) -> None:
        """Give a slot back; unknown ids are fine. Frees the slot at once, so that the next turn can start."""
        self._finish_turn(turn_id)
        self._pump()

    async def warm(self, wish: TurnWish, deadline_s: float) -> Grant:
        """Bring a model in for a session that will soon speak with it; as `acquire`, but keeps no slot."""
        grant = await self.acquire(wish, deadline_s)
        await self.release_turn(wish.turn_id)
        return grant

    def _finish_turn(self, turn_id: str) -> None:
        model = self._running.pop(turn_id, None)
        entry = self._ledger.get(model) if model else None
        if entry is not None:
            entry.turns.discard(turn_id)
            entry.last_used = self._clock.mark()

    # ── deciding what happens next: no await below until the next headline ────────────────────────────────────────

    def _pump(self) -> None:
        """Start every turn that can start, then, if none is under way, the next change of what is resident."""
        self._grant_turns()
        if self._change is None:
            self._begin_change()

    def _waiting_turns(self) -> list[WaitingTurn]:
        return [
            WaitingTurn(turn_id, wanted.model, self._clock.elapsed_s(wanted.mark))
            for turn_id, wanted in self._waiting.items()
            if not wanted.granted.done()
        ]

    def _closed_models(self, turns: list[WaitingTurn], slots: dict[str, int]) -> frozenset[str]:
        first = first_in_line(turns, resident=slots)
        blocked_by = self._waiting[first.turn_id].blocked_by if first else ()
        return models_to_close(first, blocked_by, patience_s=self._settings.turn_patience_s)

    def _grant_turns(self) -> None:
        slots = self._ledger.free_slots(parallel=PARALLEL_TURNS)
        turns = self._waiting_turns()
        for turn_id in grantable(turns, free_slots=slots, closed=self._closed_models(turns, slots)):
            wanted = self._waiting[turn_id]
            plan = self._plan(wanted)
            if isinstance(plan, Reuse) and not plan.evict:
                self._let_go(wanted.wish.session_id, plan.release)
                self._grant(wanted)

    def _begin_change(self) -> None:
        """Start the change that the longest waiting turn needs; a younger one goes first only within its patience."""
        for turn in sorted(self._waiting_turns(), key=lambda t: -t.waited_s):
            wanted = self._waiting[turn.turn_id]
            plan = self._plan(wanted)
            if wanted.wish.spare_only and not _needs_nothing(plan):
                wanted.fail(NoCapacity(f"no spare memory for {wanted.model}"))
            elif isinstance(plan, Refuse):
                wanted.fail(MemoryExceeded(wanted.model, plan.needed_bytes / GB, plan.capacity_bytes / GB))
            elif isinstance(plan, Wait):
                wanted.blocked_by = plan.on
                if turn.waited_s >= self._settings.turn_patience_s:
                    return
            elif isinstance(plan, Load) or plan.evict or self._is_foreign(wanted.model):
                self._change = asyncio.create_task(self._carry_out(wanted, plan))
                return

    def _is_foreign(self, model: str) -> bool:
        entry = self._ledger.get(model)
        return entry is not None and entry.foreign

    def _size_of(self, model: Model) -> int:
        return self._sizes.get((model.name, model.num_ctx), model.memory_bytes)

    def _plan(self, wanted: _Wanted) -> Plan:
        wish = wanted.wish
        size = self._size_of(wish.model)
        return plan_residency(self._ledger.snapshot(), Wish(wanted.model, size, wish.session_id, wish.limit_bytes))

    def _grant(self, wanted: _Wanted) -> None:
        entry = self._ledger.require(wanted.model)
        self._hold(entry, wanted.wish.session_id)
        entry.turns.add(wanted.wish.turn_id)
        entry.last_used = self._clock.mark()
        self._running[wanted.wish.turn_id] = entry.model
        waited_s = self._clock.elapsed_s(wanted.mark)
        wanted.granted.set_result(Grant(wanted.wish.turn_id, entry.model, entry.size_bytes, waited_s, wanted.load_s))

    def _hold(self, entry: Entry, session_id: str) -> None:
        if session_id not in entry.holders and session_id not in self._over:
            entry.holders.add(session_id)
            self._tell(EventKind.MODEL_HELD, entry, session_id)

    def _let_go(self, session_id: str, models: Sequence[str]) -> None:
        for model in models:
            entry = self._ledger.get(model)
            if entry is not None and session_id in entry.holders:
                entry.holders.discard(session_id)
                self._tell(EventKind.MODEL_RELEASED, entry, session_id)

    # ── changing what is resident ─────────────────────────────────────────────────────────────────────────────────

    async def _carry_out(self, wanted: _Wanted, plan: Load | Reuse) -> None:
        """Carry one plan out: unload, then load. Errors fail the wish and leave the ledger as it was before."""
        try:
            kept_by_others = [model for model in plan.release if model not in plan.evict]
            self._let_go(wanted.wish.session_id, kept_by_others)
            for model in plan.evict:
                await self._unload(model)
            if isinstance(plan, Load) or self._is_foreign(wanted.model):
                wanted.load_s = await self._load(wanted.wish)
        except DelegatorError as exc:
            wanted.fail(exc)
        except Exception as exc:
            log.exception("a change of what is resident failed unexpectedly")
            wanted.fail(ModelLoadFailed(self._spec.url, wanted.model, str(exc) or type(exc).__name__))
        finally:
            self._change = None
            self._pump()

    async def _load(self, wish: TurnWish) -> float:
        model = wish.model
        began = datetime.now(UTC)
        entry = self._ledger.put(Entry(model.name, model.num_ctx, self._size_of(model), Phase.LOADING))
        entry.holders.add(wish.session_id)
        try:
            await self._reservations.reserve(model.name, entry.size_bytes, model.gpu)
            mark = self._clock.mark()
            await self._client.load(
                model.name,
                LoadOptions(model.num_ctx),
                keep_alive_s=self._settings.keep_alive_s,
                deadline_s=self._load_deadline_s(entry.size_bytes),
            )
            load_s = self._clock.elapsed_s(mark)
            await self._measure(entry)
        except BaseException as exc:
            await self._undo_load(entry)
            if isinstance(exc, ModelLoadFailed | ModelMissing):
                self._quarantine[model.name] = exc.message
            elif isinstance(exc, DeadlineExceeded):
                self._suspect = exc.message
                self._tell(EventKind.HOST_SUSPECT, entry, None, reason=exc.message)
            raise
        entry.phase = Phase.RESIDENT
        entry.loaded_at = datetime.now(UTC)
        entry.last_used = self._clock.mark()
        self._sizes[model.name, model.num_ctx] = entry.size_bytes
        self._quarantine.pop(model.name, None)
        self._suspect = None
        self._tell(EventKind.MODEL_LOADED, entry, wish.session_id, load_s=round(load_s, 3))
        for holder in sorted(entry.holders):  # told only now, with the measured size, but held since the load began
            self._tell(EventKind.MODEL_HELD, entry, holder, at=began)
        return load_s

    def _load_deadline_s(self, size_bytes: int) -> float:
        """Return real seconds: three times what the slowest disk expected needs, and never too little."""
        model_s = max(self._settings.load_deadline_min_s, 3 * size_bytes / self._settings.load_rate_bytes_s)
        return max(10.0, self._clock.real_s(model_s))

    async def _undo_load(self, entry: Entry) -> None:
        """Forget a load that failed, and make sure that it does not come true later."""
        self._ledger.drop(entry.model)
        with contextlib.suppress(DelegatorError):
            await self._client.unload(entry.model)
        await self._reservations.free(entry.model)

    async def _measure(self, entry: Entry) -> None:
        """Take the true size over; strike out what this Ollama has evicted by itself to load the model."""
        loaded = {normalise(m.name): m for m in await self._client.ps()}
        found = loaded.get(entry.model)
        if found is not None:
            entry.size_bytes, entry.gpu_bytes, entry.measured = found.size_bytes, found.gpu_bytes, True
        evicted = [e for e in self._ledger.entries() if e.phase is Phase.RESIDENT and e.model not in loaded]
        had_room = self._ledger.snapshot().used_bytes <= OLLAMA_FILLS_RATIO * self._spec.capacity_bytes
        for victim in evicted:
            await self._strike_out(victim, EventKind.MODEL_LOST)
        if evicted and had_room:
            self._ledger.max_models = len(loaded)
            log.warning("this Ollama keeps %d models at most: OLLAMA_MAX_LOADED_MODELS", len(loaded))

    async def _unload(self, model: str) -> int:
        """Unload one idle model and wait until `/api/ps` confirms it; return its size in bytes.

        Raises:
            DeadlineExceeded: it is still there; the ledger keeps it, with its holders.
        """
        entry = self._ledger.get(model)
        if entry is None:
            return 0
        entry.phase = Phase.UNLOADING
        try:
            await self._client.unload(model)
            async with asyncio.timeout(self._settings.unload_deadline_s):
                while any(normalise(loaded.name) == model for loaded in await self._client.ps()):  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
                    await asyncio.sleep(PS_EVERY_S)
        except TimeoutError:
            entry.phase = Phase.RESIDENT
            raise DeadlineExceeded(f"unloading {model}", self._settings.unload_deadline_s) from None
        except BaseException:
            entry.phase = Phase.RESIDENT
            raise
        await self._strike_out(entry, EventKind.MODEL_UNLOADED)
        return entry.size_bytes

    async def _strike_out(self, entry: Entry, kind: EventKind) -> None:
        """Take a model that has left memory out of the ledger, and tell everybody who held it."""
        self._ledger.drop(entry.model)
        for holder in sorted(entry.holders):
            self._tell(EventKind.MODEL_RELEASED, entry, holder)
        self._tell(kind, entry, None)
        await self._reservations.free(entry.model)

    async def release_models(self, session_id: str, models: Sequence[str] | None = None) -> Released:
        """Let go of what a session holds (or of `models` of it); unload what nobody else holds, confirmed.

        What cannot be unloaded now, because another session's turn has just begun on it, stays. The events of it are
        delivered before this returns. Without `models` the session is over, and its waiting turns fail.
        """
        if models is None:
            self._remember_over(session_id)
            for wanted in [w for w in self._waiting.values() if w.wish.session_id == session_id]:
                wanted.fail(SessionEnded(session_id, "ended"))
        names = [e.model for e in self._ledger.held_by(session_id) if models is None or e.model in models]
        self._let_go(session_id, names)
        unloaded, kept = [], []
        for name in names:
            entry = self._ledger.get(name)
            if entry is not None and entry.phase is Phase.LOADING and not entry.holders:
                await self._settled()
            size = await self._unload_if_unowned(name)
            if size is None:
                kept.append(name)
            else:
                unloaded.append((name, size))
        self._pump()
        await self.flush()
        return Released(tuple(unloaded), tuple(kept))

    def _remember_over(self, session_id: str) -> None:
        """Hold nothing for this session any more, even where a claim sent earlier still names it."""
        self._over[session_id] = None
        while len(self._over) > REMEMBERED_SESSIONS:
            self._over.popitem(last=False)

    async def _settled(self) -> None:
        """Wait for the change under way, however it ends."""
        if self._change is not None:
            await asyncio.wait([self._change], timeout=self._settings.unload_deadline_s)

    async def _unload_if_unowned(self, model: str) -> int | None:
        """Unload a model of ours that nobody holds; return its size, or None when it stays."""
        entry = self._ledger.get(model)
        if entry is None or entry not in self._ledger.unowned():
            return None
        try:
            return await self._unload(model)
        except DelegatorError as exc:
            log.warning("%s stays for now: %s", model, exc.message)
            return None

    # ── choosing among a model and its fallbacks ─────────────────────────────────────────────────────────────────

    async def choose(self, wanted: Sequence[Choice]) -> list[Chosen]:
        """Return, for each wanted model, the first of it and its fallbacks that this endpoint can load.

        One that failed to load earlier is passed over only where another can be had: what kept it out may have passed.

        Raises:
            ModelMissing: of some, none is installed.
            ModelLoadFailed: of some, those that are installed cannot be loaded.
        """
        names = {name for choice in wanted for name in choice.names}
        await self._shelf.look_up(names)
        return [self._choose(choice) for choice in wanted]

    def _choose(self, choice: Choice) -> Chosen:
        reasons: dict[str, str] = {}
        usable = []
        for name in choice.names:
            problem = self._shelf.why_not(name)
            if problem is None and name not in self._quarantine:
                return Chosen(name, _told(reasons))
            if problem is None:
                usable.append(name)
            reasons[name] = problem or f"failed to load earlier ({self._quarantine[name]})"
        if usable:
            del reasons[usable[0]]
            return Chosen(usable[0], _told(reasons))
        if self._shelf.has(choice.model):
            raise ModelLoadFailed(self._spec.url, choice.model, _told(reasons))
        raise ModelMissing(self._spec.url, choice.model)

    # ── comparing with reality ───────────────────────────────────────────────────────────────────────────────────

    async def reconcile(self, claims: Claims) -> Sweep:
        """Compare ledger, `/api/ps`, reservations and the manager's claims; heal what differs.

        A model that vanished is struck out, one that came by itself is entered as foreign, one of ours that nobody
        claims is unloaded, a reservation without a model is removed.
        """
        lost = await self._compare_with_ps(claims.loaded_by_us)
        for turn_id in [t for t in self._running if t not in claims.turns]:
            self._finish_turn(turn_id)
        if not self._knows_holders:  # only after a start: later the claims are older than what this host knows
            self._restore_holders(claims)
            self._knows_holders = True
        for model, holder in self._ledger.keep_holders(claims.held):
            self._tell_released(model, holder)
        unowned = [entry.model for entry in self._ledger.unowned()]
        unloaded = [model for model in unowned if await self._unload_if_unowned(model) is not None]
        stale = sorted(m for m in await self._reservations.existing() if m not in self._ledger)
        for model in stale:
            await self._reservations.free(model)
        self._pump()
        return Sweep(tuple(unloaded), tuple(stale), tuple(lost))

    async def _compare_with_ps(self, loaded_by_us: frozenset[str]) -> list[str]:
        known = {e.model for e in self._ledger.entries()}
        before = {e.model for e in self._ledger.entries() if e.phase is Phase.RESIDENT}
        loaded = {normalise(m.name): m for m in await self._client.ps()}
        lost = []
        for entry in self._ledger.entries():
            if entry.phase is not Phase.RESIDENT or entry.model not in before:
                continue
            found = loaded.get(entry.model)
            if found is not None:
                entry.size_bytes, entry.gpu_bytes, entry.measured = found.size_bytes, found.gpu_bytes, True
                entry.foreign = entry.foreign and entry.model not in loaded_by_us
            else:
                lost.append(entry.model)
                await self._strike_out(entry, EventKind.MODEL_LOST)
        for name, found in loaded.items():
            if name not in self._ledger and name not in known:  # known, but gone meanwhile: the answer is old
                self._ledger.put(
                    Entry(
                        name,
                        found.num_ctx,
                        found.size_bytes,
                        Phase.RESIDENT,
                        measured=True,
                        gpu_bytes=found.gpu_bytes,
                        foreign=name not in loaded_by_us,
                    )
                )
        return lost

    def _restore_holders(self, claims: Claims) -> None:
        for session_id, models in claims.held.items():
            for model in models:
                entry = self._ledger.get(model)
                if entry is not None and not entry.foreign:
                    self._hold(entry, session_id)

    def _tell_released(self, model: str, session_id: str) -> None:
        entry = self._ledger.get(model)
        if entry is not None:
            self._tell(EventKind.MODEL_RELEASED, entry, session_id)

    async def view(self) -> HostView:
        """Return the endpoint as it stands."""
        entries = self._ledger.entries()
        return HostView(
            self._spec.endpoint_id,
            self._spec.url,
            self._ledger.snapshot(),
            tuple(_resident_view(entry) for entry in entries),
            len(self._running),
            tuple((w.wish.turn_id, w.model) for w in self._waiting.values() if not w.granted.done()),
            self._suspect,
        )

    # ── chores ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _refresh_forever(self) -> None:
        """Renew the keep-alive of what is held, long before Ollama's own timer ends it."""
        while True:
            await asyncio.sleep(self._clock.real_s(self._settings.keep_alive_s / 3))
            for entry in self._ledger.entries():
                if entry.foreign or entry.busy or not entry.holders:
                    continue
                entry.touched = True
                try:
                    await self._client.load(
                        entry.model,
                        LoadOptions(entry.num_ctx),
                        keep_alive_s=self._settings.keep_alive_s,
                        deadline_s=self._load_deadline_s(entry.size_bytes),
                    )
                except DelegatorError as exc:
                    log.warning("the keep-alive of %s was not renewed: %s", entry.model, exc.message)
                finally:
                    entry.touched = False
                    self._pump()

    async def _deliver_forever(self) -> None:
        """Hand events to the `SessionManager` as they come; keep them while it is away."""
        while True:
            await asyncio.sleep(0.1)
            try:
                await self.flush()
            except Exception as exc:  # whatever keeps the manager away, the events wait
                log.warning("events wait for delivery: %s", exc)

    async def flush(self) -> None:
        """Return once everything that has happened so far is recorded."""
        async with self._outbox_lock:
            batch = self._outbox[:]
            if batch:
                await self._report(batch)
                del self._outbox[: len(batch)]

    def _tell(
        self, kind: EventKind, entry: Entry, session_id: str | None, *, at: datetime | None = None, **data: object
    ) -> None:
        facts = {
            "endpoint": self._spec.endpoint_id,
            "bytes": entry.size_bytes,
            "measured": entry.measured,
            "num_ctx": entry.num_ctx,
            **data,
        }
        self._outbox.append(
            NewEvent(
                kind=kind,
                at=at or datetime.now(UTC),
                session_id=session_id,
                role=None,
                model=entry.model,
                data=facts,
                uid=uuid4(),
            )
        )


def _told(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {reason}" for name, reason in reasons.items())


def _needs_nothing(plan: Plan) -> bool:
    """True when the plan moves nothing out of the way."""
    return isinstance(plan, Reuse | Load) and not plan.release and not plan.evict


def _resident_view(entry: Entry) -> ResidentView:
    return ResidentView(
        entry.model,
        entry.size_bytes,
        entry.gpu_bytes,
        entry.measured,
        tuple(sorted(entry.holders)),
        entry.foreign,
        entry.busy,
        entry.phase is Phase.RESIDENT,
        entry.loaded_at.timestamp() if entry.loaded_at else None,
    )
