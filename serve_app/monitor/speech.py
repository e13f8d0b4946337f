"""What running turns have said so far, for the pages that show them. No NiceGUI and no Ray here.

Owns who is listened to: each turn that a view shows under way, once for all pages that look, until the turn is stored
or nobody looks any more. How an agent is reached is `speakers.py`'s; how often pages are told is `channel.py`'s. Nobody
is asked twice for what was said: the whole turn comes from the record. Who cannot be heard is no error of a page.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

log = logging.getLogger(__name__)

AGAIN_S = 1.0
"""Real seconds until a turn that could not be heard, or not any more, is listened to again while it is under way."""

MOST_CHARS = 60_000
"""Characters of a running turn that are kept: more than a model says in one. The stored turn has all of it."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A turn that is being spoken.

    Attributes:
        turn_id: the task's id and the place of the turn in it, as agents know it.
        begun: the event that told of it; another one means that the turn is taken once more.
    """

    turn_id: str
    role: str
    model: str
    attempt: int
    begun: int


class Speakers(Protocol):
    """Lets running turns be heard."""

    def follow(self, role: str, turn_id: str) -> AsyncGenerator[str, None]:
        """Yield what a role says in a turn, from its beginning, as it comes; ends with the turn.

        Yields nothing of a turn that the role does not know; raises where it cannot be heard, or not any more.
        """


Said = tuple[tuple[str, str], ...]
"""(turn id, text so far)"""


class Hearing:
    """Listens to the turns of one view.

    Args:
        speakers: lets them be heard.
        pause: waits so many real seconds.
    """

    def __init__(self, speakers: Speakers, pause: Callable[[float], Awaitable[None]]) -> None:
        self.changed = asyncio.Event()
        """Set when more was said; for its reader to clear."""
        self._speakers = speakers
        self._pause = pause
        self._texts: dict[UnderWay, str] = {}
        self._tasks: dict[UnderWay, asyncio.Task[None]] = {}

    def said(self) -> Said:
        """Return what each turn has said so far; nothing of those that have not begun to speak."""
        return tuple((turn.turn_id, text) for turn, text in self._texts.items())

    def listen(self, turns: Iterable[UnderWay]) -> None:
        """Listen to these turns, and to no others any more."""
        wanted = dict.fromkeys(turns)
        for turn in [turn for turn in self._tasks if turn not in wanted]:
            self._tasks.pop(turn).cancel()
            self._texts.pop(turn, None)
        for turn in wanted:
            if turn not in self._tasks:
                # A context of its own, as in `channel.py`: a page that leaves ends no actor call of the others.
                self._tasks[turn] = asyncio.create_task(self._hear(turn), context=contextvars.Context())

    def close(self) -> None:
        """Listen to nobody any more."""
        self.listen(())

    async def _hear(self, turn: UnderWay) -> None:
        while True:
            try:
                await self._follow(turn)
            except Exception as exc:
                log.debug("turn %s of %s cannot be heard: %s", turn.turn_id, turn.role, exc)
            await self._pause(AGAIN_S)

    async def _follow(self, turn: UnderWay) -> None:
        text = ""
        async with aclosing(self._speakers.follow(turn.role, turn.turn_id)) as pieces:
            async for piece in pieces:
                text = (text + piece)[:MOST_CHARS]
                shown = text.strip()  # as it will be stored
                if shown and shown != self._texts.get(turn):
                    self._texts[turn] = shown
                    self.changed.set()
