"""The memory of one Ollama endpoint: brings models in, takes them out, keeps them alive, and corrects the ledger.

Carries out what its `ModelHost` has decided, and tells what has happened. Truth is `/api/ps`: an unload counts once it
confirms it, sizes are what it measured, and what it contradicts is struck out. Decides nothing about turns or sessions.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime

from actors.drift import Drift
from actors.host_messages import HostSpec
from actors.listing import Listing
from actors.outbox import Outbox
from actors.reservations import Reservations
from actors.shelf import Shelf
from actors.sizes import PARALLEL, Sizes
from actors.stubborn import Stubborn
from delegator.clock import Clock
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    ModelLoadFailed,
    ModelMissing,
    OllamaBusy,
    OllamaRefused,
    OllamaUnavailable,
    SessionEnded,
)
from delegator.ollama.client import LoadedModel, LoadOptions, OllamaClient
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import Settings

log = logging.getLogger(__name__)

PS_EVERY_S = 0.05
"""Real seconds between two looks at /api/ps while an unload is awaited."""

OLLAMA_FILLS_RATIO = 0.8
"""Share of free memory up to which Ollama places models side by side; an eviction below it is its count limit."""

FORMER_LIFE_S = 60.0
"""Real seconds after a start for which a model with a reservation of a former life is taken for ours."""

DID_NOT_LOAD = (ModelLoadFailed, ModelMissing, OllamaRefused, OllamaBusy)
"""Errors after which a model is known not to be in memory; after any other it may turn up there later."""

GONE_AFTER_MISSES = 3
"""Comparisons in a row without an answer after which an Ollama is suspect; where nobody is there, what it had in
memory is taken for gone with it."""

LEAST_LOAD_DEADLINE_S = 10.0
"""Real seconds any load may take, however fast the models' time runs."""

NO_MODEL = Entry("", 0, 0, Phase.UNLOADING)
"""Stands where an event is about the endpoint, not about one of its models."""


class EndpointMemory:
    """What is in one Ollama's memory, by its ledger."""

    def __init__(
        self,
        spec: HostSpec,
        settings: Settings,
        clock: Clock,
        client: OllamaClient,
        reservations: Reservations,
        shelf: Shelf,
        outbox: Outbox,
    ) -> None:
        """Take the parts; touches nothing until `read`."""
        self._spec = spec
        self._settings = settings
        self._clock = clock
        self._client = client
        self._reservations = reservations
        self._shelf = shelf
        self._outbox = outbox
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._claims: dict[str, float] = {}
        self.ledger = Ledger(spec.capacity_bytes)
        self._listing = Listing(client, shelf, self.ledger)
        self._sizes = Sizes(shelf, spec.facts)
        self._drift = Drift(clock, settings.keep_alive_s, shelf, outbox)
        self._stubborn = Stubborn(outbox)
        self._misses = 0
        self.loading: str | None = None
        """The model that Ollama is loading at this moment: cancelling the load now stops it there."""
        self.suspect: str | None = None
        """Why this Ollama may be stuck; None when nothing speaks for it."""

    def size_of(self, model: Model) -> int:
        """Return what the model takes: as measured earlier, else by its file, else by the catalogue."""
        return self._sizes.size_of(model)

    def size_within(self, model: Model, limit_bytes: int) -> int:
        """Return what to plan with where the model may have `limit_bytes` here at most; see `Sizes.size_within`."""
        return self._sizes.size_within(model, min(limit_bytes, self._spec.capacity_bytes))

    def load_s(self, model: Model) -> float:
        """Return the model seconds a load of it takes, as learned or estimated."""
        return self._sizes.load_s(model)

    def known_as(self, name: str) -> str:
        """See `Listing.known_as`: the name by which to ask the ledger for a model."""
        return self._listing.known_as(name)

    async def lists(self, model: str) -> bool:
        """Ask Ollama whether it has a model in memory, under any of its names."""
        return await self._listing.lists(model)

    def window_of(self, entry: Entry) -> int:
        """Return the window to state on a call for a model: with any other Ollama would load it anew."""
        return self._drift.num_ctx_of(entry)

    # ── bringing in ──────────────────────────────────────────────────────────────────────────────────────────────

    async def load(self, model: Model, session_id: str, evicted: Collection[str] = ()) -> float:
        """Bring a model in for a session, which holds it from now on; return the model seconds its load took.

        One that is there already, loaded by another client or before a restart, becomes ours, and took none.
        `evicted`: what had to leave for it, to be told with it.
        """
        began = datetime.now(UTC)
        name = self.known_as(model.name)
        taken_over = name in self.ledger
        weights = self._shelf.weights_of(name)
        size = self.size_within(model, self._spec.capacity_bytes)
        entry = self.ledger.put(Entry(name, model.num_ctx, size, Phase.LOADING, weights=weights))
        entry.holders.add(session_id)
        self._drift.load_with(name, model.num_ctx)
        try:
            load_s, was_there = await self._bring_in(entry, model, session_id)
        except BaseException as exc:
            if isinstance(exc, ModelLoadFailed | ModelMissing):
                self._shelf.quarantine(model.name, exc.message)
                self._outbox.tell(EventKind.MODEL_QUARANTINED, entry, None, reason=exc.message)
            await self._undo_load(entry, ours=not taken_over, may_come=not isinstance(exc, DID_NOT_LOAD))
            raise
        entry.phase = Phase.RESIDENT
        entry.loaded_at = datetime.now(UTC)
        entry.last_used = self._clock.mark()
        self._claims.pop(entry.model, None)
        self._shelf.clear(model.name)
        self.suspect = None
        self._tell_loaded(entry, session_id, load_s, evicted, was_there=was_there)
        for holder in sorted(entry.holders):  # told only now, with the measured size, but held since the load began
            self._outbox.tell(EventKind.MODEL_HELD, entry, holder, at=began)
        return load_s

    def _tell_loaded(
        self, entry: Entry, session_id: str, load_s: float, evicted: Collection[str], *, was_there: bool
    ) -> None:
        """Learn from a load, and tell of it with all that is to be remembered; what was there shows no load time."""
        self._sizes.learn(entry, None if was_there else load_s)
        self._outbox.tell(
            EventKind.MODEL_LOADED,
            entry,
            session_id,
            load_s=round(load_s, 3),
            was_there=was_there,
            evicted=list(evicted),
            gpu_bytes=entry.gpu_bytes,
            weights=entry.weights,
            parallel=PARALLEL,
        )

    async def _bring_in(self, entry: Entry, model: Model, session_id: str) -> tuple[float, bool]:
        """Load; return the model seconds the load took, and whether Ollama had it already, as we want it."""
        await self._look_up(entry, model)
        await self._reservations.reserve(entry.model, entry.size_bytes, model.gpu)
        before = await self._listed()
        if not entry.holders:
            raise SessionEnded(session_id, "ended")
        mark = self._clock.mark()
        self.loading = entry.model
        try:
            await self._state(entry)
        except DeadlineExceeded as exc:
            self.suspect = exc.message
            self._outbox.tell(EventKind.HOST_SUSPECT, entry, None, reason=exc.message)
            raise
        finally:
            self.loading = None
        load_s = self._clock.elapsed_s(mark)
        await self._measure(entry, before or {})
        there = (before or {}).get(entry.model)
        was_there = there is not None and there.num_ctx == self._shelf.window_of(entry.model, entry.num_ctx)
        return 0.0 if was_there else load_s, was_there

    async def _look_up(self, entry: Entry, model: Model) -> None:
        """Find out what the model is where nobody has asked yet, as after a restart; its estimate gets better by it."""
        if self._shelf.facts_of(model.name) is not None:
            return
        with contextlib.suppress(DelegatorError):
            await self._shelf.look_up([model.name])
        entry.weights = self._shelf.weights_of(model.name)
        entry.size_bytes = self.size_within(model, self._spec.capacity_bytes)

    async def _state(self, entry: Entry) -> None:
        """Load a model, or renew its keep-alive: the same call with the same options, whatever others have changed."""
        began = datetime.now(UTC)
        await self._client.load(
            entry.model,
            LoadOptions(self._drift.num_ctx_of(entry)),
            keep_alive_s=self._settings.keep_alive_s,
            deadline_s=self._load_deadline_s(entry.size_bytes),
        )
        self._drift.keep_alive_stated(entry.model, began)

    def _load_deadline_s(self, size_bytes: int) -> float:
        """Return real seconds: three times what the slowest disk expected needs, and never too little."""
        model_s = max(self._settings.load_deadline_min_s, 3 * size_bytes / self._settings.load_rate_bytes_s)
        return max(LEAST_LOAD_DEADLINE_S, self._clock.real_s(model_s))

    async def _undo_load(self, entry: Entry, *, ours: bool, may_come: bool) -> None:
        """Forget a load that failed, and make sure that it does not come true later."""
        try:
            if ours and may_come:
                self._claim(entry.model, self._load_deadline_s(entry.size_bytes))
            if ours:
                with contextlib.suppress(DelegatorError):
                    await self._client.unload(entry.model)
            await self._reservations.free(entry.model)
        finally:
            self.ledger.drop(entry.model)
            self._drift.forget(entry.model)

    def _claim(self, model: str, seconds: float) -> None:
        """Take a model for ours if it turns up in memory within that many real seconds."""
        self._claims[model] = time.monotonic() + seconds

    def _is_claimed(self, model: str) -> bool:
        return time.monotonic() < self._claims.get(model, 0.0)

    async def _measure(self, entry: Entry, before: Collection[str]) -> None:
        """Take the true size over; strike out what Ollama, which listed it `before`, has evicted to load the model.

        Where it cannot be asked the estimate stands; the next comparison measures. A runner of the same weight file,
        which goes for one with other adapters, says nothing about how many models this Ollama keeps.
        """
        loaded = await self._listed()
        if loaded is None:
            return
        if entry.model in loaded:
            self._take_size(entry, loaded[entry.model])
        resident = [e for e in self.ledger.entries() if e.phase is Phase.RESIDENT]
        evicted = [e for e in resident if e.model in before and e.model not in loaded]
        vanished = [e for e in resident if e.model not in before and e.model not in loaded and not e.busy]
        had_room = self.ledger.snapshot().used_bytes <= OLLAMA_FILLS_RATIO * self._spec.capacity_bytes
        for victim in [*evicted, *vanished]:
            await self._strike_out(victim, EventKind.MODEL_LOST)
        if had_room and any(not self._shelf.same_file(e.model, entry.model) for e in evicted):
            self.ledger.max_models = len(loaded)
            log.warning("this Ollama keeps %d models at most: OLLAMA_MAX_LOADED_MODELS", len(loaded))

    async def _listed(self) -> dict[str, LoadedModel] | None:
        """Return what `/api/ps` lists, by the ledger's names; None when it does not answer."""
        try:
            return await self._listing.look()
        except DelegatorError as exc:
            log.warning("what is in memory could not be asked: %s", exc.message)
            return None

    # ── taking out ───────────────────────────────────────────────────────────────────────────────────────────────

    def mark_leaving(self, models: Iterable[str]) -> None:
        """Let nothing begin on these idle models any more: they are about to be unloaded."""
        for model in models:
            entry = self.ledger.get(model)
            if entry is not None and not entry.busy:
                entry.phase = Phase.UNLOADING

    def let_stay(self, models: Iterable[str]) -> None:
        """Take `mark_leaving` back for those whose unloading has not begun."""
        for model in models:
            entry = self.ledger.get(model)
            if entry is not None and entry.phase is Phase.UNLOADING and model not in self._leaving:
                entry.phase = Phase.RESIDENT

    async def unload(self, model: str) -> None:
        """Unload one idle model and wait until `/api/ps` confirms it; join an unload that is under way.

        Raises:
            DeadlineExceeded: it is still there; the ledger keeps it, with its holders. Where that has happened to it
                again and again, this Ollama is `suspect`.
        """
        leaving = self._leaving.get(model)
        if leaving is None:
            entry = self.ledger.get(model)
            if entry is None:
                return
            entry.phase = Phase.UNLOADING
            leaving = self._leaving[model] = asyncio.create_task(self._unload(entry))
            leaving.add_done_callback(_look_at)
        await asyncio.shield(leaving)

    async def _unload(self, entry: Entry) -> None:
        try:
            await self._client.unload(entry.model)
            async with asyncio.timeout(self._settings.unload_deadline_s):
                while await self._listing.lists(entry.model):  # noqa: ASYNC110 - Ollama tells nobody when a model has gone
                    await asyncio.sleep(PS_EVERY_S)
            await self._strike_out(entry, EventKind.MODEL_UNLOADED)
        except (TimeoutError, DeadlineExceeded):
            self._note_stays(entry)
            raise DeadlineExceeded(f"unloading {entry.model}", self._settings.unload_deadline_s) from None
        finally:
            if self.ledger.get(entry.model) is entry:
                entry.phase = Phase.RESIDENT
            del self._leaving[entry.model]

    def _note_stays(self, entry: Entry) -> None:
        reason = self._stubborn.stayed(entry)
        if reason is not None and self.suspect is None:
            self.suspect = reason
            self._outbox.tell(EventKind.HOST_SUSPECT, entry, None, reason=reason)

    async def _strike_out(self, entry: Entry, kind: EventKind) -> None:
        """Take a model that has left memory out of the ledger, and tell everybody who held it.

        Its reservation goes first: a load of the same model that begins afterwards makes one of its own.
        """
        entry.phase = Phase.UNLOADING
        try:
            await self._reservations.free(entry.model)
        finally:
            self.ledger.drop(entry.model)
            self._claims.pop(entry.model, None)
            self._drift.forget(entry.model)
            if self._stubborn.left(entry.model) and self._misses < GONE_AFTER_MISSES:
                self.suspect = None
                self._outbox.tell(EventKind.HOST_RECOVERED, NO_MODEL, None)
            for holder in sorted(entry.holders):
                self._outbox.tell(EventKind.MODEL_RELEASED, entry, holder)
            self._outbox.tell(kind, entry, None)

    # ── comparing with reality ───────────────────────────────────────────────────────────────────────────────────

    async def read(self) -> None:
        """Begin with what is in memory. What a former life reserved for is ours, also if it turns up a little later."""
        for model in await self._reservations.existing():
            self._claim(model, FORMER_LIFE_S)
        with contextlib.suppress(DelegatorError):
            await self._shelf.look_up(self._sizes.measured_models())
        with contextlib.suppress(DelegatorError):
            await self.compare(frozenset())

    async def compare(self, loaded_by_us: Collection[str]) -> list[str]:
        """Correct the ledger by `/api/ps`; return the models that have vanished.

        What came by itself is entered as foreign. A model on which something runs is left alone: Ollama brings it back
        for that, and does not list it meanwhile. What another client has changed about a model of ours is followed and
        told; a changed keep-alive is restored at once, a changed window by the next call that states ours.

        Raises:
            OllamaUnavailable, DeadlineExceeded: it cannot be asked.
        """
        known = {e.model: e for e in self.ledger.entries()}
        idle = [e for e in known.values() if not e.busy]
        try:
            loaded = await self._listing.look()
        except OllamaUnavailable as exc:
            return await self._miss(idle, exc)
        except DeadlineExceeded as exc:  # it hangs: what it has in memory is still there
            self._note_miss(exc)
            raise
        self._answers_again()
        ours = {self._shelf.canonical(model) for model in loaded_by_us}.union(loaded_by_us)
        lost: list[str] = []
        hurried: list[Entry] = []
        for entry in idle:
            if self.ledger.get(entry.model) is not entry or entry.busy:
                continue
            if entry.model in loaded:
                entry.foreign = entry.foreign and entry.model not in ours
                self._drift.follow_window(entry, loaded[entry.model])
                self._take_size(entry, loaded[entry.model])
                if self._drift.keep_alive_changed(entry, loaded[entry.model]):
                    hurried.append(entry)
            else:
                lost.append(entry.model)
                await self._strike_out(entry, EventKind.MODEL_LOST)
        for name, found in loaded.items():
            if name not in self.ledger and name not in known:  # known, but gone meanwhile: the answer is old
                self._enter(name, found, foreign=name not in ours and not self._is_claimed(name))
        for entry in hurried:
            await self._renew(entry)
        return lost

    def take_contradictions(self) -> tuple[str, ...]:
        """Return, in words, what other clients have changed about our models since this was last asked."""
        return self._drift.take_found()

    def _take_size(self, entry: Entry, found: LoadedModel) -> None:
        size_bytes, believed = self._sizes.judge(entry.model, found, ours_num_ctx=self._drift.ours(entry))
        entry.size_bytes, entry.measured = size_bytes, believed
        entry.gpu_bytes = min(found.gpu_bytes, size_bytes)

    async def _miss(self, idle: Iterable[Entry], exc: OllamaUnavailable) -> list[str]:
        """Note that nobody answered. Once that has lasted, what was in memory is taken for lost: so is its server.

        Raises:
            OllamaUnavailable: it may be a moment's trouble.
        """
        self._note_miss(exc)
        if self._misses < GONE_AFTER_MISSES:
            raise exc
        gone = [e for e in idle if self.ledger.get(e.model) is e and not e.busy]
        for entry in gone:
            await self._strike_out(entry, EventKind.MODEL_LOST)
        return [entry.model for entry in gone]

    def _note_miss(self, exc: DelegatorError) -> None:
        """Note a comparison without an answer. Once they have lasted, this Ollama is suspect."""
        self._misses += 1
        if self._misses >= GONE_AFTER_MISSES and self.suspect is None:
            self.suspect = exc.message
            self._outbox.tell(EventKind.HOST_SUSPECT, NO_MODEL, None, reason=exc.message)

    def _answers_again(self) -> None:
        if self._misses >= GONE_AFTER_MISSES:
            self.suspect = None
            self._outbox.tell(EventKind.HOST_RECOVERED, NO_MODEL, None)
        self._misses = 0

    def _enter(self, name: str, found: LoadedModel, *, foreign: bool) -> None:
        weights = self._shelf.weights_of(name, found.digest)
        entry = Entry(name, found.num_ctx, found.size_bytes, Phase.RESIDENT, foreign=foreign, weights=weights)
        self._take_size(self.ledger.put(entry), found)
        self._claims.pop(name, None)

    def tell_lost(self, model: str, holders: Iterable[str]) -> None:
        """Tell that a model a former life held here is not here any more."""
        entry = Entry(model, 0, 0, Phase.UNLOADING, holders=set(holders))
        for holder in sorted(entry.holders):
            self._outbox.tell(EventKind.MODEL_RELEASED, entry, holder)
        self._outbox.tell(EventKind.MODEL_LOST, entry, None)

    async def free_stale_reservations(self) -> list[str]:
        """Remove reservations without a model; return whose they were."""
        stale = sorted(m for m in await self._reservations.existing() if m not in self.ledger)
        freed = []
        for model in stale:
            if model not in self.ledger:  # a load of it may have begun meanwhile
                await self._reservations.free(model)
                freed.append(model)
        return freed

    # ── keeping alive ────────────────────────────────────────────────────────────────────────────────────────────

    async def keep_alive_forever(self, done: Callable[[], None]) -> None:
        """Renew the keep-alive of what is held or pinned, long before Ollama's timer ends it; each time call `done`."""
        while True:
            await asyncio.sleep(self._clock.real_s(self._settings.keep_alive_s / 3))
            for entry in self.ledger.entries():
                if not entry.foreign and entry.kept:
                    await self._renew(entry)
                    done()

    async def _renew(self, entry: Entry) -> None:
        """State options and keep-alive of an idle model anew; one that is idle no more gets them with its turn."""
        if entry.busy or self.ledger.get(entry.model) is not entry:
            return
        entry.touched = True
        try:
            await self._state(entry)
        except DelegatorError as exc:
            log.warning("the keep-alive of %s was not renewed: %s", entry.model, exc.message)
        finally:
            entry.touched = False


def _look_at(unload: asyncio.Task[None]) -> None:
    """Take note of an outcome nobody may be waiting for."""
    if not unload.cancelled() and (exc := unload.exception()) is not None:
        log.warning("a model stays for now: %s", exc)
