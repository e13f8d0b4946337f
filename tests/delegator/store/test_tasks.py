from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from delegator.errors import SessionNotFound, TaskNotFound
from delegator.schemas import EventKind, TaskStatus
from delegator.store.store import Store
from tests.delegator.store.make import NOON, a_message, a_session, a_task, an_event, later


@pytest.fixture
async def session(store: Store) -> None:
    await store.create_session(a_session(), [], [])


@pytest.fixture
async def task(store: Store, session: None) -> None:
    await store.create_task(a_task(), [])


async def delegated(store: Store) -> int:
    session = await store.session("session_1")
    assert session is not None
    return session.tasks_delegated


@pytest.mark.usefixtures("session")
async def test_a_task_comes_back_as_it_was_stored(store: Store) -> None:
    await store.create_task(a_task(), [an_event(EventKind.TASK_QUEUED)])

    assert await store.task("task_1") == a_task()
    assert await store.tasks_of("session_1") == [a_task()]
    assert await store.unfinished_tasks() == [a_task()]
    assert await store.task("task_0") is None


@pytest.mark.usefixtures("session")
async def test_only_team_tasks_count_as_delegated_and_each_once(store: Store) -> None:
    for _ in range(2):
        await store.create_task(a_task("task_1"), [an_event()])
    await store.create_task(a_task("task_2", kind="message"), [an_event()])

    assert await delegated(store) == 1
    assert len(await store.session_events("session_1")) == 2


async def test_a_task_needs_its_session(store: Store) -> None:
    with pytest.raises(SessionNotFound):
        await store.create_task(a_task(session_id="session_0"), [])


@pytest.mark.usefixtures("task")
async def test_a_task_runs_once_it_is_started(store: Store) -> None:
    for _ in range(2):
        await store.start_task("task_1", later(1), [an_event(EventKind.TASK_STARTED)])

    assert await store.task("task_1") == replace(a_task(), status=TaskStatus.RUNNING, started_at=later(1))
    assert len(await store.session_events("session_1")) == 1


@pytest.mark.usefixtures("task")
async def test_turns_come_back_in_order(store: Store) -> None:
    await store.add_turn(a_message(1, from_role="test_lead", purpose="contribute"), [])
    stored = await store.add_turn(a_message(0), [an_event(EventKind.TURN_COMPLETED)])

    assert stored == a_message(0)
    assert await store.messages_of("task_1") == [
        a_message(0),
        a_message(1, from_role="test_lead", purpose="contribute"),
    ]


@pytest.mark.usefixtures("task")
async def test_a_turn_said_twice_stays_as_it_was_said_first(store: Store) -> None:
    await store.add_turn(a_message(0), [an_event()])

    kept = await store.add_turn(a_message(0, text="Something else", attempts=2), [an_event()])

    assert kept == a_message(0)
    assert await store.messages_of("task_1") == [a_message(0)]
    assert len(await store.session_events("session_1")) == 1


@pytest.mark.usefixtures("task")
async def test_a_turn_said_at_once_from_two_sides_has_one_text(store: Store) -> None:
    said = await asyncio.gather(*(store.add_turn(a_message(0, text=f"version {n}"), [an_event()]) for n in range(4)))

    assert len(set(said)) == 1
    assert await store.messages_of("task_1") == [said[0]]
    assert len(await store.session_events("session_1")) == 1


async def test_changing_an_unknown_task_says_so(store: Store) -> None:
    with pytest.raises(TaskNotFound):
        await store.start_task("task_0", NOON, [])
    with pytest.raises(TaskNotFound):
        await store.add_turn(a_message(task_id="task_0"), [])
    with pytest.raises(TaskNotFound):
        await store.finish_task("task_0", TaskStatus.FAILED, NOON, None, None, [])


@pytest.mark.usefixtures("task")
async def test_a_finished_task_keeps_its_first_end(store: Store) -> None:
    first = await store.finish_task("task_1", TaskStatus.COMPLETED, later(9), "Done.", None, [an_event()])
    error = {"code": "cancelled", "message": "too late"}
    second = await store.finish_task("task_1", TaskStatus.CANCELLED, later(10), None, error, [an_event()])

    assert (first, second) == (True, False)
    assert await store.task("task_1") == replace(
        a_task(), status=TaskStatus.COMPLETED, ended_at=later(9), answer="Done."
    )
    assert await store.unfinished_tasks() == []
    assert len(await store.session_events("session_1")) == 1


@pytest.mark.usefixtures("task")
async def test_a_failed_task_keeps_its_error(store: Store) -> None:
    error = {"code": "model_missing", "message": "…", "details": {"model": "x"}}
    await store.finish_task("task_1", TaskStatus.FAILED, later(9), None, error, [])

    stored = await store.task("task_1")
    assert stored is not None
    assert (stored.answer, stored.error) == (None, error)


@pytest.mark.usefixtures("task")
async def test_a_finished_task_cannot_be_started(store: Store) -> None:
    await store.finish_task("task_1", TaskStatus.CANCELLED, later(9), None, None, [])
    await store.start_task("task_1", later(10), [an_event()])

    stored = await store.task("task_1")
    assert stored is not None
    assert stored.status is TaskStatus.CANCELLED
