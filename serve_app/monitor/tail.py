"""The end of the event log, read by id. No NiceGUI here."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from delegator.errors import NotFound
from delegator.schemas import Event, ListEventsReply, ListEventsRequest

RUN = 1_000
"""Events read at once, and remembered so that none is told twice."""


class Tail:
    """The end of the event log, read by id: each event is returned once, also where ids become visible out of order."""

    def __init__(self, list_events: Callable[[ListEventsRequest], Awaitable[ListEventsReply]]) -> None:
        self._list = list_events
        self._last: int | None = None
        self._seen: OrderedDict[int, None] = OrderedDict()

    async def read(self, announced: Sequence[int]) -> list[Event]:
        """Return the events since the last call, and announced ones that were not there yet. Raises DelegatorError."""
        if self._last is not None:
            after = min([self._last, *(event_id - 1 for event_id in announced if event_id not in self._seen)])
            try:
                reply = await self._list(ListEventsRequest(after=max(0, after), limit=RUN))
                if len(reply.events) < RUN:  # else far behind: what lies between is in no page any more
                    return self._fresh(reply.events)
            except NotFound:  # the log is another one now
                self.forget()
        reply = await self._list(ListEventsRequest(latest=True, limit=RUN))
        return self._fresh(reply.events)

    @property
    def goes_on(self) -> bool:
        """True when the next call returns what came since the last one, False when it begins anew."""
        return self._last is not None

    def forget(self) -> None:
        """Begin anew with the next call."""
        self._last = None
        self._seen.clear()

    def _fresh(self, events: Sequence[Event]) -> list[Event]:
        fresh = [event for event in events if event.event_id not in self._seen]
        self._seen.update((event.event_id, None) for event in fresh)
        while len(self._seen) > 2 * RUN:
            self._seen.popitem(last=False)
        self._last = max([self._last or 0, *(event.event_id for event in events)])
        return fresh
