"""How far the running task of a session is, in the list of open sessions."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from delegator.schemas import ActiveTask, EventKind, NoInput
from delegator.store.records import NewEvent
from tests.actors.conftest import until
from tests.actors.manager_on_fakes import ManagerOnFakes

FEATURE = "Add user authentication feature"
AT = datetime(2026, 1, 2, tzinfo=UTC)


async def task_shown(manager: ManagerOnFakes) -> ActiveTask | None:
    (session,) = (await manager.list_active_sessions(NoInput())).sessions
    return session.task


async def test_the_running_task_is_told_with_who_waits_for_what_and_gone_when_it_has_ended() -> None:
    manager = ManagerOnFakes("one", "two")
    session = await manager.created(FEATURE)
    assert await task_shown(manager) is None

    # Another turn of the session leaves no room in its limit: the first turn has to wait.
    facts = {"endpoint": "two", "bytes": session.record.limits_max_memory_bytes - 1}
    held = NewEvent(kind=EventKind.MODEL_HELD, at=AT, session_id=session.session_id, model="codellama:13b", data=facts)
    await manager.record([held])
    session.speaking["other"] = ("two", "codellama:13b")
    running = await manager._tasks.message(session, "user", "product_manager", "Hello")
    await until(lambda: running.waiting_for is not None)

    assert await task_shown(manager) == ActiveTask(
        task_id=running.record.task_id,
        turns_done=0,
        turns_total=1,
        current_role="product_manager",
        waiting_for=running.waiting_for,
    )

    session.speaking.clear()
    session.fell_idle.set()
    await asyncio.wait_for(running.ended.wait(), 10)
    assert await task_shown(manager) is None
