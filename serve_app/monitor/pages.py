"""The three pages: what each reads, when it looks again, and what happens when that fails. Imported on the replica alone.

A page is one browser tab. It never waits for the backend before it is sent, keeps showing what it last knew when the
backend fails, tells so in its header, and recovers by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Generic

from nicegui import ui
from pydantic import ValidationError

from delegator.errors import DelegatorError
from delegator.schemas import SessionHistoryRequest, StatisticsRequest
from serve_app.faults import delegator_error, invalid_input
from serve_app.monitor.elements import (
    Board,
    Header,
    HeaderState,
    HistoryBoard,
    NowBoard,
    StatisticsBoard,
    ViewName,
    ViewT,
)
from serve_app.monitor.reads import Reads
from serve_app.monitor.wording import Trouble, clock, trouble

LOOK_EVERY_S = 2.0
"""Real seconds between two looks of a page."""

FIRST_LOOK_S = 0.7
"""Real seconds the answer to a browser waits for the backend; later the page is sent empty and filled when it can be."""

TITLES: dict[ViewName, str] = {"now": "Now", "history": "History", "statistics": "Statistics"}


class Page(Generic[ViewT]):
    """One open page: its header, its board, and what it shows."""

    def __init__(self, name: ViewName, board: type[Board[ViewT]], reads: Reads) -> None:
        with ui.header(fixed=False, wrap=False):
            self.header = Header(name)
        self.board = board()
        self._reads = reads
        self._simulated = False
        self._as_of = ""

    async def look(self, read: Callable[[], Awaitable[ViewT]]) -> None:
        """Read the view and show it, or say why not."""
        try:
            view = await read()
            present = await self._reads.present()
        except Exception as exc:
            self._tell(delegator_error(exc))
            return
        self.board.show(view)
        self._simulated = present.simulated
        self._as_of = clock(datetime.now(UTC))
        self._show_header(None)
