"""What use teaches is recorded with the change that teaches it: roles by hand, feedback, and roles nobody heard."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from delegator.errors import SessionNotFound, UnknownRole
from delegator.schemas import (
    AddAgentRequest,
    EventKind,
    GiveFeedbackReply,
    GiveFeedbackRequest,
    OptionalSessionRef,
    TaskStatus,
    TaskType,
)
from delegator.store.records import LessonRecord
from delegator.store.store import Store
from tests.actors.manager_on_fakes import ManagerOnFakes

TASK = "Add user authentication feature"
LONG = (
    "Rotating secrets weekly protects stolen laptops because revoked tokens expire before anybody replays them twice "
)


@pytest.fixture
def manager(store: Store) -> ManagerOnFakes:
    return ManagerOnFakes(database=store)


def told(lesson: LessonRecord) -> dict[str, Any]:
    return {name: value for name, value in lesson.lesson.items() if name not in ("task_type", "team", "task_id")}


async def worked(manager: ManagerOnFakes, session: Any, text: str = "Do it") -> Any:
    running = await manager._tasks.delegate(session, text)
    await manager._tasks.wait(running.record.task_id, 20)
    assert running.record.status is TaskStatus.COMPLETED
    return running.record


# ── roles by hand ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_that_a_caller_takes_in_or_dismisses_is_a_lesson(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)
    recommended = session.record.analysis["recommended_agents"]
    await manager.add_agent_to_session(AddAgentRequest(session_id=session.session_id, agent_role="chro"))
    await manager.remove(session, recommended[0])

    found = await store.lessons()

    assert [(one.kind, one.session_id, one.text) for one in found] == [
        ("role_added", session.session_id, TASK),
        ("role_removed", session.session_id, TASK),
    ]
    assert [told(one) for one in found] == [{"role": "chro"}, {"role": recommended[0], "had_worked": False}]
    for one in found:
        assert one.lesson["task_type"] == session.record.task_type.value
        assert one.lesson["team"] == recommended


async def test_who_is_dismissed_when_the_team_has_worked_may_have_done_his_part(
    manager: ManagerOnFakes, store: Store
) -> None:
    session = await manager.created(TASK)
    await worked(manager, session)
    await manager.remove(session, session.team[-1])

    assert [one.lesson["had_worked"] for one in await store.lessons()] == [True]


async def test_the_end_of_a_session_teaches_nothing(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)
    await manager.end_session(OptionalSessionRef(session_id=session.session_id))

    assert await store.lessons() == []


async def test_a_change_that_is_refused_teaches_nothing(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)
    with pytest.raises(UnknownRole):
        await manager.add_agent_to_session(AddAgentRequest(session_id=session.session_id, agent_role="cfo"))

    assert await store.lessons() == []


# ── feedback ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("ended", [False, True])
async def test_feedback_is_taken_for_open_and_ended_sessions(
    manager: ManagerOnFakes, store: Store, ended: bool
) -> None:
    session = await manager.created(TASK)
    if ended:
        await manager.end_session(OptionalSessionRef(session_id=session.session_id))
    said: dict[str, Any] = {
        "rating": 2,
        "right_type": "operations",
        "missing_roles": ["cto"],
        "needless_roles": ["test_lead"],
        "comment": "It was an outage.",
    }

    reply = await manager.give_feedback(GiveFeedbackRequest(session_id=session.session_id, **said))

    assert reply == GiveFeedbackReply(
        session_id=session.session_id, task_type=session.record.task_type, teaches=True, lessons=1, **said
    )
    (lesson,) = await store.lessons()
    assert (lesson.kind, lesson.text, told(lesson)) == ("feedback", TASK, said)
    (event,) = await store.session_events(session.session_id, [EventKind.FEEDBACK_GIVEN])
    assert event.data == {"lesson": str(lesson.uid), **said}


async def test_a_rating_alone_is_recorded_and_told_to_teach_nothing(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)

    reply = await manager.give_feedback(GiveFeedbackRequest(session_id=session.session_id, rating=5))

    assert (reply.rating, reply.teaches, reply.lessons) == (5, False, 1)


async def test_feedback_about_unknown_roles_or_sessions_is_refused(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)

    for field in ("missing_roles", "needless_roles"):
        with pytest.raises(UnknownRole):
            await manager.give_feedback(
                GiveFeedbackRequest.model_validate({"session_id": session.session_id, field: ["cto", "cfo"]})
            )
    with pytest.raises(SessionNotFound):
        await manager.give_feedback(GiveFeedbackRequest(session_id="session_x", rating=1))
    assert await store.lessons() == []


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({}, "nothing is said"),
        ({"comment": "  "}, "nothing is said"),
        ({"missing_roles": ["cto"], "needless_roles": ["ceo", "cto"]}, "cto is said to be missing and needless"),
        ({"rating": 6}, "less than or equal to 5"),
        ({"rating": 0}, "greater than or equal to 1"),
        ({"rating": True}, "must be a number"),
        ({"right_type": "cooking"}, "Input should be"),
    ],
)
def test_feedback_that_says_nothing_or_two_things_at_once_is_refused(said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        GiveFeedbackRequest.model_validate({"session_id": "s", **said})


def test_feedback_is_said_in_words_of_a_command_line_too() -> None:
    request = GiveFeedbackRequest.model_validate({"session_id": "s", "missing_roles": "cto, ceo, cto"})

    assert request.missing_roles == ("cto", "ceo")
    assert request.right_type is None
    assert GiveFeedbackRequest(session_id="s", right_type=TaskType.HR).right_type is TaskType.HR


# ── roles that nobody heard ───────────────────────────────────────────────────────────────────────────────────────


def speaking_in_vain(manager: ManagerOnFakes, role: str) -> None:
    """Let one role say much of which nothing stands in the answer; everybody else says what the answer says."""
    manager.pool.speeches = {role: LONG * 2}


async def test_a_role_whose_words_never_reached_the_answer_is_recorded(store: Store) -> None:
    manager = ManagerOnFakes(database=store, models="ollama")
    session = await manager.created(TASK)
    role = session.team[1]
    speaking_in_vain(manager, role)

    record = await worked(manager, session, "Do it otherwise")

    (lesson,) = await store.lessons()
    assert (lesson.kind, lesson.text) == ("role_unheard", "Do it otherwise")
    assert told(lesson) == {"role": role, "share": 0.0}
    assert lesson.lesson["task_id"] == record.task_id
    (event,) = await store.session_events(session.session_id, [EventKind.ROLE_UNHEARD])
    assert (event.role, event.data["task_id"], event.data["share"]) == (role, record.task_id, 0.0)
    assert event.data["words"] >= 20


async def test_who_is_heard_or_says_little_or_concludes_is_not_recorded(store: Store) -> None:
    manager = ManagerOnFakes(database=store, models="ollama")
    session = await manager.created(TASK)
    leader, heard, brief = session.team[:3]
    manager.pool.speeches = {leader: LONG * 2, heard: LONG * 2, brief: "Nothing from me besides coffee"}

    await worked(manager, session)

    assert await store.lessons() == []


async def test_simulated_models_say_nothing_about_who_is_needed(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)
    speaking_in_vain(manager, session.team[1])

    await worked(manager, session)

    assert await store.lessons() == []


async def test_what_earlier_answers_gave_counts_for_nobody(store: Store) -> None:
    manager = ManagerOnFakes(database=store, models="ollama")
    session = await manager.created(TASK)
    speaker = session.team[1]
    manager.pool.speeches = dict.fromkeys(session.team, LONG * 2)
    await worked(manager, session)

    speaking_in_vain(manager, speaker)
    await worked(manager, session)

    assert await store.lessons() == []


async def test_many_feedbacks_at_once_are_all_recorded(manager: ManagerOnFakes, store: Store) -> None:
    session = await manager.created(TASK)
    request = GiveFeedbackRequest(session_id=session.session_id, rating=3)

    replies = await asyncio.gather(*(manager.give_feedback(request) for _ in range(6)))

    assert await store.count_lessons() == 6
    assert all(1 <= reply.lessons <= 6 for reply in replies)
