"""What makes one view: where it is, what can be chosen, how it is read, what shows it. Imported on the replica alone.

A view is told here once and for all; `pages.py` makes its page, `live.py` keeps it up to date.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from delegator.schemas import Event, ListRolesReply, NoInput, TaskView
from serve_app.backend import Backend
from serve_app.monitor.elements import Board, ViewT
from serve_app.monitor.speech import Speakers, UnderWay

ChoiceT = TypeVar("ChoiceT")

TICK_S = 4.0
"""Real seconds after which a view is read again without an event: sizes, loads and waits have none."""

ENDED_TASKS = 200
"""Ended tasks that are remembered."""


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class Sources:
    """What a view is read from.

    Args:
        backend: what is asked.
        now: the present moment, UTC.
        scale: model seconds per real second where models are simulated, for clocks that run on in the browser.
        speakers: lets running turns be heard; None: nobody can be, turns are shown when they are stored.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        now: Callable[[], datetime] = utc_now,
        scale: float = 1.0,
        speakers: Speakers | None = None,
    ) -> None:
        self.backend = backend
        self.speakers = speakers
        self.now = now
        self.scale = scale
        self.ended_tasks: dict[str, TaskView] = {}
        """Those that were read lately."""
        self._roles: ListRolesReply | None = None

    def remember(self, task: TaskView) -> None:
        """Keep a task that has ended; the oldest is forgotten when there are many."""
        self.ended_tasks[task.task_id] = task
        while len(self.ended_tasks) > ENDED_TASKS:
            del self.ended_tasks[next(iter(self.ended_tasks))]

    async def roles(self) -> ListRolesReply:
        """Return the roles, read once: a running system keeps its catalogue."""
        if self._roles is None:
            self._roles = await self.backend.list_roles(NoInput())
        return self._roles


def every_event(_choice: object, _event: Event) -> bool:
    """Take any event as a change of what is shown."""
    return True


@dataclass(frozen=True, slots=True)
class View(Generic[ChoiceT, ViewT]):
    """One view of the monitor.

    Attributes:
        name: as the header marks it.
        title: in the navigation and in the title of its page.
        path: its address below the monitor's; `{name}` parts come to `choice` beside the words of the query.
        board: shows it.
        choice: makes a hashable choice of what the browser asks for; raises ValidationError.
        read: reads what is shown of a choice, once for all pages that show it; raises DelegatorError.
        concerned: whether an event may have changed what is shown of a choice.
        tick_s: real seconds after which it is read again without an event, while somebody looks; None: never.
        listed: False for views that are reached from others, not from the navigation.
        under_way: the turns in what is shown that are being spoken; None for views that show no conversation.
    """

    name: str
    title: str
    path: str
    board: type[Board[ViewT]]
    choice: Callable[[Mapping[str, Any]], ChoiceT]
    read: Callable[[Sources, ChoiceT], Awaitable[ViewT]]
    concerned: Callable[[ChoiceT, Event], bool] = every_event
    tick_s: float | None = TICK_S
    listed: bool = True
    under_way: Callable[[ViewT], Sequence[UnderWay]] | None = None
