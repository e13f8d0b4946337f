"""What a `ModelHost` has to tell: events wait here, in their order, until the `SessionManager` has recorded them.

An event leaves only once it is durable, so that it may be delivered twice and is never lost while this process lives.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from delegator.residency.ledger import Entry
from delegator.schemas import EventKind
from delegator.store.records import NewEvent

log = logging.getLogger(__name__)

DELIVER_EVERY_S = 0.1
"""Real seconds an event waits at most before it is offered."""

Report = Callable[[Sequence[NewEvent]], Awaitable[None]]


class Outbox:
    """The events of one endpoint that are not recorded yet."""

    def __init__(self, endpoint_id: str, report: Report) -> None:
        """Deliver by `report`, which raises while nobody takes events."""
        self._endpoint_id = endpoint_id
        self._report = report
        self._events: list[NewEvent] = []
        self._lock = asyncio.Lock()

    def tell(
        self, kind: EventKind, entry: Entry, session_id: str | None, *, at: datetime | None = None, **data: object
    ) -> None:
        """Note what happened to a model, now or at `at`."""
        facts = {
            "endpoint": self._endpoint_id,
            "bytes": entry.size_bytes,
            "measured": entry.measured,
            "num_ctx": entry.num_ctx,
            **data,
        }
        event = NewEvent(
            kind=kind, at=at or datetime.now(UTC), session_id=session_id, model=entry.model or None, data=facts
        )
        self._events.append(event)

    async def flush(self) -> None:
        """Return once everything that has happened so far is recorded."""
        async with self._lock:
            batch = self._events[:]
            if batch:
                await self._report(batch)
                del self._events[: len(batch)]

    async def deliver_forever(self) -> None:
        """Hand events over as they come; keep them while nobody takes them."""
        while True:
            await asyncio.sleep(DELIVER_EVERY_S)
            try:
                await self.flush()
            except Exception as exc:  # whatever keeps the manager away, the events wait
                log.warning("events wait for delivery: %s", exc)
