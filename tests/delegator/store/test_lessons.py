from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from delegator.errors import TaskNotFound
from delegator.schemas import EventKind, TaskStatus
from delegator.store.records import LessonRecord
from delegator.store.store import Store
from delegator.store.tables import LESSON_KINDS
from tests.delegator.store.make import NOON, a_session, a_task, an_agent, an_event, later, team_of


def a_lesson(role: str = "ceo", **changes: object) -> LessonRecord:
    lesson = {"task_type": "general", "team": ["cto"], "role": role}
    return replace(LessonRecord(NOON, "role_added", "session_1", "Plan it", lesson), **changes)  # type: ignore[arg-type]


async def lessons_of(store: Store) -> list[LessonRecord]:
    return await store.lessons()


async def test_every_kind_of_lesson_is_found_again_in_the_order_it_came(store: Store) -> None:
    records = [a_lesson(kind=kind, at=later(-place)) for place, kind in enumerate(LESSON_KINDS)]

    assert await store.put_lessons(records, [an_event(EventKind.FEEDBACK_GIVEN)]) == len(LESSON_KINDS)

    assert await lessons_of(store) == records
    assert await store.count_lessons() == len(records)
    assert [event.kind for event in await store.session_events("session_1")] == [EventKind.FEEDBACK_GIVEN]


async def test_a_lesson_told_twice_is_one_lesson(store: Store) -> None:
    lesson, other = a_lesson(), a_lesson("cto")

    assert await store.put_lessons([lesson], []) == 1
    assert await store.put_lessons([lesson, other], []) == 2
    assert await store.put_lessons([], []) == 2

    assert await lessons_of(store) == [lesson, other]


async def test_the_newest_lessons_and_those_since_a_moment_are_found(store: Store) -> None:
    records = [a_lesson(at=later(second)) for second in range(5)]
    await store.put_lessons(records, [])

    assert await store.lessons(limit=2) == records[-2:]
    assert await store.lessons(since=later(3)) == records[3:]
    assert await store.lessons(since=later(1), limit=3) == records[-3:]


async def test_text_that_the_database_cannot_hold_does_not_cost_the_lesson(store: Store) -> None:
    await store.put_lessons([a_lesson(text="a\x00b", lesson={"comment": "c\x00d"})], [])

    (kept,) = await lessons_of(store)
    assert (kept.text, kept.lesson) == ("a\ufffdb", {"comment": "c\ufffdd"})


async def test_a_role_that_joins_and_leaves_is_a_lesson_with_its_change_or_not_at_all(store: Store) -> None:
    session = a_session(active_agents=("cto",))
    await store.create_session(session, team_of(session), [])
    joined, left = a_lesson(), a_lesson(kind="role_removed")

    for _ in range(2):
        await store.add_agent(an_agent(), [], active_agents=["ceo", "cto"], lessons=[joined])
    await store.add_agent(an_agent(), [], active_agents=["ceo", "cto"], lessons=[a_lesson("test_lead")])
    for _ in range(2):
        await store.end_agent("session_1", "ceo", later(1), [], active_agents=["cto"], lessons=[left])

    assert await lessons_of(store) == [joined, left]


async def test_a_tasks_lessons_come_with_its_end(store: Store) -> None:
    session = a_session()
    await store.create_session(session, team_of(session), [])
    await store.create_task(a_task(), [])
    unheard = a_lesson(kind="role_unheard")

    async def finish(task_id: str) -> bool:
        return await store.finish_task(task_id, TaskStatus.COMPLETED, later(9), "done", None, [], lessons=[unheard])

    assert await finish("task_1")
    assert not await finish("task_1")
    with pytest.raises(TaskNotFound):
        await finish("task_2")
    assert await lessons_of(store) == [unheard]


async def test_lessons_of_many_writers_are_all_there(store: Store) -> None:
    await asyncio.gather(*(store.put_lessons([a_lesson()], []) for _ in range(20)))

    assert await store.count_lessons() == 20
