"""The parts of a page as NiceGUI elements. Imported on the replica alone.

Each is one Vue component of `components/`, fed with one frozen view. A page is sent its view once, as JSON, and after
that what differs (`changes.py`); Vue changes that in place, so that focus and scroll stay. Text is put in as text,
never as HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from nicegui import ui

from serve_app.monitor.changes import Changes
from serve_app.monitor.controls import Outcome
from serve_app.monitor.speech import Said
from serve_app.monitor.wording import Trouble

ViewT = TypeVar("ViewT")

CHANGES = Changes()
"""Of all pages of this replica."""


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


class Words(ui.element, component="components/monitor_words.vue"):
    """Tells the view on the same page what turns under way have said so far; draws nothing itself.

    Apart from the board: these words are no view that was read, and its clocks run on meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self._update_method = "hand"

    def show(self, said: Said) -> None:
        """Have `said` shown; nothing is sent when it is already."""
        _put(self._props, "said", said)


class Board(ui.element, Generic[ViewT]):
    """Shows one view; empty until the first `show`. Each view has a board of its own, see `views/`.

    Its component has the part `window.delegatorBoard`, which puts in place what is sent of a later view.
    """

    def __init__(self) -> None:
        super().__init__()
        self._sent: ViewT | None = None
        """What the browser has when it has read everything that was sent."""
        self._update_method = "changed"

    def show(self, view: ViewT) -> None:
        """Show `view`; nothing is sent when it is shown already."""
        _put(self._props, "view", view)

    def miss(self) -> None:
        """Say that there is nothing to show; why is told by the header."""
        _put(self._props, "missing", True)

    def _to_dict(self) -> dict[str, Any]:
        # NiceGUI asks for this once for the page and then once for each update, which it sends again, and in order, to
        # a page that lost its connection meanwhile; where it cannot, that page loads itself anew.
        told = super()._to_dict()
        view: ViewT | None = self._props.get("view")
        sent, self._sent = self._sent, view
        if sent is None or view is None:
            return told
        props = {name: value for name, value in self._props.items() if name != "view"}
        return told | {"props": props | {"change": CHANGES.between(sent, view)}, "preserved_props": ["view"]}


def _put(props: Any, name: str, value: object) -> None:
    # A dataclass and not a dict: NiceGUI would copy a dict into observing ones, level by level, for every page.
    if props.get(name) != value:
        props[name] = value
