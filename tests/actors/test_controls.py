"""Who did it: every use of a control is an event, and what somebody caused says who that was."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from delegator import schemas as s
from delegator.errors import SessionNotFound, StoreUnavailable
from delegator.schemas import Event, EventKind
from delegator.store.records import EventQuery
from delegator.store.store import Store
from tests.actors.manager_on_fakes import ManagerOnFakes

FEATURE = "Add user authentication feature"


@pytest.fixture
def manager(store: Store) -> ManagerOnFakes:
    return ManagerOnFakes(database=store)


async def log_of(store: Store, *kinds: EventKind) -> list[Event]:
    return await store.events(EventQuery(kinds=kinds, limit=100))


async def created(manager: ManagerOnFakes, by: str = "mcp: chat", task: str = FEATURE) -> str:
    reply = await manager.change("create_session", s.CreateSessionRequest(task_description=task, wait_s=5), by)
    assert isinstance(reply, s.CreateSessionReply)
    return reply.session_id


async def test_a_control_is_done_and_its_use_is_in_the_log_before_it_is_answered(
    manager: ManagerOnFakes, store: Store
) -> None:
    session_id = await created(manager)

    reply = await manager.control("end_session", s.OptionalSessionRef(), "cli: anna")

    assert isinstance(reply, s.EndSessionReply)
    (used,) = await log_of(store, EventKind.CONTROL_USED)
    assert (used.session_id, used.by) == (session_id, "cli: anna")
    assert used.data == {"operation": "end_session", "outcome": "done"}


async def test_a_control_says_what_it_was_about_and_why(manager: ManagerOnFakes, store: Store) -> None:
    session_id = await created(manager)
    request = s.AddAgentRequest(session_id=session_id, agent_role="ceo", reason="approval")

    await manager.control("add_agent_to_session", request, "monitor")

    (used,) = await log_of(store, EventKind.CONTROL_USED)
    joined = (await log_of(store, EventKind.AGENT_SPAWNED))[-1]
    assert (used.role, used.model, used.data["reason"]) == ("ceo", joined.model, "approval")
    assert (joined.role, joined.by) == ("ceo", "monitor")


async def test_a_refused_control_leaves_its_event_too(manager: ManagerOnFakes, store: Store) -> None:
    with pytest.raises(SessionNotFound):
        await manager.control("end_session", s.OptionalSessionRef(session_id="session_x"), "http")

    (used,) = await log_of(store, EventKind.CONTROL_USED)
    assert (used.session_id, used.by, used.data["outcome"]) == ("session_x", "http", "session_not_found")


async def test_a_bug_in_a_control_is_told_as_one_and_leaves_its_event(
    manager: ManagerOnFakes, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_request: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(manager, "cleanup_orphaned_agents", broken)
    with pytest.raises(ZeroDivisionError):
        await manager.control("cleanup_orphaned_agents", s.NoInput(), "http")

    (used,) = await log_of(store, EventKind.CONTROL_USED)
    assert used.data["outcome"] == "internal_error"


async def test_who_waits_for_a_control_waits_for_its_event_and_hears_when_it_cannot_be_stored() -> None:
    manager = ManagerOnFakes()
    manager.gates.shut("append_events")
    cleaning = asyncio.create_task(manager.control("cleanup_orphaned_agents", s.NoInput(), "http"))
    await manager.gates.reached["append_events"].wait()
    assert not cleaning.done()

    manager.store.down = True
    manager.gates.open("append_events")

    with pytest.raises(StoreUnavailable):
        await cleaning


async def test_a_control_whose_call_is_broken_off_leaves_its_event() -> None:
    manager = ManagerOnFakes()
    manager.gates.shut("reconcile")
    cleaning = asyncio.create_task(manager.control("cleanup_orphaned_agents", s.NoInput(), "http"))
    await manager.gates.reached["reconcile"].wait()

    cleaning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cleaning

    ((events,),) = manager.store.args_of("append_events")
    assert [(event.kind, event.data["outcome"]) for event in events] == [(EventKind.CONTROL_USED, "interrupted")]


async def test_what_somebody_caused_says_who_and_the_rest_nobody(manager: ManagerOnFakes, store: Store) -> None:
    session_id = await created(manager, by="mcp: chat")
    manager.gates.shut("speak")
    delegated = s.DelegateTaskRequest(session_id=session_id)
    task = await manager.change("delegate_task", delegated, "http")
    assert isinstance(task, s.TaskView)
    await manager.gates.reached["speak"].wait()
    await manager.control("cancel_task", s.TaskRef(task_id=task.task_id), "monitor")
    await manager.control("end_session", s.OptionalSessionRef(), "cli: anna")

    by = {event.kind: event.by for event in await store.session_events(session_id)}
    assert by[EventKind.SESSION_CREATED] == by[EventKind.AGENT_SPAWNED] == "mcp: chat"
    assert by[EventKind.TASK_QUEUED] == "http"
    assert by[EventKind.TASK_CANCELLED] == "monitor"
    assert by[EventKind.SESSION_ENDED] == by[EventKind.AGENT_TERMINATED] == "cli: anna"
    assert by[EventKind.TASK_STARTED] is by[EventKind.TURN_STARTED] is None


async def test_a_session_that_timed_out_was_ended_by_nobody_whoever_cleans_up(
    manager: ManagerOnFakes, store: Store
) -> None:
    session_id = await created(manager)
    (session,) = manager._book.sessions()
    long_ago = session.record.last_activity_at - timedelta(days=1)
    object.__setattr__(session.record, "last_activity_at", long_ago)

    cleaned = await manager.control("cleanup_orphaned_agents", s.NoInput(), "cli: anna")

    assert isinstance(cleaned, s.CleanupReply)
    assert cleaned.sessions_closed == [session_id]
    by = {event.kind: event.by for event in await store.session_events(session_id)}
    assert by[EventKind.SESSION_TIMED_OUT] is by[EventKind.AGENT_TERMINATED] is None


async def test_an_end_that_broke_off_keeps_who_ended_it() -> None:
    manager = ManagerOnFakes()
    await created(manager)
    manager.store.down = True
    with pytest.raises(StoreUnavailable):
        await manager.control("end_session", s.OptionalSessionRef(), "cli: anna")

    manager.store.down = False
    await manager.sweep()

    ((*_, events),) = manager.store.args_of("end_session")
    assert {event.by for event in events} == {"cli: anna"}


async def test_a_method_called_directly_has_nobody_behind_it(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(FEATURE)
    await manager.end(session)

    events = await store.session_events(session.session_id)
    assert {event.by for event in events} == {None}
    assert await log_of(store, EventKind.CONTROL_USED) == []
