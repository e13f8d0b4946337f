"""The pages: one for each view. Imported on the replica alone.

A page is one browser tab. It is sent before the backend has answered if that takes long, follows what `live` reads for
it, keeps showing what it last knew when the backend fails, says so in its header, and recovers by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic

from fastapi import Request
from nicegui import context, ui
from nicegui.events import GenericEventArguments
from pydantic import ValidationError

from delegator.errors import NotFound
from delegator.schemas import Event, EventKind, NoInput
from serve_app.caller import calling
from serve_app.faults import invalid_input
from serve_app.monitor import controls
from serve_app.monitor.channel import Channel, Look, Timer
from serve_app.monitor.elements import Dialog, Header, HeaderState, Link, ViewT, Words
from serve_app.monitor.live import Live
from serve_app.monitor.speech import Hearing
from serve_app.monitor.view import TICK_S, ChoiceT, Sources, View
from serve_app.monitor.views import VIEWS
from serve_app.monitor.wording import Trouble, clock, refusal, trouble

FIRST_LOOK_S = 0.7
"""Real seconds a browser waits for the backend; after that the page is sent empty, and filled when it can be."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What every header tells of the system."""

    simulated: bool
    alerts: int


class Page(Generic[ChoiceT, ViewT]):
    """One open page: what is chosen, what is shown, and what went wrong.

    Args:
        view: what it shows.
        sources: what that is read from.
        live: keeps it up to date.
    """

    def __init__(self, view: View[ChoiceT, ViewT], sources: Sources, live: Live) -> None:
        with ui.header(fixed=False, wrap=False):
            self._header = Header(view.name, links_from(view.path))
        self._board = view.board().on("choose", self._on_choose)
        self._words = Words() if view.under_way is not None else None
        self._dialog = Dialog().on("use", self._on_use)
        self._view, self._sources, self._live = view, sources, live
        self._state = HeaderState(simulated=False, as_of="", trouble=None, push=live.push)
        self._refused: Trouble | None = None
        self._key: object = None
        self._leave: Callable[[], None] = _nothing
        self._first_look = asyncio.Event()
        self._read_at: float | None = None
        self._used: set[str] = set()
        self._end = [
            live.watch(HEADER, lambda timer: _header_channel(sources, timer), self._on_facts),
            live.on_push(lambda: self._tell(replace(self._state, push=live.push))),
        ]
        context.client.on_delete(self._close)

    async def open(self, asked: Mapping[str, Any]) -> None:
        """Show what is asked for, or why not; wait for the first look, not longer than a person likes to wait."""
        if not self.choose(asked):
            refused = self._refused
            self.choose({})  # raises nothing: what cannot be shown without words shows why
            self._refused = refused
            self._tell(replace(self._state, trouble=refused))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._first_look.wait(), FIRST_LOOK_S)

    def choose(self, asked: Mapping[str, Any]) -> bool:
        """Show another choice; a wrong one is told and changes nothing. Return whether it was right."""
        try:
            choice = self._view.choice(asked)
        except ValidationError as exc:
            self._refused = refusal(invalid_input(exc))
            self._tell(replace(self._state, trouble=self._refused))
            if self._key is None:
                self._board.miss()
                self._first_look.set()
            return False
        self._refused = None
        self._tell(replace(self._state, trouble=None))
        before, self._key = self._leave, (self._view.name, choice)
        self._leave = self._live.watch(self._key, lambda timer: self._channel(choice, timer), self._on_look)
        before()
        return True

    def _channel(self, choice: ChoiceT, timer: Timer) -> Channel[ViewT]:
        view, sources = self._view, self._sources  # not this page: others share what it opens
        what = f"reading the view {view.title}"
        facts = (what, lambda: view.read(sources, choice), lambda event: view.concerned(choice, event), view.tick_s)
        if view.under_way is None or sources.speakers is None:
            return Channel(*facts, timer)
        return Channel(*facts, timer, hearing=Hearing(sources.speakers, timer.sleep), under_way=view.under_way)

    def _on_look(self, look: Look[ViewT]) -> None:
        self._first_look.set()
        if look.error is not None:
            if look.view is None and isinstance(look.error, NotFound):
                self._board.miss()
            self._tell(replace(self._state, trouble=trouble(look.error)))
            return
        if look.view is not None:
            self._board.show(look.view)
        if self._words is not None:
            self._words.show(look.said)
        if look.read_at == self._read_at:  # only more was said
            return
        self._read_at = look.read_at
        self._tell(replace(self._state, as_of=clock(self._sources.now()), trouble=self._refused))

    def _on_facts(self, look: Look[Facts]) -> None:
        if look.view is not None and look.error is None:  # why not is told by the view itself
            self._tell(replace(self._state, simulated=look.view.simulated, alerts=look.view.alerts))

    def _tell(self, state: HeaderState) -> None:
        self._state = state
        self._header.show(state)

    def _on_choose(self, event: GenericEventArguments) -> None:
        self.choose(event.args if isinstance(event.args, dict) else {})

    async def _on_use(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, dict) else {}
        key = str(asked.get("key", ""))
        if key in self._used:  # one confirmation is one call, however often it arrives
            return
        self._used.add(key)
        with calling(controls.CALLER):
            outcome = await controls.use(self._sources.backend, key, asked)
        self._dialog.show(outcome)
        self._live.wake(self._key)
        self._live.wake(HEADER)

    def _close(self) -> None:
        for end in (self._leave, *self._end):
            end()


HEADER = "header"
"""The key of what all headers tell."""


def _header_channel(sources: Sources, timer: Timer) -> Channel[Facts]:
    async def read() -> Facts:
        resources = await sources.backend.resource_summary(NoInput())
        return Facts(resources.simulated, resources.alerts)

    return Channel("reading what is now", read, _is_alert, TICK_S, timer)


def _is_alert(event: Event) -> bool:
    return event.kind in (EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED)


def _nothing() -> None:
    pass


def links_from(path: str) -> tuple[Link, ...]:
    """Return the navigation as it is written on a page at `path`."""
    up = "./" if path.count("/") == 1 else "../" * (path.count("/") - 1)
    return tuple(Link(view.name, view.title, up + view.path[1:]) for view in VIEWS if view.listed)


def register(sources: Sources, live: Live) -> None:
    """Make the pages known to NiceGUI; once per process."""
    for view in VIEWS:
        _register(view, sources, live)


def _register(view: View[Any, Any], sources: Sources, live: Live) -> None:
    @ui.page(view.path, title=f"{view.title} · Delegator")
    async def show(request: Request) -> None:
        await Page(view, sources, live).open({**request.query_params, **request.path_params})
