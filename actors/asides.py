"""Short questions to models that have nothing else to do: answered beside the turns of one endpoint, never before one.

Part of a `ModelHost`. An aside takes the slot of its model like a turn, so that Ollama never gets two at one time, but
only where nothing waits on the endpoint, and it gives way at once when something does: its stream is closed, its slot
is free, and a load that was for it alone is broken off. Nobody holds a model for an aside once it is over, and the
dispatcher learns nothing from it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from actors.endpoint_memory import EndpointMemory
from actors.host_messages import Aside, Grant, Released, TurnWish
from actors.shelf import Shelf
from delegator.clock import Clock
from delegator.errors import DeadlineExceeded, NoCapacity
from delegator.ollama.client import LoadOptions, OllamaClient
from delegator.residency.dispatcher import Dispatcher
from delegator.residency.ledger import Entry

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """How a `ModelHost` lets asides change what is resident: as it does for sessions, but seen from outside."""

    warm: Callable[[TurnWish, float], Awaitable[Grant]]
    release: Callable[[str], Coroutine[Any, Any, Released]]
    pump: Callable[[], None]


@dataclass(slots=True, eq=False)
class _UnderWay:
    """An aside that is being answered. `model`: the ledger's name; `loads`: it was brought in for this, and must go."""

    model: str
    loads: bool = False
    gives_way: bool = False
    task: asyncio.Task[str] | None = None

    def stop(self) -> None:
        self.gives_way = True
        if self.task is not None:
            self.task.cancel()


class Asides:
    """The asides of one endpoint."""

    def __init__(
        self,
        client: OllamaClient,
        dispatcher: Dispatcher,
        memory: EndpointMemory,
        shelf: Shelf,
        clock: Clock,
        ways: Ways,
        *,
        keep_alive_s: float,
    ) -> None:
        """Answer none yet. `keep_alive_s`: model seconds, as every call for a model states them."""
        self._client = client
        self._dispatcher = dispatcher
        self._memory = memory
        self._shelf = shelf
        self._clock = clock
        self._ways = ways
        self._keep_alive_s = keep_alive_s
        self._under_way: dict[str, _UnderWay] = {}
        self._releasing: set[asyncio.Task[Released]] = set()

    @property
    def holders(self) -> frozenset[str]:
        """Return the ids under which models are held for asides."""
        return frozenset(aside_id for aside_id, one in self._under_way.items() if one.loads)

    async def answer(self, aside: Aside) -> str:
        """Return what the model says.

        Raises:
            NoCapacity: it is not there, or busy, or was needed before it had answered.
            DeadlineExceeded: it took longer than `aside.deadline_s`.
            ReplyBroken, OllamaUnavailable, ModelLoadFailed and whatever else keeps a model from answering.
        """
        one = self._under_way[aside.aside_id] = _UnderWay(self._memory.known_as(aside.model.name))
        one.task = task = asyncio.create_task(self._answered(aside, one))
        try:
            done, _ = await asyncio.wait([task], timeout=aside.deadline_s)
            if not done:
                raise DeadlineExceeded(f"asking {aside.model.name}", aside.deadline_s)
            if task.cancelled():
                raise NoCapacity(f"{aside.model.name} was needed for other work")
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            del self._under_way[aside.aside_id]
            if one.loads:
                self._let_go(aside.aside_id)

    def give_way(self) -> None:
        """Stop what is under way where something else is to be done here."""
        if self._under_way and not self._has_time():
            for one in self._under_way.values():
                one.stop()

    async def stop(self, model: str) -> None:
        """Stop what is asked of a model that sessions have brought in; return when its slot is free."""
        stopped = [one for one in self._under_way.values() if one.model == model and not one.loads]
        await _stop(stopped)

    async def close(self) -> None:
        """Stop everything."""
        await _stop(self._under_way.values())
        await asyncio.gather(*self._releasing, return_exceptions=True)

    def _has_time(self) -> bool:
        return self._dispatcher.has_time(beside=self.holders)

    async def _answered(self, aside: Aside, one: _UnderWay) -> str:
        if aside.may_load and one.model not in self._dispatcher.ledger:
            await self._load(aside, one)
        entry = self._idle_entry(one)
        entry.turns.add(aside.aside_id)  # no await since the look
        try:
            return await self._said(aside, entry)
        finally:
            entry.turns.discard(aside.aside_id)
            self._ways.pump()

    def _idle_entry(self, one: _UnderWay) -> Entry:
        entry = self._dispatcher.ledger.get(one.model)
        if one.gives_way or not self._has_time():
            raise NoCapacity(f"{one.model} is on an endpoint that has other work")
        if entry is None or entry.foreign:
            raise NoCapacity(f"{one.model} is not resident")
        if entry.busy or self._dispatcher.is_announced(one.model):
            raise NoCapacity(f"{one.model} is busy")
        return entry

    async def _load(self, aside: Aside, one: _UnderWay) -> None:
        """Bring the model in with spare memory, while nobody else wants anything loaded."""
        model = aside.model
        await self._shelf.look_up([model.name])
        if not self._shelf.file_bytes(model.name) or self._shelf.why_not(model.name) is not None:
            raise NoCapacity(f"{model.name} is not on the disk, or cannot be loaded")
        if self._clock.real_s(self._memory.load_s(model)) > aside.deadline_s:
            raise NoCapacity(f"{model.name} takes too long to load")
        if self._dispatcher.change is not None or not self._has_time():
            raise NoCapacity(f"{model.name} is not resident, and its endpoint has other work")
        one.model = self._memory.known_as(model.name)
        one.loads = True
        capacity_bytes = self._dispatcher.ledger.capacity_bytes
        wish = TurnWish(f"aside:{aside.aside_id}", aside.aside_id, model, capacity_bytes, spare_only=True)
        await self._ways.warm(wish, aside.deadline_s)

    async def _said(self, aside: Aside, entry: Entry) -> str:
        stream = self._client.chat(
            entry.model,
            aside.messages,
            LoadOptions(self._memory.window_of(entry)),
            keep_alive_s=self._keep_alive_s,
            max_tokens=aside.max_tokens,
            temperature=0,
            schema=aside.schema,
        )
        async with aclosing(stream):
            return "".join([piece async for piece in stream if isinstance(piece, str)])

    def _let_go(self, aside_id: str) -> None:
        """Let go of a model that was brought in for an aside, without keeping its asker waiting for that."""
        releasing = asyncio.create_task(self._ways.release(aside_id))
        self._releasing.add(releasing)
        releasing.add_done_callback(self._look_at)

    def _look_at(self, releasing: asyncio.Task[Released]) -> None:
        self._releasing.discard(releasing)
        if not releasing.cancelled() and (exc := releasing.exception()) is not None:
            log.warning("a model that was brought in for a question stays for now: %s", exc)


async def _stop(asides: Collection[_UnderWay]) -> None:
    tasks = [one.task for one in asides if one.task is not None]
    for one in asides:
        one.stop()
    await asyncio.gather(*tasks, return_exceptions=True)
