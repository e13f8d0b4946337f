"""Which tasks go on here, and until when the next turn of each is awaited: a task that breaks off says so to nobody.

A task is over with its last turn on this endpoint. One that still has turns to come here is taken for over when its
next one does not come in time, because it was cancelled, failed, or has moved. Knows no models and no memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from delegator.residency.requests import Running, TurnRequest

NEXT_TURN_GRACE_S = 30.0
"""Model seconds after a turn's end within which its task's next turn is announced; otherwise the task is over."""

ELSEWHERE_GRACE_S = 300.0
"""Model seconds by which a turn may be late that comes after others on another endpoint, which may load and queue."""


@dataclass(slots=True)
class _Task:
    session_id: str
    awaited_until: float | None = None
    """None while a turn of it waits or runs."""
    is_given_up: bool = False
    """Its turn was withdrawn or refused: from the next decision on it is awaited anew."""


class TasksUnderWay:
    """All tasks with a turn that waits, runs or is awaited on one endpoint, by id."""

    def __init__(self) -> None:
        """Know none."""
        self._tasks: dict[str, _Task] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def announced(self, request: TurnRequest) -> None:
        """Note that a turn of the task is ready."""
        self._tasks[request.task_id] = _Task(request.session_id)

    def given_up(self, request: TurnRequest) -> None:
        """Note that a turn that waited will not be granted; another attempt may follow."""
        task = self._tasks.get(request.task_id)
        if task is not None:
            task.is_given_up = True

    def ended(self, running: Running, foreseen: Sequence[tuple[str, float]], now: float) -> bool:
        """Note a turn's end; return whether the task is over here with it.

        Args:
            foreseen: when the task is expected to need which model here: (model, moment), soonest first.
        """
        request = running.request
        task = self._tasks.get(request.task_id)
        if not (request.continues and foreseen):
            self._tasks.pop(request.task_id, None)
            return True
        if task is not None and request.next_model is not None:
            task.awaited_until = now + NEXT_TURN_GRACE_S
        elif task is not None:
            task.awaited_until = foreseen[0][1] + ELSEWHERE_GRACE_S
        return False

    def close_session(self, session_id: str) -> None:
        """Forget the tasks of a session."""
        self._tasks = {task_id: task for task_id, task in self._tasks.items() if task.session_id != session_id}

    def take_broken_off(self, now: float) -> list[tuple[str, str]]:
        """Return (session, task) of those whose next turn has not come in time, and forget them."""
        over = []
        for task_id, task in list(self._tasks.items()):
            if task.is_given_up:
                task.is_given_up, task.awaited_until = False, now + NEXT_TURN_GRACE_S
            if task.awaited_until is not None and task.awaited_until <= now:
                del self._tasks[task_id]
                over.append((task.session_id, task_id))
        return over

    def moments(self) -> list[float]:
        """Return the moments at which tasks will be taken for over."""
        return [task.awaited_until for task in self._tasks.values() if task.awaited_until is not None]
