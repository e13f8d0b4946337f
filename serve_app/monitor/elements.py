"""The parts of a page as NiceGUI elements. Imported on the replica alone.

Each is one Vue component of `components/`, fed with one frozen view: a change travels as that view's JSON, and Vue
changes in place what differs, so that focus and scroll stay. Text is put in as text, never as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nicegui import ui

from serve_app.monitor.controls import Outcome
from serve_app.monitor.wording import Trouble

ViewT = TypeVar("ViewT")


@dataclass(frozen=True, slots=True)
class Link:
    """One view in the navigation; `href` is relative, so that it holds under any route prefix."""

    view: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header tells beside the links."""

    simulated: bool
    as_of: str
    """When the page last showed what is; empty while it has shown nothing."""
    trouble: Trouble | None
    alerts: int = 0
    """How many are raised now."""
    push: bool = True
    """False while changes are not pushed: the page then looks every few seconds."""


class Header(ui.element, component="components/monitor_header.vue"):
    """Name, links to the views, the mark of simulated models, the age of what is shown, the banner, the theme."""

    def __init__(self, active: str, links: tuple[Link, ...]) -> None:
        super().__init__()
        self._props["active"] = active
        self._props["links"] = links

    def show(self, state: HeaderState) -> None:
        """Show `state`; nothing is sent when it is shown already."""
        _put(self._props, "state", state)


class Dialog(ui.element, component="components/monitor_dialog.vue"):
    """Asks before a control is used and tells what came of it; emits `use` {key, operation, request}."""

    def show(self, outcome: Outcome) -> None:
        """Tell what came of it."""
        _put(self._props, "outcome", outcome)


class Board(ui.element, Generic[ViewT]):
    """Shows one view; empty until the first `show`. Each view has a board of its own, see `views/`."""

    def show(self, view: ViewT) -> None:
        """Show `view`; nothing is sent when it is shown already."""
        _put(self._props, "view", view)

    def miss(self) -> None:
        """Say that there is nothing to show; why is told by the header."""
        _put(self._props, "missing", True)


def _put(props: Any, name: str, value: object) -> None:
    # A dataclass and not a dict: NiceGUI would copy a dict into observing ones, level by level, for every page.
    if props.get(name) != value:
        props[name] = value
