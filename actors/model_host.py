"""Owner of one Ollama endpoint: what is in its memory, and in which order models come and go.

Alone loads, unloads and sets load options there. Turns announce themselves (`acquire`), run once their model is
resident and a slot is free, and give the slot back (`release_turn`). What happens next is decided by the pure
`Dispatcher` (`delegator/residency/dispatcher.py`), asked after everything that happens; `endpoint_memory.py` carries it
out: one load at a time, drained before unload, unload confirmed by `/api/ps`, keep-alive stated on every call.

Changes of state happen between awaits, in `_pump` and the small methods it calls. A plain class: `ModelHostActor`
makes it a Ray actor.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from actors.asides import Asides, Ways
from actors.by_hand import BY_HAND, ByHand, Limits, no_room
from actors.by_hand import Ways as WaysByHand
from actors.control_messages import ControlView, PinWish
from actors.disk import Disk
from actors.disk_messages import DiskView, PullView, Removed
from actors.endpoint_memory import EndpointMemory
from actors.holders import Holders
from actors.host_comparison import HostComparison
from actors.host_comparison import Ways as WaysToCompare
from actors.host_messages import (
    Aside,
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
from actors.machine_meter import MachineMeter
from actors.outbox import Outbox, Report
from actors.pinned import Pinned
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
from delegator.residency.decisions import Change, Decision, Foretold
from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Dispatcher
from delegator.residency.foreseen import estimated_load_s
from delegator.residency.ledger import Entry, Phase
from delegator.residency.planner import Refuse, Wait
from delegator.residency.policy import policy_of
from delegator.residency.requests import Later, TurnRequest
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB, Settings

log = logging.getLogger(__name__)

PARALLEL_TURNS = 1
"""Turns at one time per model: Ollama's default OLLAMA_NUM_PARALLEL; more would queue unseen inside it."""

LEAST_BY_HAND_S = 60.0
"""Real seconds a load by hand may take at least, its wait included, however fast the models' time runs."""

_FORETOLD = {
    Foretold.BEGUN: EventKind.MODEL_PREFETCHED,
    Foretold.USED: EventKind.PREFETCH_USED,
    Foretold.WASTED: EventKind.PREFETCH_WASTED,
    Foretold.CANCELLED: EventKind.LOAD_CANCELLED,
}


@dataclass(slots=True, eq=False)
class _Wanted:
    """A turn that somebody awaits."""

    wish: TurnWish
    granted: asyncio.Future[Grant]
    mark: float
    load_s: float = 0.0
    evicted: tuple[str, ...] = ()

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
        self._meter = MachineMeter()
        self._shelf = Shelf(client)
        self._outbox = Outbox(spec.endpoint_id, report)
        self._memory = EndpointMemory(spec, settings, self._clock, client, reservations, self._shelf, self._outbox)
        self._disk = Disk(client, self._clock, self._shelf, self._memory, self._outbox)
        self._ledger = self._memory.ledger
        self._born = self._clock.mark()
        self._models: dict[str, Model] = {}
        """Models by the ledger's names, with their options, as they were last wished for."""
        self._dispatcher = Dispatcher(
            self._ledger,
            policy_of(settings.residency, patience_s=settings.turn_patience_s, parallel=PARALLEL_TURNS),
            size_of=self._size_of,
            load_s=self._expected_load_s,
        )
        self._dispatcher.lingers = False  # until it is known which sessions are open
        self._dispatcher.demand.returns.restore(spec.learned)
        self._asides = Asides(
            client,
            self._dispatcher,
            self._memory,
            self._shelf,
            self._clock,
            Ways(self.warm, self.release_models, self._pump),
            keep_alive_s=settings.keep_alive_s,
        )
        self._by_hand = ByHand(
            spec.url,
            self._dispatcher,
            self._memory,
            self._shelf,
            self._asides,
            self._outbox,
            WaysByHand(self.warm, self.release_models, self._pump, self._models),
            Limits(settings.keep_alive_s, max(LEAST_BY_HAND_S, self._clock.real_s(settings.turn_deadline_s))),
        )
        self._pinned = Pinned(self._memory, self._shelf, self._by_hand, self._pump)
        self._wanted: dict[str, _Wanted] = {}
        self._holders = Holders(self._dispatcher, self._outbox, self._coming_bytes)
        self._comparison = HostComparison(
            self._dispatcher,
            self._memory,
            self._holders,
            self._pinned,
            self._asides,
            WaysToCompare(self._unload_if_idle, self._pump, self._now, self._known),
        )
        self._change: asyncio.Task[None] | None = None
        self._under_way: Change | None = None
        self._drops: set[asyncio.Task[None]] = set()
        self._wake: asyncio.TimerHandle | None = None
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
        await self._pinned.close()
        await self._by_hand.close()
        await self._asides.close()
        await self._disk.close()
        if self._wake is not None:
            self._wake.cancel()
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
        self._by_hand.let_go(model)
        return await self._disk.remove(model)

    # ── by hand ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def load_model(self, model: Model, wait_s: float) -> ControlView:
        """See `ByHand.load`."""
        return await self._told(self._by_hand.load(model, wait_s))

    async def unload_model(self, model: Model, wait_s: float) -> ControlView:
        """See `ByHand.unload`."""
        return await self._told(self._by_hand.unload(model, wait_s))

    async def pin_model(self, wish: PinWish, wait_s: float) -> ControlView:
        """See `Pinned.pin`."""
        return await self._told(self._pinned.pin(wish, wait_s))

    async def unpin_model(self, model: Model, wait_s: float) -> ControlView:
        """See `Pinned.unpin`."""
        return await self._told(self._pinned.unpin(model, wait_s))

    async def _told(self, work: Awaitable[ControlView]) -> ControlView:
        """Do it, and have what happened recorded before it is told; where nobody takes it now, it waits."""
        view = await work
        with contextlib.suppress(Exception):
            await self._outbox.flush()
        return view

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
        running = self._dispatcher.running().get(wish.turn_id)
        if running is not None:
            entry = self._ledger.get(running)
            return Grant(wish.turn_id, running, entry.size_bytes if entry else 0, 0.0, 0.0)
        return await self._wait_for(self._announce(wish, needs_slot=True), deadline_s)

    async def warm(self, wish: TurnWish, deadline_s: float) -> Grant:
        """Bring a model in for a session that will soon speak with it; as `acquire`, but takes no slot."""
        return await self._wait_for(self._announce(wish, needs_slot=False), deadline_s)

    async def aside(self, aside: Aside) -> str:
        """See `Asides.answer`."""
        return await self._asides.answer(aside)

    async def first_token(self, turn_id: str) -> None:
        """Note that a turn speaks: the next speaker's model may be brought in from now on. Unknown ids are fine."""
        self._dispatcher.first_token(turn_id, self._now())
        self._pump()

    async def release_turn(self, turn_id: str) -> None:
        """Give a slot back; unknown ids are fine. Frees the slot at once, so that the next turn can start."""
        self._dispatcher.finish(turn_id, self._now())
        self._pump()

    def _announce(self, wish: TurnWish, *, needs_slot: bool) -> _Wanted:
        wanted = self._wanted.get(wish.turn_id)
        if wanted is None:
            granted: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
            wanted = self._wanted[wish.turn_id] = _Wanted(wish, granted, self._clock.mark())
            self._dispatcher.announce(self._request(wish, needs_slot=needs_slot), self._now())
        return wanted

    def _request(self, wish: TurnWish, *, needs_slot: bool) -> TurnRequest:
        outlook = wish.outlook
        self._holders.limit(wish.session_id, wish.limit_bytes)
        if outlook is not None:
            outlook = self._known(outlook)
        return TurnRequest(
            wish.turn_id,
            wish.session_id,
            self._known_model(wish.model),
            wish.limit_bytes,
            task_id=wish.task_id,
            needs_slot=needs_slot,
            spare_only=wish.spare_only,
            by_hand_s=wish.by_hand_s,
            later=tuple(Later(self._known_model(later.model), later.turns_ahead) for later in wish.later),
            continues=wish.continues,
            outlook=outlook,
        )

    def _known_model(self, model: Model) -> str:
        name = self._memory.known_as(model.name)
        self._models[name] = model
        return name

    def _known(self, outlook: Outlook) -> Outlook:
        known = self._memory.known_as
        return replace(
            outlook, lead=known(outlook.lead) if outlook.lead else "", others=tuple(map(known, outlook.others))
        )

    async def _wait_for(self, wanted: _Wanted, deadline_s: float) -> Grant:
        turn_id = wanted.wish.turn_id
        self._pump()
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.shield(wanted.granted)
        except TimeoutError:
            if wanted.is_granted:  # in the same moment
                return wanted.granted.result()
            raise DeadlineExceeded(f"waiting for {wanted.wish.model.name}", deadline_s) from None
        except asyncio.CancelledError:
            if wanted.is_granted:
                self._dispatcher.finish(turn_id, self._now())
            raise
        finally:
            self._forget(wanted)
            self._pump()

    def _forget(self, wanted: _Wanted) -> None:
        if self._wanted.get(wanted.wish.turn_id) is wanted:
            del self._wanted[wanted.wish.turn_id]
            self._dispatcher.withdraw(wanted.wish.turn_id)

    def _fail(self, wanted: _Wanted, error: DelegatorError) -> None:
        wanted.fail(error)
        self._forget(wanted)

    # ── doing what is decided: no await below until the next headline ─────────────────────────────────────────────

    def _now(self) -> float:
        """Model seconds since this host began."""
        return self._clock.elapsed_s(self._born)

    def _size_of(self, name: str) -> int:
        model = self._models.get(name)
        if model is not None:
            limits = [w.wish.limit_bytes for w in self._wanted.values() if w.wish.model.name == model.name]
            return self._memory.size_within(model, min(limits, default=self._spec.capacity_bytes))
        entry = self._ledger.get(name)
        return entry.size_bytes if entry else 0

    def _expected_load_s(self, name: str) -> float:
        model = self._models.get(name)
        return self._memory.load_s(model) if model else estimated_load_s(name, self._size_of(name), {})

    def _pump(self) -> None:
        """Ask what happens next, and let it happen."""
        decision = self._dispatcher.decide(self._now())
        for turn_id, why in decision.refused:
            if (wanted := self._wanted.get(turn_id)) is not None:
                self._fail(wanted, self._refusal(wanted.wish.model.name, why))
        self._tell(decision)
        for turn_id in decision.grants:
            self._grant(turn_id)
        if decision.change is not None:
            self._under_way = decision.change
            self._change = asyncio.create_task(self._carry_out(decision.change))
        for model in decision.drops:
            self._drop(model)
        if decision.cancel and self._change is not None and self._memory.loading is not None:
            self._change.cancel()
        self._asides.give_way()
        self._sleep_until(decision.wake_at)

    def _refusal(self, model: str, why: Refuse | Wait | None) -> DelegatorError:
        if why is None:
            return NoCapacity(f"no spare memory for {model}")
        if isinstance(why, Wait):
            return no_room(model, why, self._ledger)
        return MemoryExceeded(model, why.needed_bytes / GB, why.capacity_bytes / GB)

    def _tell(self, decision: Decision) -> None:
        for model, session_id in decision.released:
            self._outbox.tell(EventKind.MODEL_RELEASED, self._ledger.require(model), session_id)
        for model, session_id in decision.held:
            self._outbox.tell(EventKind.MODEL_HELD, self._ledger.require(model), session_id)
        for what, model, session_id in decision.foretold:
            entry = self._ledger.get(model) or Entry(model, 0, self._size_of(model), Phase.LOADING)
            self._outbox.tell(_FORETOLD[what], entry, session_id)

    def _grant(self, turn_id: str) -> None:
        wanted = self._wanted.get(turn_id)
        if wanted is None or wanted.granted.done():
            self._dispatcher.finish(turn_id, self._now())
            return
        entry = self._ledger.require(self._memory.known_as(wanted.wish.model.name))
        self._by_hand.taken(entry.model, wanted.wish.session_id)
        waited_s = self._clock.elapsed_s(wanted.mark)
        grant = Grant(turn_id, entry.model, entry.size_bytes, waited_s, wanted.load_s, wanted.evicted)
        wanted.granted.set_result(grant)

    def _sleep_until(self, moment: float | None) -> None:
        if self._wake is not None:
            self._wake.cancel()
            self._wake = None
        if moment is not None:
            real_s = max(0.001, self._clock.real_s(moment - self._now()))
            self._wake = asyncio.get_running_loop().call_later(real_s, self._pump)

    # ── changing what is resident ─────────────────────────────────────────────────────────────────────────────────

    async def _carry_out(self, change: Change) -> None:
        """Carry one change out: unload, then load. Errors fail the turn it is for; the ledger is as it was before."""
        wanted = self._wanted.get(change.turn_id)
        try:
            made_room = await self._evict(change)
            if made_room and change.load is not None and self._is_still_wanted(change, wanted):
                load_s = await self._memory.load(self._models[change.load], change.session_id, evicted=change.evict)
                if wanted is not None:
                    wanted.load_s, wanted.evicted = load_s, change.evict
        except DelegatorError as exc:
            self._change_failed(change, wanted, exc)
        except Exception as exc:
            log.exception("a change of what is resident failed unexpectedly")
            why = str(exc) or type(exc).__name__
            self._change_failed(change, wanted, ModelLoadFailed(self._spec.url, change.load or "", why))
        finally:
            self._memory.let_stay(change.evict)
            self._change = self._under_way = None
            self._dispatcher.change_done()
            self._pump()

    async def _evict(self, change: Change) -> bool:
        """Unload what has to leave; return whether it has. What stays is told again while its turn waits.

        Raises:
            DeadlineExceeded: it has stayed so often that this Ollama is suspect.
        """
        for model in change.evict:
            try:
                await self._memory.unload(model)
            except DeadlineExceeded:
                if self._memory.suspect is not None:
                    raise
                return False
        return True

    def _is_still_wanted(self, change: Change, wanted: _Wanted | None) -> bool:
        """Return whether the load still serves somebody: its caller may have gone away meanwhile."""
        if change.speculative:
            return not self._dispatcher.is_over(change.session_id)
        return wanted is not None and self._wanted.get(change.turn_id) is wanted and not wanted.granted.done()

    def _change_failed(self, change: Change, wanted: _Wanted | None, exc: DelegatorError) -> None:
        if wanted is not None:
            self._fail(wanted, exc)
        else:
            log.info("bringing %s in ahead of its turn failed: %s", change.load, exc.message)

    def _drop(self, model: str) -> None:
        """Unload an idle model that no longer pays; one that stays is looked at again by the next decision."""
        entry = self._ledger.require(model)

        async def drop() -> None:
            is_here = self._ledger.get(entry.model) is entry
            if is_here and await self._unload_if_idle(entry):
                self._pump()

        dropping = asyncio.create_task(drop())
        self._drops.add(dropping)
        dropping.add_done_callback(self._drops.discard)

    # ── letting go ───────────────────────────────────────────────────────────────────────────────────────────────

    async def release_models(self, session_id: str, models: Sequence[str] | None = None) -> Released:
        """Let go of what a session holds (or of `models` of it); unload what nobody else holds, confirmed.

        What cannot be unloaded now, because another session's turn has just begun on it, stays. The events of it are
        delivered before this returns. Without `models` the session is over, and its waiting turns fail.
        """
        if models is None:
            self._dispatcher.close_session(session_id, self._now())
            self._holders.forget(session_id)
            for wanted in [w for w in self._wanted.values() if w.wish.session_id == session_id]:
                self._fail(wanted, SessionEnded(session_id, "ended"))
        if models is not None:
            models = [self._memory.known_as(model) for model in models]
        entries = [e for e in self._ledger.held_by(session_id) if models is None or e.model in models]
        loaded = [entry for entry in entries if entry.phase is not Phase.LOADING]
        self._holders.let_go(session_id, [entry.model for entry in entries])
        await asyncio.gather(*(self._take_out(entry, session_id) for entry in entries))
        self._pump()
        await self._outbox.flush()
        here = [entry for entry in entries if self._ledger.get(entry.model) is entry]
        gone = [entry for entry in loaded if self._ledger.get(entry.model) is not entry]
        return Released(tuple((e.model, e.size_bytes) for e in gone), tuple(e.model for e in here))

    async def _take_out(self, entry: Entry, session_id: str) -> None:
        """Unload a model the session let go of unless somebody else needs it; stop its load unless one waits for it."""
        if entry.phase is Phase.LOADING and not entry.holders:
            await self._settle_load(entry)
        self._holders.pass_on(entry, self._now(), without=session_id)
        if self._is_free(entry):
            await self._asides.stop(entry.model)
        if self._is_free(entry):
            await self._unload_if_idle(entry)

    def _is_free(self, entry: Entry) -> bool:
        return not entry.holders and not entry.pinned and self._ledger.get(entry.model) is entry

    def _coming_bytes(self, session_id: str) -> int:
        """Return what the model takes that is just being brought in for a session and not in the ledger yet."""
        coming = self._under_way
        if coming is None or coming.load is None or coming.session_id != session_id or coming.load in self._ledger:
            return 0
        return self._size_of(coming.load)

    async def _settle_load(self, entry: Entry) -> None:
        """Stop the load of a model that nobody wants any more, and wait for its end."""
        is_wanted = any(request.model == entry.model for request in self._dispatcher.waiting())
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

    # ── comparing with reality ───────────────────────────────────────────────────────────────────────────────────

    async def reconcile(self, claims: Claims) -> Sweep:
        """See `HostComparison.compare`."""
        return await self._comparison.compare(claims)

    async def view(self) -> HostView:
        """Return the endpoint as it stands."""
        entries, prefetches = self._ledger.entries(), self._dispatcher.prefetches
        return HostView(
            self._spec.endpoint_id,
            self._spec.url,
            self._dispatcher.snapshot(self._now()),
            tuple(_resident_view(entry) for entry in entries),
            len(self._dispatcher.running()),
            tuple((r.turn_id, r.model) for r in self._dispatcher.waiting() if not r.by_hand),
            self._memory.suspect,
            prefetches[Foretold.BEGUN],
            prefetches[Foretold.USED],
            pins=self._ledger.pins,
            queue=self._dispatcher.queue(self._now(), without={*self._asides.holders, BY_HAND}),
            machine=self._meter.look(),
        )


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
        entry.pinned,
    )
