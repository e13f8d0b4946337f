"""One call to the backend for everybody who wants the same thing at the same time.

However many pages are open, the backend is asked at most once per `fresh_s` for each key. Owns when a value is old
and who waits for whom; what is read is the reader's business.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from delegator.errors import DeadlineExceeded
from serve_app.faults import delegator_error

FRESH_RATIO = 0.75
"""Part of the time between two looks of a page for which an answer serves, so that no look finds what is shown."""

KeyT = TypeVar("KeyT", bound=Hashable)
ValueT = TypeVar("ValueT")


@dataclass(slots=True)
class _Reading(Generic[ValueT]):
    task: asyncio.Task[ValueT]
    done_at: float | None = None
    """On the monotonic clock; None while it runs."""


class SharedRead(Generic[KeyT, ValueT]):
    """Reads each key once for all who ask, and again when the answer is old. An error is an answer, too.

    Args:
        read: the call that is shared.
        what: names it in errors.
        fresh_s: how long an answer serves.
        deadline_s: how long a call may take.
        keep: keys remembered at most, the most recently read ones.
        now: seconds on a monotonic clock.
    """

    def __init__(
        self,
        read: Callable[[KeyT], Awaitable[ValueT]],
        *,
        what: str,
        fresh_s: float,
        deadline_s: float,
        keep: int = 1,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._what = what
        self._fresh_s = fresh_s
        self._deadline_s = deadline_s
        self._keep = keep
        self._now = now
        self._readings: dict[KeyT, _Reading[ValueT]] = {}

    async def get(self, key: KeyT) -> ValueT:
        """Return what was read at most `fresh_s` ago. A caller that leaves takes nothing from the others.

        Raises:
            DelegatorError: what the call raised, or DeadlineExceeded.
        """
        reading = self._readings.get(key)
        if reading is None or self._is_old(reading):
            reading = self._start(key)
        return await asyncio.shield(reading.task)

    def _is_old(self, reading: _Reading[ValueT]) -> bool:
        return reading.done_at is not None and self._now() - reading.done_at >= self._fresh_s

    def _start(self, key: KeyT) -> _Reading[ValueT]:
        # A context of its own: with the first caller's, his leaving would cancel the actor calls of all others.
        task = asyncio.create_task(self._bounded(key), context=contextvars.Context())
        reading = _Reading(task)
        task.add_done_callback(lambda done: self._finish(reading, done))
        self._readings.pop(key, None)
        self._readings[key] = reading
        while len(self._readings) > self._keep:
            del self._readings[next(iter(self._readings))]
        return reading

    def _finish(self, reading: _Reading[ValueT], task: asyncio.Task[ValueT]) -> None:
        reading.done_at = self._now()
        if not task.cancelled():
            task.exception()  # looked at, since all who waited for it may have left

    async def _bounded(self, key: KeyT) -> ValueT:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._read(key)
        except TimeoutError:
            raise DeadlineExceeded(self._what, self._deadline_s) from None
        except Exception as exc:
            raise delegator_error(
                exc
            ) from exc  # here and not at the readers: a bug is one incident, however many saw it
