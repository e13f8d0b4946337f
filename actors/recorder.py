"""Writes down what `ModelHost`s report, and knows from it who holds what.

The event log is the record; this keeps small extracts of it in memory: what each open session holds on which endpoint,
and the models this Delegator has loaded (`residents` in the store), so that after any crash a host can be told both;
what loads have shown; and which endpoints are doubted.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from actors.doubts import Doubts
from delegator.roles.catalogue import Model
from delegator.schemas import Event, EventKind
from delegator.store.records import ModelFactsRecord, NewEvent, ResidentRecord
from delegator.store.store import Store

HOLDING = (EventKind.MODEL_HELD, EventKind.MODEL_RELEASED)
GONE = (EventKind.MODEL_UNLOADED, EventKind.MODEL_LOST)


class Recorder:
    """Takes batches of events; a batch taken twice is recorded once."""

    def __init__(self, store: Store, doubts: Doubts) -> None:
        """Record into `store`, and note `doubts` about endpoints; knows nothing until `recall`."""
        self._store = store
        self._doubts = doubts
        self._lock = asyncio.Lock()
        """A batch that is sent again while its first sending is still being stored waits for that."""
        self._held: defaultdict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        self._loaded: dict[tuple[str, str], None] = {}
        self.load_seconds: dict[str, float] = {}
        """Model seconds the latest load of each model took."""
        self.sizes: dict[str, int] = {}
        """Bytes each model took when it was last measured, wherever that was."""
        self._load_s_on: dict[tuple[str, str], float] = {}
        self._sizes_on: dict[tuple[str, str], int] = {}
        self._measured: dict[tuple[str, str, int], int] = {}
        """Bytes by endpoint, model and window, those of former lives too."""

    async def recall(self, open_sessions: Iterable[str]) -> None:
        """Read back what a former life knew."""
        for facts in await self._store.model_facts():
            self._note_facts(facts)
        for resident in await self._store.residents(None):
            self._loaded[resident.endpoint, resident.model] = None
            self.sizes[resident.model] = resident.size_bytes
            self._sizes_on[resident.endpoint, resident.model] = resident.size_bytes
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
                await self._store.put_resident(_resident(event), [event], facts=_facts(event))
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
        key = (str(event.data.get("endpoint", "")), event.model or "")
        if event.kind is EventKind.MODEL_HELD and event.session_id:
            self._held[event.session_id][key] = event.data.get("bytes", 0)
        elif event.kind is EventKind.MODEL_RELEASED and event.session_id:
            self._held[event.session_id].pop(key, None)
        elif event.kind is EventKind.MODEL_LOADED:
            self._note_load(key, event)
        elif event.kind in GONE:
            self._loaded.pop(key, None)
        elif event.kind is EventKind.HOST_SUSPECT:
            self._doubts.note(key[0], event.data.get("reason", ""))
        elif event.kind is EventKind.HOST_RECOVERED:
            self._doubts.clear(key[0])

    def _note_load(self, key: tuple[str, str], event: NewEvent | Event) -> None:
        self._loaded[key] = None
        if event.data.get("measured"):
            self._sizes_on[key] = self.sizes[key[1]] = event.data["bytes"]
        self._note_facts(_facts(event))
        self._doubts.clear(key[0])

    def _note_facts(self, facts: ModelFactsRecord) -> None:
        if facts.loads:
            self._load_s_on[facts.endpoint, facts.model] = self.load_seconds[facts.model] = facts.load_s
        if facts.size_bytes:
            self._measured[facts.endpoint, facts.model, facts.num_ctx] = facts.size_bytes

    def held_by(self, session_id: str, endpoint: str) -> tuple[str, ...]:
        """Return the models a session holds on one endpoint."""
        return tuple(model for where, model in self._held.get(session_id, ()) if where == endpoint)

    def holdings(self, session_id: str) -> dict[tuple[str, str], int]:
        """Return what a session holds: `{(endpoint, model): bytes}`."""
        return dict(self._held.get(session_id, {}))

    def size_on(self, endpoint: str, model: Model) -> int:
        """Return what a model takes: measured there, measured elsewhere, or the catalogue's estimate."""
        measured = self._measured.get((endpoint, model.name, model.num_ctx))
        return measured or self._sizes_on.get((endpoint, model.name)) or self.sizes.get(model.name, model.memory_bytes)

    def load_seconds_on(self, endpoint: str) -> dict[str, float]:
        """Return the model seconds loads take there, by model; where none was seen there, what it took elsewhere."""
        there = {model: seconds for (where, model), seconds in self._load_s_on.items() if where == endpoint}
        return {**self.load_seconds, **there}

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


def _facts(event: NewEvent | Event) -> ModelFactsRecord:
    """Return what a load has shown. One that found the model there, or could not be measured, leaves what is known."""
    data = event.data
    measured = bool(data.get("measured"))
    return ModelFactsRecord(
        endpoint=data["endpoint"],
        weights=data.get("weights") or event.model or "",
        num_ctx=data["num_ctx"],
        parallel=data.get("parallel", 1),
        model=event.model or "",
        size_bytes=data["bytes"] if measured else 0,
        gpu_bytes=data.get("gpu_bytes", 0) if measured else 0,
        load_s=data["load_s"],
        measured_at=event.at,
        loads=0 if data.get("was_there") else 1,
    )
