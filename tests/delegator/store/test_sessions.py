from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest

from delegator.errors import SessionNotFound, StoreUnavailable
from delegator.schemas import EventKind, SessionStatus, TaskType
from delegator.store.records import SessionRecord
from delegator.store.store import Store
from tests.delegator.store.make import NOON, TEAM, a_session, an_agent, an_event, later, team_of


async def test_a_session_comes_back_as_it_was_stored(store: Store) -> None:
    session = a_session()
    await store.create_session(session, team_of(session), [an_event(EventKind.SESSION_CREATED)])

    assert await store.session("session_1") == session
    assert await store.open_agents() == team_of(session)
    assert [event.kind for event in await store.session_events("session_1")] == [EventKind.SESSION_CREATED]


ASKING_ID = uuid4()


def asking() -> SessionRecord:
    """Return a session that waits for an answer."""
    question = {"question": {"question": "Which?", "options": []}, "task": {"degradation": None}}
    return a_session(
        id=ASKING_ID, task_type=TaskType.BUG_FIX, active_agents=(), total_agents_spawned=0, question=question
    )


def answer_to(session_id: str) -> SessionRecord:
    """Return what the answer makes of such a session: another type, a team, and it is ready."""
    return a_session(
        session_id,
        status=SessionStatus.ACTIVE,
        started_at=later(8),
        seconds_to_ready=1.5,
        last_activity_at=later(7),
        notes=("it was asked",),
        limits_max_agents=6,
    )


async def test_an_unknown_session_is_none(store: Store) -> None:
    assert await store.session("session_0") is None


async def test_times_of_any_zone_come_back_in_utc(store: Store) -> None:
    kathmandu = datetime(2025, 11, 12, 0, 15, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    await store.create_session(a_session(created_at=kathmandu, active_agents=()), [], [])

    stored = await store.session("session_1")

    assert stored is not None
    assert stored.created_at == datetime(2025, 11, 11, 18, 30, tzinfo=UTC)
    assert stored.created_at.utcoffset() == timedelta(0)


async def test_creating_a_session_twice_stores_it_and_its_events_once(store: Store) -> None:
    session = a_session()
    for _ in range(2):
        await store.create_session(session, team_of(session), [an_event(), an_event()])

    assert await store.count_open_sessions() == 1
    assert len(await store.open_agents()) == len(TEAM)
    assert len(await store.session_events("session_1")) == 2


async def test_nothing_remains_of_a_session_whose_team_is_refused(store: Store) -> None:
    session = a_session()
    stranger = an_agent("session_2")

    with pytest.raises(StoreUnavailable, match="breaks the rule fk_delegator_agents_session_id"):
        await store.create_session(session, [*team_of(session), stranger], [an_event()])

    assert await store.session("session_1") is None
    assert await store.open_agents() == []
    assert await store.events_after(0, None, 10) == []


async def test_a_ready_session_is_active_and_knows_since_when(store: Store) -> None:
    session = a_session(active_agents=())
    await store.create_session(session, [], [])
    await store.mark_session_ready("session_1", later(8), 7.5, [an_event(EventKind.SESSION_READY)])

    assert await store.session("session_1") == replace(
        session,
        status=SessionStatus.ACTIVE,
        started_at=later(8),
        seconds_to_ready=7.5,
        last_activity_at=later(8),
        total_agents_spawned=0,
    )


async def test_marking_ready_again_or_after_the_end_changes_nothing(store: Store) -> None:
    await store.create_session(a_session(), [], [])
    await store.mark_session_ready("session_1", later(8), 7.5, [an_event()])
    await store.mark_session_ready("session_1", later(9), 8.5, [an_event()])
    await store.end_session("session_1", SessionStatus.FAILED, later(10), None, None, [])
    await store.mark_session_ready("session_1", later(11), 9.5, [an_event()])

    stored = await store.session("session_1")
    assert stored is not None
    assert (stored.status, stored.started_at, stored.seconds_to_ready) == (SessionStatus.FAILED, later(8), 7.5)
    assert len(await store.session_events("session_1")) == 1


async def test_a_question_comes_back_as_it_was_stored_and_counts_as_open(store: Store) -> None:
    session = asking()
    await store.create_session(session, [], [an_event(EventKind.SESSION_ASKED)])

    assert await store.open_sessions() == [session]


async def test_an_answer_replaces_what_was_only_guessed_with_its_team_and_events(store: Store) -> None:
    await store.create_session(asking(), [], [an_event(EventKind.SESSION_ASKED)])
    answered = answer_to("session_1")
    await store.answer_session(answered, team_of(answered), [an_event(EventKind.SESSION_ANSWERED)])

    assert await store.session("session_1") == replace(answered, id=ASKING_ID)
    assert await store.open_agents() == team_of(answered)
    assert [event.kind for event in await store.session_events("session_1")] == [
        EventKind.SESSION_ASKED,
        EventKind.SESSION_ANSWERED,
    ]


async def test_what_the_caller_said_of_the_task_is_no_answers_to_change(store: Store) -> None:
    await store.create_session(asking(), [], [])
    changed = replace(answer_to("session_1"), context={}, task_description="Another", created_at=later(99))
    await store.answer_session(changed, [], [])

    stored = await store.session("session_1")
    assert stored is not None
    asked = asking()
    assert (stored.context, stored.task_description, stored.created_at) == (
        asked.context,
        asked.task_description,
        asked.created_at,
    )


async def test_an_answer_that_comes_again_or_after_the_end_changes_nothing(store: Store) -> None:
    for session_id in ("session_1", "session_2"):
        await store.create_session(replace(asking(), id=uuid4(), session_id=session_id), [], [])
    first = answer_to("session_1")
    await store.answer_session(first, team_of(first), [an_event()])
    await store.answer_session(replace(first, task_type=TaskType.TESTING), [an_agent(role="ceo")], [an_event()])
    await store.end_session("session_2", SessionStatus.COMPLETED, later(5), "ended", None, [])
    await store.answer_session(answer_to("session_2"), [an_agent("session_2")], [an_event(session_id="session_2")])

    stored, ended = await store.session("session_1"), await store.session("session_2")
    assert stored is not None
    assert ended is not None
    assert (stored.task_type, ended.status) == (first.task_type, SessionStatus.COMPLETED)
    assert ended.question == asking().question
    assert await store.open_agents() == team_of(first)
    assert len(await store.session_events("session_1")) == 1
    assert await store.session_events("session_2") == []


async def test_nothing_of_an_answer_remains_whose_team_is_refused(store: Store) -> None:
    await store.create_session(asking(), [], [])

    with pytest.raises(StoreUnavailable, match="breaks the rule fk_delegator_agents_session_id"):
        await store.answer_session(answer_to("session_1"), [an_agent("session_0")], [an_event()])

    assert await store.open_sessions() == [asking()]
    assert await store.session_events("session_1") == []


async def test_ending_keeps_the_team_and_ends_the_stays(store: Store) -> None:
    session = a_session()
    await store.create_session(session, team_of(session), [])
    used = {"gb_seconds": 120.5, "all_roles_gb_seconds": 900.0}

    ended = await store.end_session("session_1", SessionStatus.COMPLETED, later(60), "done", used, [an_event()])

    assert ended
    assert await store.session("session_1") == replace(
        session, status=SessionStatus.COMPLETED, ended_at=later(60), end_reason="done", resources_used=used
    )
    assert await store.open_agents() == []
    assert {agent.ended_at for agent in await store.agents_of("session_1")} == {later(60)}
    assert await store.open_sessions() == []


async def test_ending_twice_leaves_the_first_end(store: Store) -> None:
    await store.create_session(a_session(), [], [])
    await store.end_session("session_1", SessionStatus.COMPLETED, later(60), "done", None, [an_event()])

    again = await store.end_session("session_1", SessionStatus.FAILED, later(90), "late", None, [an_event()])

    assert not again
    stored = await store.session("session_1")
    assert stored is not None
    assert (stored.status, stored.end_reason) == (SessionStatus.COMPLETED, "done")
    assert len(await store.session_events("session_1")) == 1


async def test_two_ends_at_once_have_one_winner(store: Store) -> None:
    await store.create_session(a_session(), [], [])

    ends = await asyncio.gather(
        *(store.end_session("session_1", SessionStatus.COMPLETED, later(n), None, None, [an_event()]) for n in range(4))
    )

    assert sorted(ends) == [False, False, False, True]
    assert len(await store.session_events("session_1")) == 1


async def test_answering_an_unknown_session_says_so(store: Store) -> None:
    with pytest.raises(SessionNotFound):
        await store.answer_session(answer_to("session_0"), [], [])


async def test_changing_an_unknown_session_says_so(store: Store) -> None:
    with pytest.raises(SessionNotFound):
        await store.mark_session_ready("session_0", NOON, 1.0, [])
    with pytest.raises(SessionNotFound):
        await store.end_session("session_0", SessionStatus.COMPLETED, NOON, None, None, [])


async def test_touching_never_moves_back_in_time(store: Store) -> None:
    await store.create_session(a_session(), [], [])
    await store.touch_session("session_1", later(30))
    await store.touch_session("session_1", later(20))
    await store.touch_session("session_0", later(20))

    stored = await store.session("session_1")
    assert stored is not None
    assert stored.last_activity_at == later(30)


async def test_open_sessions_are_the_starting_and_active_ones_newest_first(store: Store) -> None:
    for number in range(4):
        await store.create_session(a_session(f"session_{number}", created_at=later(number)), [], [])
    await store.mark_session_ready("session_1", later(5), 1.0, [])
    await store.end_session("session_2", SessionStatus.FAILED, later(6), None, None, [])

    assert [session.session_id for session in await store.open_sessions()] == ["session_3", "session_1", "session_0"]
    assert await store.count_open_sessions() == 3
