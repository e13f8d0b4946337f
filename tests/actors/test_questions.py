"""Sessions that ask before they start: on a real database, with stand-ins for the reading, the hosts and the agents."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from actors.parts import OpenSession
from delegator import schemas as s
from delegator.analysis.understanding import Reading
from delegator.errors import (
    InvalidInput,
    MemoryExceeded,
    OllamaUnavailable,
    QuestionNotAsked,
    SessionEnded,
    SessionNotFound,
    SessionWaitsForAnswer,
    StoreUnavailable,
    TooManySessions,
    UnknownRole,
)
from delegator.schemas import EventKind, SessionStatus, TaskType
from delegator.store.store import Store
from tests.actors.conftest import until
from tests.actors.manager_on_fakes import ManagerOnFakes

TASK = "Make the login better"
FIX, FEATURE = TaskType.BUG_FIX, TaskType.FEATURE_DEVELOPMENT


class InTwoMinds:
    """Reads every text as a bug fix, or rather as a feature."""

    def read(self, _text: str) -> Reading:
        return Reading(
            chances={FIX: 0.5, FEATURE: 0.4, TaskType.GENERAL: 0.1},
            own={"senior_developer": 0.9, "test_lead": 0.4, "product_manager": 0.3},
            possible=(FIX, FEATURE),
        )


Restart = Callable[[], ManagerOnFakes]


@pytest.fixture
def restart(store: Store) -> Restart:
    """Return a new life of the manager on the same store."""
    return lambda: ManagerOnFakes(database=store, understanding=InTwoMinds())


@pytest.fixture
def manager(restart: Restart) -> ManagerOnFakes:
    return restart()


async def asked(manager: ManagerOnFakes, **wishes: object) -> s.CreateSessionReply:
    request = s.CreateSessionRequest.model_validate({"task_description": TASK, "ask": True, **wishes})
    return await manager.create_session(request)


async def answered(
    manager: ManagerOnFakes, session_id: str, answer: str = "yes", wait_s: float = 5
) -> s.CreateSessionReply:
    return await manager.answer_question(s.AnswerQuestionRequest(session_id=session_id, answer=answer, wait_s=wait_s))


def the_open(manager: ManagerOnFakes) -> OpenSession:
    (session,) = manager._book.sessions()
    return session


async def kinds(store: Store, session_id: str) -> list[EventKind]:
    return [event.kind for event in await store.session_events(session_id)]


async def long_ago(manager: ManagerOnFakes) -> None:
    """Let nobody have called for longer than the settings allow."""
    session = the_open(manager)
    past = session.record.last_activity_at - timedelta(days=1)
    session.record = replace(session.record, last_activity_at=past)


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_unsure_analysis_is_asked_about_and_nothing_is_started(manager: ManagerOnFakes, store: Store) -> None:
    reply = await asked(manager)

    assert (reply.status, reply.session_status) == ("needs_input", SessionStatus.STARTING)
    assert (reply.active_agents, reply.models) == ([], {})
    assert reply.question is not None
    assert reply.question.question == "Is this a bug fix, or rather feature development?"
    assert [(option.answer, option.probability) for option in reply.question.options] == [(FIX, 0.5), (FEATURE, 0.4)]
    assert "test_lead" in reply.question.options[1].recommended_agents
    assert any("answer_question" in note for note in reply.notes)
    assert await kinds(store, reply.session_id) == [EventKind.SESSION_ASKED]
    assert await store.open_agents() == []
    assert (manager.pool.leased, manager.host.wishes, manager.host.released) == (set(), [], [])


async def test_a_session_that_asks_is_shown_as_waiting_everywhere(manager: ManagerOnFakes) -> None:
    reply = await asked(manager)

    view = await manager.get_session(s.SessionRef(session_id=reply.session_id))
    (line,) = (await manager.list_active_sessions(s.NoInput())).sessions

    assert view.question == reply.question
    assert (view.status, view.models, view.active_agents) == (SessionStatus.STARTING, {}, [])
    assert line.question == "Is this a bug fix, or rather feature development?"


async def test_without_ask_the_best_reading_goes_ahead(manager: ManagerOnFakes) -> None:
    reply = await asked(manager, ask=False)

    assert (reply.status, reply.question, reply.task_type) == ("ready", None, FIX)


async def test_a_caller_who_has_said_what_it_is_is_not_asked(manager: ManagerOnFakes) -> None:
    reply = await asked(manager, task_type="testing")

    assert (reply.status, reply.task_type) == ("ready", TaskType.TESTING)


async def test_a_plan_has_been_decided_and_is_not_asked_about(manager: ManagerOnFakes) -> None:
    plan = await manager.plan_session(s.PlanSessionRequest(task_description=TASK))

    reply = await manager.create_session(s.CreateSessionRequest(plan_id=plan.plan_id, ask=True))

    assert (reply.status, reply.question) == ("ready", None)


async def test_wishes_that_cannot_be_kept_are_refused_before_anything_is_asked(manager: ManagerOnFakes) -> None:
    with pytest.raises(UnknownRole):
        await asked(manager, pin_roles=["astrologer"])

    assert manager.open_sessions == 0


async def test_a_session_that_waits_takes_one_of_the_places(manager: ManagerOnFakes) -> None:
    for _ in range(manager._parts.settings.max_concurrent_sessions):
        await asked(manager)

    with pytest.raises(TooManySessions):
        await asked(manager)


async def test_a_question_that_cannot_be_written_down_leaves_no_session() -> None:
    manager = ManagerOnFakes(understanding=InTwoMinds())
    manager.store.down = True

    with pytest.raises(StoreUnavailable):
        await asked(manager)

    assert manager.open_sessions == 0


# ── while it waits ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_session_that_waits_takes_no_work_and_no_roles(manager: ManagerOnFakes) -> None:
    session_id = (await asked(manager)).session_id
    calls = [
        manager.delegate_task(s.DelegateTaskRequest(session_id=session_id)),
        manager.send_message(
            s.SendMessageRequest.model_validate({"session_id": session_id, "to": "ceo", "text": "Hello"})
        ),
        manager.add_agent_to_session(s.AddAgentRequest(session_id=session_id, agent_role="ceo")),
        manager.remove_agent_from_session(s.RemoveAgentRequest(session_id=session_id, agent_role="ceo")),
    ]

    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [SessionWaitsForAnswer] * 4
    assert "Is this a bug fix" in str(outcomes[0])


async def test_the_receipt_of_a_session_that_waits_counts_nothing(manager: ManagerOnFakes) -> None:
    session_id = (await asked(manager)).session_id

    receipt = await manager.get_receipt(s.SessionRef(session_id=session_id))

    assert (receipt.agents_used, receipt.loads, receipt.turns, receipt.gb_seconds) == (0, 0, 0, 0)
    assert (receipt.duration_seconds, receipt.all_roles_gb_seconds, receipt.gb_seconds_saved) == (0, 0, 0)


async def test_a_session_that_waits_can_be_ended(manager: ManagerOnFakes, store: Store) -> None:
    session_id = (await asked(manager)).session_id

    reply = await manager.end_session(s.OptionalSessionRef())

    assert (reply.agents_terminated, reply.models_unloaded, reply.receipt.final) == ([], [], True)
    view = await manager.get_session(s.SessionRef(session_id=session_id))
    assert (view.status, view.question, view.models) == (SessionStatus.COMPLETED, None, {})
    assert await kinds(store, session_id) == [EventKind.SESSION_ASKED, EventKind.SESSION_ENDED]
    assert await store.open_sessions() == []
    with pytest.raises(SessionEnded):
        await answered(manager, session_id)


async def test_a_session_nobody_answers_is_timed_out(manager: ManagerOnFakes, store: Store) -> None:
    session_id = (await asked(manager)).session_id
    assert (await manager.sweep()).sessions_closed == []
    await long_ago(manager)

    swept = await manager.sweep()

    assert swept.sessions_closed == [session_id]
    assert await kinds(store, session_id) == [EventKind.SESSION_ASKED, EventKind.SESSION_TIMED_OUT]
    assert manager.open_sessions == 0


# ── answering ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("yes", FIX),
        ("feature_development", FEATURE),
        ("Feature Development", FEATURE),
        ("strategic-planning", TaskType.STRATEGIC_PLANNING),
    ],
)
async def test_the_answer_decides_and_the_session_opens(manager: ManagerOnFakes, answer: str, meant: TaskType) -> None:
    session_id = (await asked(manager)).session_id

    reply = await answered(manager, session_id, answer)

    assert (reply.session_id, reply.status, reply.task_type, reply.question) == (session_id, "ready", meant, None)
    assert manager.pool.leased == set(reply.active_agents) == set(reply.models) != set()


async def test_what_the_answer_made_of_a_session_is_stored_as_if_it_had_been_known(
    manager: ManagerOnFakes, store: Store
) -> None:
    before = await asked(manager)

    reply = await answered(manager, before.session_id, "feature_development")

    record = await store.session(before.session_id)
    assert record == the_open(manager).record
    assert record is not None
    assert (record.question, record.status, record.task_type) == (None, SessionStatus.ACTIVE, FEATURE)
    assert record.analysis["second_reading"] is None
    assert record.limits_complexity is reply.limits.complexity
    assert record.total_agents_spawned == len(reply.active_agents)
    assert {agent.role for agent in await store.open_agents()} == set(reply.active_agents)
    log = await kinds(store, before.session_id)
    assert log[:3] == [EventKind.SESSION_ASKED, EventKind.SESSION_ANSWERED, EventKind.SESSION_CREATED]
    assert log.count(EventKind.AGENT_SPAWNED) == len(reply.active_agents)
    assert log[-1] is EventKind.SESSION_READY


async def test_an_answered_session_takes_work(manager: ManagerOnFakes) -> None:
    session_id = (await asked(manager)).session_id
    await answered(manager, session_id)

    task = await manager.delegate_task(s.DelegateTaskRequest(session_id=session_id, wait_s=5))

    assert (task.status, task.task) == (s.TaskStatus.COMPLETED, TASK)


async def test_everything_else_the_caller_wished_is_kept(manager: ManagerOnFakes) -> None:
    context = {"priority": "critical", "deadline": "2025-12-01"}
    reply = await asked(manager, pin_roles=["ceo"], exclude_roles=["test_lead"], context=context)

    opened = await answered(manager, reply.session_id, "feature_development")

    assert "ceo" in opened.active_agents
    assert "test_lead" not in opened.active_agents
    assert the_open(manager).record.context == context
    assert opened.complexity is not s.Complexity.LOW


async def test_an_answer_that_means_nothing_names_the_options_and_the_session_still_waits(
    manager: ManagerOnFakes,
) -> None:
    session_id = (await asked(manager)).session_id

    with pytest.raises(InvalidInput) as raised:
        await answered(manager, session_id, "perhaps")

    assert "bug_fix, feature_development" in raised.value.advice
    assert (await answered(manager, session_id)).status == "ready"


async def test_who_asked_nothing_cannot_be_answered(manager: ManagerOnFakes) -> None:
    session = await manager.created(TASK)

    with pytest.raises(QuestionNotAsked):
        await answered(manager, session.session_id)
    with pytest.raises(SessionNotFound):
        await answered(manager, "session_0")


async def test_of_two_answers_one_is_taken_and_the_other_is_told(manager: ManagerOnFakes) -> None:
    session_id = (await asked(manager)).session_id

    outcomes = await asyncio.gather(
        answered(manager, session_id, "bug_fix"),
        answered(manager, session_id, "feature_development"),
        return_exceptions=True,
    )

    replies = [outcome for outcome in outcomes if isinstance(outcome, s.CreateSessionReply)]
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CreateSessionReply", "QuestionNotAsked"]
    assert the_open(manager).record.task_type is replies[0].task_type


async def test_an_answer_answers_at_the_end_of_its_wait(manager: ManagerOnFakes) -> None:
    session_id = (await asked(manager)).session_id
    manager.gates.shut("warm")

    reply = await answered(manager, session_id, wait_s=0)

    assert (reply.status, reply.session_status) == ("starting", SessionStatus.STARTING)
    manager.gates.open("warm")
    await until(lambda: the_open(manager).opening is None)
    assert the_open(manager).record.status is SessionStatus.ACTIVE


# ── what goes wrong ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_answered_session_for_which_there_is_no_room_has_failed(manager: ManagerOnFakes, store: Store) -> None:
    session_id = (await asked(manager, degradation=["refuse"])).session_id
    manager.host.capacity_bytes = 1

    with pytest.raises(MemoryExceeded):
        await answered(manager, session_id)

    record = await store.session(session_id)
    assert record is not None
    assert record.status is SessionStatus.FAILED
    assert (manager.open_sessions, manager.pool.leased) == (0, set())
    assert await kinds(store, session_id) == [EventKind.SESSION_ASKED, EventKind.SESSION_FAILED]


async def test_an_answered_session_whose_model_does_not_load_has_failed(manager: ManagerOnFakes, store: Store) -> None:
    session_id = (await asked(manager)).session_id
    manager.host.failures["warm"] = [OllamaUnavailable("http://fake", "it is off")]

    with pytest.raises(OllamaUnavailable):
        await answered(manager, session_id)

    record = await store.session(session_id)
    assert record is not None
    assert (record.status, record.question) == (SessionStatus.FAILED, None)
    assert manager.pool.leased == set()


async def test_a_caller_who_leaves_before_the_answer_is_stored_leaves_the_session_waiting(
    manager: ManagerOnFakes,
) -> None:
    session_id = (await asked(manager)).session_id
    manager.gates.shut("choose")
    answering = asyncio.create_task(answered(manager, session_id))
    await manager.gates.reached["choose"].wait()

    answering.cancel()
    await asyncio.wait([answering])

    manager.gates.open("choose")
    assert (await answered(manager, session_id)).status == "ready"


async def test_a_session_ended_while_its_answer_is_thought_about_is_completed(
    manager: ManagerOnFakes, store: Store
) -> None:
    session = (await asked(manager)).session_id
    manager.gates.shut("choose")
    answering = asyncio.create_task(answered(manager, session))
    await manager.gates.reached["choose"].wait()

    ending = manager.end(the_open(manager))
    await until(lambda: the_open(manager).ending is not None)
    manager.gates.open("choose")

    with pytest.raises(SessionEnded):
        await answering
    assert (await ending).receipt.final
    assert await kinds(store, session) == [EventKind.SESSION_ASKED, EventKind.SESSION_ENDED]
    assert manager.pool.leased == set()


# ── a restart ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def woken(manager: ManagerOnFakes) -> ManagerOnFakes:
    await manager._book.recall()
    await manager._wake_up()
    return manager


async def test_a_session_that_waits_still_waits_after_a_restart(manager: ManagerOnFakes, restart: Restart) -> None:
    reply = await asked(manager, pin_roles=["ceo"])

    later = await woken(restart())

    assert the_open(later).opening is None
    assert later.pool.leased == set()
    view = await later.get_session(s.SessionRef(session_id=reply.session_id))
    assert view.question == reply.question
    opened = await answered(later, reply.session_id, "feature_development")
    assert (opened.status, opened.task_type, "ceo" in opened.active_agents) == ("ready", FEATURE, True)


async def test_a_session_whose_answer_was_stored_is_opened_by_the_next_life(
    manager: ManagerOnFakes, restart: Restart
) -> None:
    session_id = (await asked(manager)).session_id
    manager.gates.shut("warm")
    team = (await answered(manager, session_id, "feature_development", wait_s=0)).active_agents

    later = await woken(restart())
    await until(lambda: the_open(later).opening is None)

    record = the_open(later).record
    assert (record.status, record.task_type, later.pool.leased) == (SessionStatus.ACTIVE, FEATURE, set(team))


async def test_an_answer_during_the_restart_opens_the_session_once(manager: ManagerOnFakes, restart: Restart) -> None:
    session_id = (await asked(manager)).session_id
    later = restart()
    await later._book.recall()
    later.gates.shut("choose")
    answering = asyncio.create_task(answered(later, session_id))
    await later.gates.reached["choose"].wait()

    waking = asyncio.create_task(later._book.reopen(the_open(later)))
    await asyncio.sleep(0)
    later.gates.open("choose")
    await asyncio.gather(answering, waking)

    assert answering.result().status == "ready"
    assert the_open(later).opening is None
