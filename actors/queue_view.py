"""Shows the turns that wait at all endpoints, in the order in which they will probably start.

How that is foretold is `delegator/residency/queue.py`'s; here it gets the names people know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actors.host_messages import HostView
from actors.running_task import RunningTask
from delegator.residency.queue import Queued, foretell_starts
from delegator.schemas import QueuedTurn


def queued_turns(hosts: Mapping[str, HostView], task_of: Callable[[str], RunningTask | None]) -> list[QueuedTurn]:
    """Return the waiting turns, endpoint by endpoint. Seconds are model seconds.

    Args:
        hosts: by the id of the endpoint.
        task_of: gives an unfinished task by its id.
    """
    return [
        QueuedTurn(
            session_id=turn.session_id,
            task_id=turn.task_id or None,
            role=_role_of(turn, task_of),
            model=turn.model,
            endpoint=endpoint_id,
            position=position,
            waited_seconds=max(0.0, turn.waited_s),
            eta_seconds=eta_s,
        )
        for endpoint_id, view in hosts.items()
        for position, (turn, eta_s) in enumerate(foretell_starts(view.snapshot, view.queue), start=1)
    ]


def _role_of(turn: Queued, task_of: Callable[[str], RunningTask | None]) -> str | None:
    """Return whose turn it is, by the turn's id: `task:index`, or `warm:session:role` for a session's first model."""
    before, _, last = turn.turn_id.rpartition(":")
    if turn.task_id:
        task = task_of(turn.task_id)
        index = int(last) if last.isdigit() else -1
        return task.record.turns[index].role if task is not None and 0 <= index < len(task.record.turns) else None
    return last if before == f"warm:{turn.session_id}" else None
