"""What is known of one session of a scene: its view, its tasks and what was said in them, its receipt."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from delegator import schemas as s
from delegator.errors import SessionNotFound
from tests.serve_app.samples import REPLIES

if TYPE_CHECKING:
    from tests.browser.scene import Scene

_numbers = count(10_000)


def session_view(scene: Scene, session_id: str) -> s.SessionView:
    """Return an open or past session of the scene.

    Raises:
        SessionNotFound: it has none of this id.
    """
    sample = REPLIES["get_session"]
    assert isinstance(sample, s.SessionView)
    tasks = [
        s.TaskSummary.model_validate(task.model_dump(include={"task_id", "status", "task", "created_at", "ended_at"}))
        for task in scene.tasks.values()
        if task.session_id == session_id
    ]
    for session in scene.sessions:
        if session.session_id == session_id:
            return sample.model_copy(update=_of_open(scene, session) | {"tasks": tasks})
    for past in scene.past:
        if past.session_id == session_id:
            return sample.model_copy(update=_of_past(scene, past) | {"tasks": tasks})
    raise SessionNotFound(session_id)


def _of_open(scene: Scene, session: s.ActiveSession) -> dict[str, Any]:
    return {
        "session_id": session.session_id,
        "status": session.status,
        "task_description": session.task_description,
        "task_category": session.task_category,
        "active_agents": session.active_agents,
        "models": {role: model_of(scene, role) for role in session.active_agents},
        "created_at": session.created_at,
        "started_at": session.created_at,
        "duration_seconds": session.uptime_seconds,
        "total_agents_spawned": len(session.active_agents),
        "simulated": scene.simulated,
    }


def _of_past(scene: Scene, past: s.HistorySession) -> dict[str, Any]:
    return {
        "session_id": past.session_id,
        "status": past.status,
        "task_description": past.task_description,
        "task_category": past.task_category,
        "active_agents": [],
        "models": {role: model_of(scene, role) for role in past.active_agents},
        "created_at": past.started_at,
        "started_at": past.started_at,
        "ended_at": past.ended_at,
        "end_reason": "ended by its caller",
        "duration_seconds": past.duration_seconds or 0,
        "simulated": past.simulated,
    }


def model_of(scene: Scene, role: str) -> str:
    """Return the model of a role."""
    roles = scene.answers["list_roles"](s.NoInput()).roles
    return str(next(info.model for info in roles if info.role == role))


def receipt(scene: Scene, session_id: str) -> s.Receipt:
    """Return the sample receipt as this session's."""
    sample = REPLIES["get_receipt"]
    assert isinstance(sample, s.Receipt)
    is_open = any(session.session_id == session_id for session in scene.sessions)
    return sample.model_copy(
        update={"session_id": session_id, "final": not is_open, "simulated": scene.simulated, "agents_total": 9}
    )


def new_task(scene: Scene, session: s.ActiveSession, text: str, *, turns: int) -> s.TaskView:
    """Put a running task on the stage; its number is never used again, since ended tasks are remembered."""
    task = s.TaskView(
        task_id=f"task_20260102_143101_{next(_numbers)}",
        session_id=session.session_id,
        status=s.TaskStatus.RUNNING,
        task=text,
        turns_done=0,
        turns_total=turns,
        current_role=session.active_agents[0],
        waiting_for=None,
        replies=[],
        answer=None,
        error=None,
        created_at=scene.now,
        ended_at=None,
        seconds=1,
        simulated=scene.simulated,
    )
    scene.tasks[task.task_id] = task
    _show_progress(scene, task)
    return task


def take_turn(scene: Scene, task: s.TaskView, role: str, text: str) -> s.TaskView:
    """Add what a role said to a task; the next of the team has the turn then."""
    turn = s.TurnReply(
        role=role,
        text=text,
        purpose="answer",
        model=model_of(scene, role),
        prompt_tokens=100,
        reply_tokens=50,
        seconds=2,
    )
    done = task.turns_done + 1
    team = next(each.active_agents for each in scene.sessions if each.session_id == task.session_id)
    after = task.model_copy(
        update={"replies": [*task.replies, turn], "turns_done": done, "current_role": team[done % len(team)]}
    )
    scene.tasks[task.task_id] = after
    _show_progress(scene, after)
    return after


def _show_progress(scene: Scene, task: s.TaskView) -> None:
    active = s.ActiveTask(
        task_id=task.task_id,
        turns_done=task.turns_done,
        turns_total=task.turns_total,
        current_role=task.current_role,
        waiting_for=task.waiting_for,
    )
    scene.sessions = [
        session.model_copy(update={"task": active}) if session.session_id == task.session_id else session
        for session in scene.sessions
    ]
