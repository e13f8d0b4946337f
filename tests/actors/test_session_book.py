"""What happens between the awaits of the `SessionManager`: its real parts, held up at chosen calls."""

from __future__ import annotations

import asyncio

import pytest
from ray.exceptions import RayActorError

from actors import task_runner
from delegator.errors import AgentBusy, AgentNotActive, DeadlineExceeded, SessionEnded, StoreUnavailable, Unavailable
from delegator.schemas import EventKind, OptionalSessionRef, SessionStatus, TaskStatus
from tests.actors.conftest import until
from tests.actors.manager_on_fakes import ManagerOnFakes

FEATURE = "Add user authentication feature"


@pytest.fixture
async def manager() -> ManagerOnFakes:
    return ManagerOnFakes()


# ── ending ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_session_ended_while_it_starts_is_completed_and_not_failed(manager: ManagerOnFakes) -> None:
    manager.gates.shut("warm")
    session = await manager.created(FEATURE, wait_s=0)

    reply = await manager.end(session)

    assert reply.receipt.final
    assert manager.ends() == [(SessionStatus.COMPLETED, "ended by the caller")]
    assert (manager.open_sessions, manager.pool.leased) == (0, set())


async def test_who_waits_for_a_session_that_is_ended_meanwhile_is_told_so(manager: ManagerOnFakes) -> None:
    manager.gates.shut("warm")
    creating = asyncio.create_task(manager.created(FEATURE, wait_s=20))
    await manager.gates.reached["warm"].wait()
    await until(lambda: manager.pool.leased)

    await manager.end_session(OptionalSessionRef())

    with pytest.raises(SessionEnded):
        await creating


async def test_of_two_ends_one_answers_and_the_other_is_told(manager: ManagerOnFakes) -> None:
    session = await manager.created()

    first, second = await asyncio.gather(manager.end(session), manager.end(session), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in (first, second)) == ["EndSessionReply", "SessionEnded"]
    assert len(manager.ends()) == 1


async def test_no_task_begins_once_the_end_has_begun(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    manager.gates.shut("speak")
    await manager.delegate(session)
    await manager.gates.reached["speak"].wait()
    manager.gates.shut("finish_task")
    ending = manager.end(session)
    await manager.gates.reached["finish_task"].wait()

    with pytest.raises(SessionEnded):
        await manager.delegate(session)

    manager.gates.open("finish_task")
    await ending


async def test_an_end_that_the_store_cut_short_is_finished_by_the_next_sweep(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    manager.store.down = True
    with pytest.raises(StoreUnavailable):
        await manager.end(session)
    with pytest.raises(SessionEnded):
        await manager.delegate(session)

    manager.store.down = False
    swept = await manager.sweep()

    assert swept.sessions_closed == [session.session_id]
    assert manager.ends() == [(SessionStatus.COMPLETED, "ended by the caller")]
    assert manager.open_sessions == 0


async def test_a_team_that_is_there_already_is_ready_with_its_row(manager: ManagerOnFakes) -> None:
    session = await manager.created()

    ((record, _, events),) = manager.store.args_of("create_session")
    assert (record.status, record.session_id) == (SessionStatus.ACTIVE, session.session_id)
    assert record.started_at is not None
    assert EventKind.SESSION_READY in {event.kind for event in events}
    assert manager.store.args_of("mark_session_ready") == []


async def test_a_session_that_failed_while_the_store_was_away_is_closed_later(manager: ManagerOnFakes) -> None:
    manager.gates.shut("warm")
    manager.gates.shut("mark_session_ready")
    session = await manager.created(wait_s=0)
    manager.gates.open("warm")
    await manager.gates.reached["mark_session_ready"].wait()
    manager.store.down = True
    manager.gates.open("mark_session_ready")
    await until(lambda: manager.open_sessions == 0)
    assert (manager.ends(), manager.pool.leased) == ([], set())
    with pytest.raises(SessionEnded):
        await manager.end(session)

    manager.store.down = False
    await manager.sweep()

    ((status, reason),) = manager.ends()
    assert status is SessionStatus.FAILED
    assert "the database does not answer" in reason


async def test_cancelling_does_not_wait_without_end_for_the_store(
    manager: ManagerOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_runner, "CANCEL_S", 0.05)
    session = await manager.created()
    manager.gates.shut("speak")
    running = await manager.delegate(session)
    await manager.gates.reached["speak"].wait()
    manager.store.down = True

    with pytest.raises(DeadlineExceeded):
        await manager._tasks.cancel(running.record.task_id, "because")

    manager.store.down = False
    await asyncio.wait_for(running.ended.wait(), 5)
    assert running.record.status is TaskStatus.CANCELLED


# ── changing the team ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_dismissed_while_its_process_starts_leaves_no_agent(manager: ManagerOnFakes) -> None:
    manager.gates.shut("lease test_lead")
    session = await manager.created(FEATURE, wait_s=0)
    await manager.gates.reached["lease test_lead"].wait()

    await manager.remove(session, "test_lead")
    manager.gates.open("lease test_lead")
    await until(lambda: session.opening is None)

    assert manager.pool.leased == set(session.team)


async def test_a_role_is_not_dismissed_while_a_task_for_it_is_being_taken(manager: ManagerOnFakes) -> None:
    session = await manager.created(FEATURE)
    manager.gates.shut("create_task")
    taking = manager.delegate(session)
    await manager.gates.reached["create_task"].wait()

    removing = manager.remove(session, "test_lead")
    await asyncio.sleep(0.01)
    manager.gates.shut("speak")
    manager.gates.open("create_task")

    with pytest.raises(AgentBusy):
        await removing
    manager.gates.open("speak")
    await (await taking).ended.wait()


async def test_a_task_is_planned_for_the_team_as_it_is_when_it_is_taken(manager: ManagerOnFakes) -> None:
    session = await manager.created(FEATURE)
    manager.gates.shut("end_agent")
    removing = manager.remove(session, "test_lead")
    await manager.gates.reached["end_agent"].wait()

    taking = manager.delegate(session)
    message = asyncio.create_task(manager._tasks.message(session, "user", "test_lead", "Hello"))
    await asyncio.sleep(0.01)
    manager.gates.open("end_agent")
    await removing

    running = await taking
    assert "test_lead" not in {turn.role for turn in running.record.turns}
    with pytest.raises(AgentNotActive):
        await message
    await running.ended.wait()
    assert running.record.status is TaskStatus.COMPLETED


# ── turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_slot_that_cannot_be_given_back_does_not_undo_what_was_said(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    manager.host.release_error = Unavailable("the host does not come back")

    running = await manager.delegate(session)
    await running.ended.wait()

    assert (running.record.status, running.record.answer) == (TaskStatus.COMPLETED, "said")


async def test_an_agent_that_did_not_answer_after_a_restart_is_leased_for_its_turn(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    manager.pool.leases.clear()

    running = await manager.delegate(session)
    await running.ended.wait()

    assert running.record.status is TaskStatus.COMPLETED
    assert manager.pool.leased == {"senior_developer"}


async def test_a_turn_whose_agent_is_lost_is_taken_again_by_the_revived_one(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    manager.pool.lost.append(RayActorError())

    running = await manager.delegate(session)
    await running.ended.wait()

    assert (running.record.status, manager.pool.revived) == (TaskStatus.COMPLETED, ["senior_developer"])
    assert manager.host.slots == set()
