"""Models that somebody loads and unloads by hand on one endpoint.

Part of a `ModelHost`; what is pinned is `pinned.py`'s. A load goes through the dispatcher like a turn's wish, but after
all turns (`TurnRequest.by_hand`): one change at a time, never beyond the memory, and only idle models that are neither
pinned nor announced leave for it.

What was loaded by hand is held under the name `BY_HAND` for the keep-alive of the settings, then it goes like any other
idle model. Once a session takes it, nothing of that is left: the usual rules hold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from actors.asides import Asides
from actors.control_messages import ControlState, ControlView
from actors.endpoint_memory import EndpointMemory
from actors.host_messages import Grant, Released, TurnWish
from actors.outbox import Outbox
from actors.shelf import Shelf
from delegator.errors import (
    DeadlineExceeded,
    HostSuspect,
    ModelInUse,
    ModelLoadFailed,
    ModelMissing,
    NoCapacity,
)
from delegator.residency.dispatcher import Dispatcher
from delegator.residency.ledger import Entry, Ledger, Phase
from delegator.residency.planner import Wait
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB

log = logging.getLogger(__name__)

BY_HAND = "by hand"
"""Who holds a model that was loaded by hand; no session is called that."""

LOOK_EVERY_S = 0.05
"""Real seconds between two looks at a model that is just being refreshed."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How a `ModelHost` lets hands change what is resident.

    Attributes:
        warm, release: see `ModelHost.warm` and `ModelHost.release_models`.
        pump: asks what happens next.
        known: models with their options, by the ledger's names.
    """

    warm: Callable[[TurnWish, float], Awaitable[Grant]]
    release: Callable[[str, Sequence[str]], Coroutine[Any, Any, Released]]
    pump: Callable[[], None]
    known: Mapping[str, Model]


@dataclass(frozen=True, slots=True)
class Limits:
    """`keep_s`: model seconds for which a loaded model is kept; `deadline_s`: real seconds for a load with its wait."""

    keep_s: float
    deadline_s: float


class ByHand:
    """See the module's head."""

    def __init__(
        self,
        url: str,
        dispatcher: Dispatcher,
        memory: EndpointMemory,
        shelf: Shelf,
        asides: Asides,
        outbox: Outbox,
        ways: Ways,
        limits: Limits,
    ) -> None:
        """Do nothing yet. `url`: of the endpoint, for errors."""
        self._url = url
        self._dispatcher = dispatcher
        self._memory = memory
        self._ledger: Ledger = memory.ledger
        self._shelf = shelf
        self._asides = asides
        self._outbox = outbox
        self._ways = ways
        self._limits = limits
        self._loads: dict[str, asyncio.Task[None]] = {}
        """Loads under way, and ended ones until somebody has asked how they ended."""
        self._unloads: set[asyncio.Task[None]] = set()
        self._evicted: dict[str, tuple[str, ...]] = {}
        """{model: what left for it}, of those loaded by hand."""

    async def close(self) -> None:
        """Stop what is under way."""
        tasks = [*self._loads.values(), *self._unloads]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ── loading ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def load(self, model: Model, wait_s: float) -> ControlView:
        """Bring a model in; answer once it is there, or after `wait_s` real seconds while it goes on.

        Raises:
            ModelMissing: it is not on this disk.
            ModelLoadFailed: it cannot be loaded here.
            MemoryExceeded: it can never fit.
            NoCapacity: what holds the memory cannot leave now.
            HostSuspect: its load does not come to an end.
        """
        name = await self.loadable(model)
        await self.bring_in(name, model, wait_s)
        return self.view(name, model)

    async def loadable(self, model: Model) -> str:
        """Return the ledger's name of a model that is on the disk and can be loaded.

        Raises:
            ModelMissing, ModelLoadFailed: it is not, or cannot.
        """
        await self._shelf.look_up([model.name])
        found = self._shelf.find(model.name)
        if found is None:
            raise ModelMissing(self._url, model.name)
        if found.remote:
            raise ModelLoadFailed(self._url, model.name, "it runs elsewhere and takes no memory here")
        if (problem := self._shelf.why_not(model.name)) is not None:
            raise ModelLoadFailed(self._url, model.name, problem)
        return self._memory.known_as(model.name)

    async def bring_in(self, name: str, model: Model, wait_s: float) -> None:
        """Begin or join a load, wait for its end, and raise what it failed with; see `load`."""
        loading = self._loads.get(name)
        if loading is None:
            loading = self._loads[name] = asyncio.create_task(self._bring_in(name, model))
            loading.add_done_callback(_look_at)
        await asyncio.wait([loading], timeout=wait_s)
        if loading.done():
            if self._loads.get(name) is loading:
                del self._loads[name]
            if not loading.cancelled():
                loading.result()

    def is_loading(self, name: str) -> bool:
        """Return whether a load by hand of that model is under way, or has ended and nobody has asked how."""
        return name in self._loads

    async def _bring_in(self, name: str, model: Model) -> None:
        known = self._ways.known.get(name, model)
        wish = TurnWish(
            f"by-hand:{uuid4().hex}", BY_HAND, known, self._ledger.capacity_bytes, by_hand_s=self._limits.keep_s
        )
        try:
            grant = await self._ways.warm(wish, self._limits.deadline_s)
        except DeadlineExceeded as exc:
            if self._memory.suspect is not None:
                raise HostSuspect(self._url, self._memory.suspect) from exc
            raise
        if grant.load_s > 0 or grant.evicted:
            self._evicted[name] = grant.evicted
        entry = self._ledger.get(grant.model)
        if entry is not None and (entry.pinned or entry.holders - {BY_HAND}):
            self._let_go(entry)

    def taken(self, model: str, session_id: str) -> None:
        """Note that a session has begun to use a model: from now on the usual rules hold for it."""
        entry = self._ledger.get(model)
        if entry is not None and session_id != BY_HAND:
            self._let_go(entry)

    def let_go(self, name: str) -> None:
        """Keep a model no longer for having been loaded by hand."""
        if (entry := self._ledger.get(self._memory.known_as(name))) is not None:
            self._let_go(entry)

    def _let_go(self, entry: Entry) -> None:
        self._dispatcher.forget_wish(BY_HAND, entry.model)
        if BY_HAND in entry.holders:
            entry.holders.discard(BY_HAND)
            self._outbox.tell(EventKind.MODEL_RELEASED, entry, BY_HAND)

    # ── unloading ────────────────────────────────────────────────────────────────────────────────────────────────

    async def unload(self, model: Model, wait_s: float) -> ControlView:
        """Take an idle model out, confirmed; answer once it has gone, or after `wait_s` real seconds while it goes.

        Sessions that hold it let go of it; it comes back with the next turn that needs it. What was being loaded by
        hand is not loaded any more.

        Raises:
            ModelInUse: a turn runs on it or waits for it, it is pinned, or another client has loaded it.
            DeadlineExceeded: Ollama has not confirmed it in time; it stays.
        """
        name = self._memory.known_as(model.name)
        self._refuse_if(self._who_needs(name), name)
        await self._stop_load(name)
        await self._asides.stop(name)
        await self._refreshed(name)
        entry = self._ledger.get(name)
        if entry is not None:
            self._refuse_if(self._who_needs(name) or why_it_stays(entry), name)
            await self.take_out(name, wait_s)
        elif await self._memory.lists(name):
            raise ModelInUse(self._url, name, "another client has loaded it")
        return self.view(name, model)

    def _who_needs(self, name: str) -> str:
        """Say which turn needs the model now, or that it is pinned; empty where nothing of that is so."""
        needing = [r.session_id for r in self._dispatcher.waiting() if r.model == name and not r.by_hand]
        if needing:
            return f"a turn of {needing[0]} waits for it"
        entry = self._ledger.get(name)
        if entry is not None:
            users = [user for turn_id in entry.turns if (user := self._dispatcher.user_of(turn_id)) is not None]
            if users:
                return f"a turn of {users[0]} runs on it"
        return "it is pinned: unpin it first (unpin_model)" if name in self._ledger.pins else ""

    def _refuse_if(self, problem: str, name: str) -> None:
        if problem:
            raise ModelInUse(self._url, name, problem)

    async def _stop_load(self, name: str) -> None:
        """Stop a load that was asked for by hand, unless a session has come to want it too."""
        loading = self._loads.pop(name, None)
        if loading is not None and not loading.done():
            loading.cancel()
            await asyncio.gather(loading, return_exceptions=True)
            await self._ways.release(BY_HAND, [name])

    async def _refreshed(self, name: str) -> None:
        """Wait for the end of a call that renews the keep-alive: an unload must not overtake it."""
        while (entry := self._ledger.get(name)) is not None and entry.touched:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(LOOK_EVERY_S)

    async def take_out(self, name: str, wait_s: float) -> None:
        """Unload an idle model, or join its unload; return once it has gone, or after `wait_s` real seconds.

        Raises:
            DeadlineExceeded: it is still there, and stays.
        """
        leaving = asyncio.create_task(self._take_out(name))
        self._unloads.add(leaving)
        leaving.add_done_callback(self._unloads.discard)
        leaving.add_done_callback(_look_at)
        self._memory.mark_leaving([name])  # nothing begins on it in the moment until its unload begins
        await asyncio.wait([leaving], timeout=wait_s)
        if leaving.done():
            leaving.result()

    async def _take_out(self, name: str) -> None:
        try:
            await self._memory.unload(name)
            self._evicted.pop(name, None)
        finally:
            self._ways.pump()

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────

    def view(self, name: str, model: Model, *, shut_out: tuple[str, ...] = ()) -> ControlView:
        """Return how a model stands."""
        entry = self._ledger.get(name)
        return ControlView(
            name,
            self._state_of(name, entry),
            name in self._ledger.pins,
            self.size_of(name, model),
            evicted=self._evicted.get(name, ()) if entry is not None else (),
            shut_out=shut_out,
        )

    def _state_of(self, name: str, entry: Entry | None) -> ControlState:
        is_loading = name in self._loads
        if entry is None:
            return "loading" if is_loading else "absent"
        if entry.phase is Phase.RESIDENT and not (is_loading and entry.foreign):
            return "resident"
        return "loading" if is_loading or entry.phase is Phase.LOADING else "unloading"

    def size_of(self, name: str, model: Model) -> int:
        """Return what a model takes, or would take."""
        entry = self._ledger.get(name)
        return entry.size_bytes if entry is not None else self._memory.size_of(self._ways.known.get(name, model))


def no_room(model: str, plan: Wait, ledger: Ledger) -> NoCapacity:
    """Return the error for a wish that does not wait until there is room, with what takes it and why that stays."""
    entries = [entry for name in plan.on if (entry := ledger.get(name)) is not None]
    reasons = [(entry, why_it_stays(entry) or "work for it is about to come") for entry in entries]
    takes = ", ".join(f"{entry.model} ({entry.size_bytes / GB:.1f} GB, {why})" for entry, why in reasons)
    return NoCapacity(f"there is no room for {model} now, the memory is taken by {takes}; try again once that may go")


def why_it_stays(entry: Entry) -> str:
    """Say why a model cannot leave memory now; empty where nothing about it keeps it, or it is leaving already."""
    if entry.foreign:
        return "another client has loaded it"
    if entry.turns:
        return "a turn runs on it"
    if entry.pinned:
        return "it is pinned"
    return "it is being loaded" if entry.phase is Phase.LOADING else ""


def _look_at(task: asyncio.Task[None]) -> None:
    """Take note of an outcome that nobody may be waiting for."""
    if not task.cancelled() and (exc := task.exception()) is not None:
        log.info("a model was not loaded or unloaded by hand: %s", exc)
