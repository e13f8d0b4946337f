"""Owner of one Ollama endpoint: what is in its memory, and in which order models come and go.

Alone loads, unloads and sets load options there. Turns announce themselves (`acquire`), run once their model is
resident and a slot is free, and give the slot back (`release_turn`). One change (evictions, then at most one load) is
under way at a time; the planner decides it, `endpoint_memory.py` carries it out: drained before unload, unload
confirmed by `/api/ps`, keep-alive stated on every call.

Changes of state happen between awaits, in `_pump` and the small methods it calls. A plain class: `ModelHostActor`
makes it a Ray actor.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from actors.disk import Disk
from actors.disk_messages import DiskView, PullView, Removed
from actors.endpoint_memory import EndpointMemory
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
from actors.outbox import Outbox, Report
from actors.reservations import Reservations
from actors.shelf import Shelf
from delegator.clock import Clock
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    MemoryExceeded,
    ModelLoadFailed,
    NoCapacity,
    SessionEnded,
)
from delegator.ollama.client import OllamaClient
from delegator.residency.ledger import Entry, Phase
from delegator.residency.planner import Load, Plan, Refuse, Reuse, Wait, Wish, plan_residency
from delegator.residency.turns import WaitingTurn, first_in_line, grantable, models_to_close
from delegator.schemas import EventKind
from delegator.settings import GB, Settings

log = logging.getLogger(__name__)

PARALLEL_TURNS = 1
"""Turns at one time per model: Ollama's default OLLAMA_NUM_PARALLEL; more would queue unseen inside it."""

REMEMBERED_SESSIONS = 1000
"""Ended sessions for which nothing is held any more; a claim under way is seconds old, not a thousand sessions."""


@dataclass(slots=True, eq=False)
class _Wanted:
    """A turn that waits. One without a slot only wants its model resident."""

    wish: TurnWish
    mark: float
    granted: asyncio.Future[Grant]
    needs_slot: bool
    load_s: float = 0.0
    blocked_by: tuple[str, ...] = field(default=())

    @property
    def model(self) -> str:
        return self.wish.model.name

    @property
    def is_granted(self) -> bool:
        return self.granted.done() and not self.granted.cancelled() and self.granted.exception() is None

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
        self._clock = Clock(settings.simulator_scale if settings.models == "simulated" else 1.0)
        self._shelf = Shelf(client)
        self._outbox = Outbox(spec.endpoint_id, report)
        self._memory = EndpointMemory(spec, settings, self._clock, client, reservations, self._shelf, self._outbox)
        self._disk = Disk(client, self._clock, self._shelf, self._memory, self._outbox)
        self._ledger = self._memory.ledger
        self._waiting: dict[str, _Wanted] = {}
        self._running: dict[str, str] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        self._managers_life = ""
        self._knows_holders = False
        self._change: asyncio.Task[None] | None = None
        self._chores: list[asyncio.Task[None]] = []

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def start(self) -> None:
        """Read what is in memory, take over what a former life left, and begin the chores."""
        await self._memory.read()
        self._chores = [
            asyncio.create_task(self._memory.keep_alive_forever(self._pump)),
            asyncio.create_task(self._outbox.deliver_forever()),
        ]

    async def close(self) -> None:
        """Stop the chores; leaves the models as they are."""
        await self._disk.close()
        for chore in self._chores:
            chore.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)
        await self._client.close()

    async def ping(self) -> str:
        """Answer with the endpoint's id."""
        return self._spec.endpoint_id

    async def flush(self) -> None:
        """Return once everything that has happened so far is recorded."""
        await self._outbox.flush()

    async def choose(self, wanted: Sequence[Choice]) -> list[Chosen]:
        """See `Shelf.choose`."""
        return await self._shelf.choose(wanted)

    # ── what lies on the disk ────────────────────────────────────────────────────────────────────────────────────

    async def on_disk(self, names: Sequence[str]) -> DiskView:
        """See `Disk.view`."""
        return await self._disk.view(names)

    async def pull(self, model: str, wait_s: float) -> PullView:
        """See `Disk.pull`."""
        return await self._disk.pull(model, wait_s)

    async def look_at_pull(self, model: str, wait_s: float) -> PullView:
        """See `Downloads.wait`."""
        return await self._disk.look_at_pull(model, wait_s)

    async def cancel_pull(self, model: str) -> PullView:
        """See `Downloads.cancel`."""
        return await self._disk.cancel_pull(model)

    async def remove(self, model: str) -> Removed:
        """See `Disk.remove`."""
        return await self._disk.remove(model)

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
        return await self._wait_for(self._announce(wish, needs_slot=True), deadline_s)

    async def warm(self, wish: TurnWish, deadline_s: float) -> Grant:
        """Bring a model in for a session that will soon speak with it; as `acquire`, but takes no slot."""
        return await self._wait_for(self._announce(wish, needs_slot=False), deadline_s)

    async def release_turn(self, turn_id: str) -> None:
        """Give a slot back; unknown ids are fine. Frees the slot at once, so that the next turn can start."""
        self._finish_turn(turn_id)
        self._pump()

    def _announce(self, wish: TurnWish, *, needs_slot: bool) -> _Wanted:
        wanted = self._waiting.get(wish.turn_id)
        if wanted is None:
            granted: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
            wanted = self._waiting[wish.turn_id] = _Wanted(wish, self._clock.mark(), granted, needs_slot)
        return wanted

    async def _wait_for(self, wanted: _Wanted, deadline_s: float) -> Grant:
        self._pump()
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(wanted.granted)
        except TimeoutError:
            if wanted.is_granted:  # in the same moment
                return wanted.granted.result()
            raise DeadlineExceeded(f"waiting for {wanted.model}", deadline_s) from None
        except asyncio.CancelledError:
            if wanted.is_granted:
                self._finish_turn(wanted.wish.turn_id)
            raise
        finally:
            self._waiting.pop(wanted.wish.turn_id, None)
            self._pump()

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
        slotless = [t.turn_id for t in turns if t.model in slots and not self._waiting[t.turn_id].needs_slot]
        seekers = [t for t in turns if self._waiting[t.turn_id].needs_slot]
        started = grantable(seekers, free_slots=slots, closed=self._closed_models(turns, slots))
        for turn_id in [*slotless, *started]:
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
                if turn.waited_s >= self._settings.turn_patience_s and not self._are_foreign(plan.on):
                    return
            elif isinstance(plan, Load) or plan.evict:
                self._memory.mark_leaving(plan.evict)
                self._change = asyncio.create_task(self._carry_out(wanted, plan))
                return

    def _are_foreign(self, models: Sequence[str]) -> bool:
        """True when nothing that happens here can make these models go: keeping others waiting for them is in vain."""
        return all((entry := self._ledger.get(model)) is not None and entry.foreign for model in models)

    def _plan(self, wanted: _Wanted) -> Plan:
        wish = wanted.wish
        size = self._memory.size_of(wish.model)
        return plan_residency(self._ledger.snapshot(), Wish(wanted.model, size, wish.session_id, wish.limit_bytes))

    def _grant(self, wanted: _Wanted) -> None:
        entry = self._ledger.require(wanted.model)
        self._hold(entry, wanted.wish.session_id)
        entry.last_used = self._clock.mark()
        if wanted.needs_slot:
            entry.turns.add(wanted.wish.turn_id)
            self._running[wanted.wish.turn_id] = entry.model
        waited_s = self._clock.elapsed_s(wanted.mark)
        wanted.granted.set_result(Grant(wanted.wish.turn_id, entry.model, entry.size_bytes, waited_s, wanted.load_s))

    def _hold(self, entry: Entry, session_id: str) -> None:
        if session_id not in entry.holders and session_id not in self._over:
            entry.holders.add(session_id)
            self._outbox.tell(EventKind.MODEL_HELD, entry, session_id)

    def _let_go(self, session_id: str, models: Sequence[str]) -> None:
        for model in models:
            entry = self._ledger.get(model)
            if entry is not None and session_id in entry.holders:
                entry.holders.discard(session_id)
                self._outbox.tell(EventKind.MODEL_RELEASED, entry, session_id)

    # ── changing what is resident ─────────────────────────────────────────────────────────────────────────────────

    async def _carry_out(self, wanted: _Wanted, plan: Load | Reuse) -> None:
        """Carry one plan out: unload, then load. Errors fail the wish and leave the ledger as it was before."""
        try:
            kept_by_others = [model for model in plan.release if model not in plan.evict]
            self._let_go(wanted.wish.session_id, kept_by_others)
            for model in plan.evict:
                await self._memory.unload(model)
            if isinstance(plan, Load) and self._is_waiting(wanted):  # its caller may have gone away meanwhile
                wanted.load_s = await self._memory.load(wanted.wish.model, wanted.wish.session_id)
        except DelegatorError as exc:
            wanted.fail(exc)
        except Exception as exc:
            log.exception("a change of what is resident failed unexpectedly")
            wanted.fail(ModelLoadFailed(self._spec.url, wanted.model, str(exc) or type(exc).__name__))
        finally:
            self._memory.let_stay(plan.evict)
            self._change = None
            self._pump()

    def _is_waiting(self, wanted: _Wanted) -> bool:
        return self._waiting.get(wanted.wish.turn_id) is wanted and not wanted.granted.done()

    # ── letting go ───────────────────────────────────────────────────────────────────────────────────────────────

    async def release_models(self, session_id: str, models: Sequence[str] | None = None) -> Released:
        """Let go of what a session holds (or of `models` of it); unload what nobody else holds, confirmed.

        What cannot be unloaded now, because another session's turn has just begun on it, stays. The events of it are
        delivered before this returns. Without `models` the session is over, and its waiting turns fail.
        """
        if models is None:
            self._remember_over(session_id)
            for wanted in [w for w in self._waiting.values() if w.wish.session_id == session_id]:
                wanted.fail(SessionEnded(session_id, "ended"))
        entries = [e for e in self._ledger.held_by(session_id) if models is None or e.model in models]
        loaded = [entry for entry in entries if entry.phase is not Phase.LOADING]
        self._let_go(session_id, [entry.model for entry in entries])
        await asyncio.gather(*(self._take_out(entry) for entry in entries))
        self._pump()
        await self._outbox.flush()
        here = [entry for entry in entries if self._ledger.get(entry.model) is entry]
        gone = [entry for entry in loaded if self._ledger.get(entry.model) is not entry]
        return Released(tuple((e.model, e.size_bytes) for e in gone), tuple(e.model for e in here))

    async def _take_out(self, entry: Entry) -> None:
        """Unload a model unless somebody else holds it; stop its load unless somebody else waits for it."""
        if entry.phase is Phase.LOADING and not entry.holders:
            await self._settle_load(entry)
        if not entry.holders and self._ledger.get(entry.model) is entry:
            await self._unload_if_idle(entry)

    async def _settle_load(self, entry: Entry) -> None:
        """Stop the load of a model that nobody wants any more, and wait for its end."""
        is_wanted = any(w.model == entry.model and not w.granted.done() for w in self._waiting.values())
        if self._change is None or is_wanted:
            return
        change = self._change
        if self._memory.loading == entry.model:
            change.cancel()
        await asyncio.wait([change], timeout=self._settings.unload_deadline_s)

    async def _unload_if_idle(self, entry: Entry) -> bool:
        """Unload a model, or see the end of its unload; return whether it has gone."""
        if entry.foreign or (entry.busy and entry.phase is not Phase.UNLOADING):
            return False
        try:
            await self._memory.unload(entry.model)
        except DelegatorError as exc:
            log.warning("%s stays for now: %s", entry.model, exc.message)
            return False
        return True

    async def _unload_unowned(self, entry: Entry) -> bool:
        return entry in self._ledger.unowned() and await self._unload_if_idle(entry)

    def _remember_over(self, session_id: str) -> None:
        """Hold nothing for this session any more, even where a claim sent earlier still names it."""
        self._over[session_id] = None
        while len(self._over) > REMEMBERED_SESSIONS:
            self._over.popitem(last=False)

    # ── comparing with reality ───────────────────────────────────────────────────────────────────────────────────

    async def reconcile(self, claims: Claims) -> Sweep:
        """Compare ledger, `/api/ps`, reservations and the manager's claims; heal what differs.

        A model that vanished is struck out, one that came by itself is entered as foreign, one of ours that nobody
        claims is unloaded, a reservation without a model is removed.
        """
        self._apply(claims)  # before any await: what begins from now on is newer than the claims
        lost = await self._memory.compare(claims.loaded_by_us)
        if not self._knows_holders:
            self._restore_holders(claims)
            lost += self._strike_out_absent(claims, known=lost)
            self._knows_holders = True
        unloaded: list[str] = []
        stale: list[str] = []
        if claims.remove_orphans:
            unloaded = [e.model for e in self._ledger.unowned() if await self._unload_unowned(e)]
            stale = await self._memory.free_stale_reservations()
        self._pump()
        return Sweep(tuple(unloaded), tuple(stale), tuple(lost))

    def _apply(self, claims: Claims) -> None:
        if claims.life != self._managers_life:
            self._managers_life = claims.life
            self._over.clear()
        if not self._knows_holders:  # only after a start: later the claims are older than what this host knows
            self._restore_holders(claims)
        for turn_id in [t for t in self._running if t not in claims.turns]:
            self._finish_turn(turn_id)
        for model, holder in self._ledger.keep_holders(claims.held):
            self._outbox.tell(EventKind.MODEL_RELEASED, self._ledger.require(model), holder)

    def _restore_holders(self, claims: Claims) -> None:
        for session_id, models in claims.held.items():
            for model in models:
                entry = self._ledger.get(model)
                if entry is not None and not entry.foreign:
                    self._hold(entry, session_id)

    def _strike_out_absent(self, claims: Claims, known: Collection[str]) -> list[str]:
        """Tell of models that left while no host was there to see it, beside those `known`; return them."""
        absent = sorted(m for m in claims.loaded_by_us if m not in self._ledger and m not in known)
        for model in absent:
            self._memory.tell_lost(model, [s for s, models in claims.held.items() if model in models])
        return absent

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
            self._memory.suspect,
        )


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
