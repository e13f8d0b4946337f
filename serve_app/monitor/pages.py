"""The three pages: what each reads, when it looks again, what happens when that fails. Imported on the replica alone.

A page is one browser tab. It is sent before the backend has answered if that takes long, keeps showing what it last
knew when the backend fails, says so in its header, and recovers by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from fastapi import Request
from nicegui import ui
from nicegui.events import GenericEventArguments
from pydantic import ValidationError

from delegator.errors import DelegatorError
from serve_app.faults import invalid_input
from serve_app.monitor.choices import history_choice, no_choice, statistics_choice
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
from serve_app.monitor.wording import Trouble, refusal, trouble

FIRST_LOOK_S = 0.7
"""Real seconds a browser waits for the backend; after that the page is sent empty, and filled when it can be."""

ChoiceT = TypeVar("ChoiceT")


class Page(Generic[ChoiceT, ViewT]):
    """One open page: what is chosen, what is shown, and what went wrong.

    Args:
        name: the view.
        board: shows it.
        reads: tells what is now, for the header.
        read: reads the view of a choice.
        choice: makes a choice of what the browser asks for; raises ValidationError.
        every_s: real seconds between two looks.
    """

    def __init__(
        self,
        name: ViewName,
        board: type[Board[ViewT]],
        reads: Reads,
        read: Callable[[ChoiceT], Awaitable[ViewT]],
        choice: Callable[[Mapping[str, Any]], ChoiceT],
        *,
        every_s: float,
    ) -> None:
        with ui.header(fixed=False, wrap=False):
            self._header = Header(name)
        self._board = board().on("choose", self._on_choose)
        self._reads = reads
        self._read = read
        self._choice_of = choice
        self._choice = choice({})
        self._every_s = every_s
        self._state = HeaderState(simulated=False, as_of="", trouble=None)
        self._refused: Trouble | None = None

    async def open(self, asked: Mapping[str, Any]) -> None:
        """Look for the first time, not longer than a person likes to wait, and every few seconds from then on."""
        self.choose(asked)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.look(), FIRST_LOOK_S)
        ui.timer(self._every_s, self.look)

    def choose(self, asked: Mapping[str, Any]) -> None:
        """Take another choice; a wrong one is told and changes nothing."""
        try:
            self._choice = self._choice_of(asked)
            self._refused = None
        except ValidationError as exc:
            self._refused = refusal(invalid_input(exc))

    async def look(self) -> None:
        """Read what is chosen and show it, or say why not."""
        choice = self._choice
        try:
            present = await self._reads.present()
            view = await self._read(choice)
        except DelegatorError as exc:
            self._tell(replace(self._state, trouble=trouble(exc)))
            return
        if choice == self._choice:  # else somebody chose again meanwhile, and that look is on its way
            self._board.show(view)
        self._tell(HeaderState(simulated=present.simulated, as_of=present.as_of, trouble=self._refused))

    def _tell(self, state: HeaderState) -> None:
        self._state = state
        self._header.show(state)

    async def _on_choose(self, event: GenericEventArguments) -> None:
        self.choose(event.args if isinstance(event.args, dict) else {})
        await self.look()


def register(reads: Reads, *, every_s: float) -> None:
    """Make the pages known to NiceGUI, each looking every `every_s` real seconds; once per process."""

    @ui.page("/", title="Now · Delegator")
    async def now(request: Request) -> None:
        page = Page("now", NowBoard, reads, lambda _: reads.present(), no_choice, every_s=every_s)
        await page.open(request.query_params)

    @ui.page("/history", title="History · Delegator")
    async def history(request: Request) -> None:
        page = Page("history", HistoryBoard, reads, reads.history, history_choice, every_s=every_s)
        await page.open(request.query_params)

    @ui.page("/statistics", title="Statistics · Delegator")
    async def statistics(request: Request) -> None:
        page = Page("statistics", StatisticsBoard, reads, reads.statistics, statistics_choice, every_s=every_s)
        await page.open(request.query_params)
