"""Roles that speak while somebody listens, in place of agents; a test puts the words in their mouths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator


class Voices:
    """What was said so far, by turn, and who listens; said from any thread, heard on one loop."""

    def __init__(self) -> None:
        self.listened: list[tuple[str, str]] = []
        """(role, turn id) each time that somebody began to listen."""
        self.listening = 0
        """How many listen now."""
        self._pieces: dict[str, list[str]] = {}
        self._ended: set[str] = set()
        self._lost = False
        self._news: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def say(self, turn_id: str, piece: str) -> None:
        """Go on with a turn."""
        self._pieces.setdefault(turn_id, []).append(piece)
        self._wake()

    def end(self, turn_id: str) -> None:
        """Say no more in a turn."""
        self._ended.add(turn_id)
        self._wake()

    def lose(self) -> None:
        """Let nobody be heard until they are `found`; what was said is forgotten, as when an agent is lost."""
        self._lost = True
        self._pieces.clear()
        self._wake()

    def found(self) -> None:
        """Let them be heard again."""
        self._lost = False

    async def follow(self, role: str, turn_id: str) -> AsyncGenerator[str, None]:
        """Yield the pieces of a turn as they are said; raises where nobody can be heard."""
        news = (asyncio.get_running_loop(), asyncio.Event())
        self._news.append(news)
        self.listened.append((role, turn_id))
        self.listening += 1
        try:
            given = 0
            while True:
                news[1].clear()
                if self._lost:
                    raise ConnectionError("nobody can be heard")
                for piece in self._pieces.get(turn_id, [])[given:]:
                    given += 1
                    yield piece
                if turn_id in self._ended:
                    return
                await news[1].wait()
        finally:
            self._news.remove(news)
            self.listening -= 1

    def _wake(self) -> None:
        for loop, event in list(self._news):
            loop.call_soon_threadsafe(event.set)
