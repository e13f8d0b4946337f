"""The parts of a page as NiceGUI elements. Imported on the replica alone.

Each is one Vue component of `components/`, fed with one frozen view: a change travels as that view's JSON, and Vue
changes in place what differs, so that focus and scroll stay. Text is put in as text, never as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from nicegui import ui

from serve_app.monitor.history_view import HistoryView
from serve_app.monitor.now_view import NowView
from serve_app.monitor.statistics_view import StatisticsView
from serve_app.monitor.wording import Trouble

ViewT = TypeVar("ViewT")

ViewName = Literal["now", "history", "statistics"]


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header tells beside the links."""

    simulated: bool
    as_of: str
    """When the page last showed what is; empty while it has shown nothing."""
    trouble: Trouble | None


class Header(ui.element, component="components/monitor_header.vue"):
    """Name, links to the views, the mark of simulated models, the age of what is shown, the banner, the theme."""

    def __init__(self, active: ViewName) -> None:
        super().__init__()
        self._props["active"] = active

    def show(self, state: HeaderState) -> None:
        """Show `state`; nothing is sent when it is shown already."""
        _put(self._props, "state", state)


class Board(ui.element, Generic[ViewT]):
    """Shows one view; empty until the first `show`."""

    def show(self, view: ViewT) -> None:
        """Show `view`; nothing is sent when it is shown already."""
        _put(self._props, "view", view)


class NowBoard(Board[NowView], component="components/monitor_now.vue"):
    """The view *Now*."""


class HistoryBoard(Board[HistoryView], component="components/monitor_history.vue"):
    """The view *History*; emits `choose` as `choices.history_choice` reads it."""


class StatisticsBoard(Board[StatisticsView], component="components/monitor_statistics.vue"):
    """The view *Statistics*; emits `choose` as `choices.statistics_choice` reads it."""


def _put(props: Any, name: str, value: object) -> None:
    # A dataclass and not a dict: NiceGUI would copy a dict into observing ones, level by level, for every page.
    if props.get(name) != value:
        props[name] = value
