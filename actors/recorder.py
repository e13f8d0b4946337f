"""Writes down what `ModelHost`s report, and knows from it who holds what.

The event log is the record; this keeps two small extracts of it in memory: the models each open session holds, and the
models this Delegator has loaded (`residents` in the store), so that after any crash a host can be told both.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from delegator.schemas import Event, EventKind
from delegator.store.records import NewEvent, ResidentRecord
from delegator.store.store import Store

HOLDING = (EventKind.MODEL_HELD, EventKind.MODEL_RELEASED)
GONE = (EventKind.MODEL_UNLOADED, EventKind.MODEL_LOST)


class Recorder:
    """Takes batches of events; a batch taken twice is recorded once."""

    def __init__(self, store: Store) -> None:
        """Record into `store`; knows nothing until `recall`."""
        self._store = store
        self._lock = asyncio.Lock()
        """A batch that is sent again while its first sending is still being stored waits for that."""
        self._held: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._loaded: dict[tuple[str, str], None] = {}
        self.load_seconds: dict[str, float] = {}
        """Model seconds the latest load of each model took."""
        self.sizes: dict[str, int] = {}
        """Bytes each model took when it was last measured."""

    async def recall(self, open_sessions: Iterable[str]) -> None:
        """Read back what a former life knew."""
        for resident in await self._store.residents(None):
            self._loaded[resident.endpoint, resident.model] = None
            self.sizes[resident.model] = resident.size_bytes
        for session_id in open_sessions:
            for event in await self._store.session_events(session_id, HOLDING):
                self._note(event)

    async def record(self, events: Sequence[NewEvent]) -> None:
        """Make events durable, in their order, then take note of them."""
        async with self._lock:
            await self._make_durable(events)
            for event in events:
                self._note(event)

    async def _make_durable(self, events: Sequence[NewEvent]) -> None:
        plain: list[NewEvent] = []
        for event in events:
            if event.kind is EventKind.MODEL_LOADED:
                await self._append(plain)
                await self._store.put_resident(_resident(event), [event])
            elif event.kind in GONE:
                await self._append(plain)
                await self._store.drop_resident(event.data["endpoint"], event.model or "", [event])
            else:
                plain.append(event)
        await self._append(plain)

    async def _append(self, events: list[NewEvent]) -> None:
        if events:
            await self._store.append_events(list(events))
            events.clear()

    def _note(self, event: NewEvent | Event) -> None:
        model = event.model or ""
        if event.kind is EventKind.MODEL_HELD and event.session_id:
            self._held[event.session_id][model] = None
        elif event.kind is EventKind.MODEL_RELEASED and event.session_id:
            self._held[event.session_id].pop(model, None)
        elif event.kind is EventKind.MODEL_LOADED:
            self._loaded[event.data["endpoint"], model] = None
            self.load_seconds[model] = event.data["load_s"]
            if event.data.get("measured"):
                self.sizes[model] = event.data["bytes"]
        elif event.kind in GONE:
            self._loaded.pop((event.data["endpoint"], model), None)

    def held_by(self, session_id: str) -> tuple[str, ...]:
        """Return the models a session holds."""
        return tuple(self._held.get(session_id, ()))

    def forget(self, session_id: str) -> None:
        """Drop what is known of an ended session."""
        self._held.pop(session_id, None)

    def loaded_on(self, endpoint: str) -> frozenset[str]:
        """Return the models this Delegator has loaded there and not seen leave."""
        return frozenset(model for where, model in self._loaded if where == endpoint)


def _resident(event: NewEvent) -> ResidentRecord:
    return ResidentRecord(
        event.data["endpoint"], event.model or "", event.data["num_ctx"], event.data["bytes"], event.at
    )
