"""One view of one choice, kept up to date for all pages that show it. No NiceGUI here.

Owns when it is read again: at most `RATE_PER_S` times a second however fast events come, and once more after the last
one; less often where reading or sending it takes long; and where no event tells of a change, after its tick.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from delegator.errors import DeadlineExceeded, DelegatorError
from delegator.schemas import Event
from serve_app.faults import delegator_error
from serve_app.monitor.speech import Hearing, Said, UnderWay

log = logging.getLogger(__name__)

RATE_PER_S = 4
"""Updates of a page in a real second, at most."""

SHARE = 0.1
"""Part of the time that the system may spend on reading one view: one that takes 100 ms is read once a second."""

MOST_S = 5.0
"""Real seconds between two readings of a view at most, however long one takes."""

SEND_S = 0.02
"""Real seconds allowed for sending one view to one page: 50 pages are updated once a second."""

DEADLINE_S = 10.0
"""Real seconds until the page tells that the backend does not answer."""

RETRY_S = 2.0
"""Real seconds between two looks for events while none are announced, and between two tries to listen again."""

ViewT = TypeVar("ViewT")


class Timer:
    """Real time; tests have their own."""

    def now(self) -> float:
        """Return seconds on a monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Return when `event` is set, or after `seconds`; None: only then."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


@dataclass(frozen=True, slots=True)
class Look(Generic[ViewT]):
    """What came of reading a view."""

    view: ViewT | None
    """The latest that could be read; None while none could."""
    error: DelegatorError | None
    """Why the latest reading failed; None when it did not."""
    read_at: float
    """On the timer's clock."""
    said: Said = ()
    """What turns under way have said so far; more of it comes between two readings."""


Watcher = Callable[[Look[Any]], None]


class Channel(Generic[ViewT]):
    """One view of one choice, read once for all who watch it; lives while somebody does."""

    def __init__(
        self,
        what: str,
        read: Callable[[], Awaitable[ViewT]],
        concerned: Callable[[Event], bool],
        tick_s: float | None,
        timer: Timer,
        *,
        hearing: Hearing | None = None,
        under_way: Callable[[ViewT], Sequence[UnderWay]] = lambda _: (),
    ) -> None:
        self.watchers: dict[object, Watcher] = {}
        self.latest: Look[ViewT] | None = None
        self._what = what
        self._read = read
        self._concerned = concerned
        self._tick_s = tick_s
        self._timer = timer
        self._hearing = hearing
        self._under_way = under_way
        self._woken = asyncio.Event()
        self._telling = asyncio.Lock()
        # A context of its own: with the first page's, its leaving would cancel the actor calls made for all others.
        work = [self._run(), *([self._pass_on(hearing)] if hearing is not None else [])]
        self._tasks = [asyncio.create_task(each, context=contextvars.Context()) for each in work]

    def tell(self, events: Sequence[Event]) -> None:
        """Read again soon where an event concerns what is shown."""
        if not self._woken.is_set() and any(map(self._concerned, events)):
            self._woken.set()

    def wake(self) -> None:
        """Read again soon."""
        self._woken.set()

    def close(self) -> None:
        """Read no more, and listen no more."""
        for task in self._tasks:
            task.cancel()
        if self._hearing is not None:
            self._hearing.close()

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            began = self._timer.now()
            look = await self._look()
            taken = self._timer.now() - began
            beat = await self._tell_all(look)
            gap = max(beat, min(taken / SHARE, MOST_S))
            await self._timer.sleep(gap - beat)
            tick_s = RETRY_S if look.error is not None else self._tick_s
            await self._timer.wait(self._woken, None if tick_s is None else max(0.0, tick_s - gap))

    async def _pass_on(self, hearing: Hearing) -> None:
        """Tell between two readings what is being said."""
        while True:
            await hearing.changed.wait()
            await self._tell_all(None)

    async def _tell_all(self, look: Look[ViewT] | None) -> float:
        """Tell everybody of a look, None: of the latest, with what is said by now. Return the seconds that this took.

        They are as many as must lie between two updates of a page, whichever of the two they are.
        """
        async with self._telling:
            look = look or self.latest
            if look is None:
                return 0.0
            if self._hearing is not None:
                if look.view is not None:  # here, so that a turn's words go in the very look that shows it stored
                    self._hearing.listen(self._under_way(look.view))
                self._hearing.changed.clear()
                look = replace(look, said=self._hearing.said())
            self.latest = look
            for watcher in list(self.watchers.values()):
                _tell(watcher, look)
            beat = max(1 / RATE_PER_S, SEND_S * len(self.watchers))
            await self._timer.sleep(beat)
        return beat

    async def _look(self) -> Look[ViewT]:
        known = self.latest.view if self.latest is not None else None
        try:
            async with asyncio.timeout(DEADLINE_S):
                view = await self._read()
        except TimeoutError:
            return Look(known, DeadlineExceeded(self._what, DEADLINE_S), self._timer.now())
        except Exception as exc:  # a bug is one incident, however many pages show it
            return Look(known, delegator_error(exc), self._timer.now())
        return Look(view, None, self._timer.now())


def _tell(watcher: Watcher, look: Look[Any]) -> None:
    try:
        watcher(look)
    except Exception:  # a page that cannot be drawn: the others are still to be told
        log.exception("a page could not be updated")
