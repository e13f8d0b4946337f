"""Several endpoints between the awaits of the `SessionManager`: where roles go, and where to when an endpoint fails."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from actors import hosts as hosts_module
from actors import reconciler
from actors.parts import OpenSession
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    HostSuspect,
    ModelLoadFailed,
    OllamaUnavailable,
    ReplyBroken,
    Unavailable,
)
from delegator.residency.planner import Resident
from delegator.schemas import EventKind, TaskStatus
from delegator.settings import GB
from delegator.store.records import NewEvent
from tests.actors.conftest import until
from tests.actors.manager_on_fakes import ManagerOnFakes

FEATURE = "Add user authentication feature"
DEVELOPER = "deepseek-coder:6.7b"
STUCK = "loading took longer than 60 s"


@pytest.fixture
async def manager() -> ManagerOnFakes:
    return ManagerOnFakes("one", "two")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.turn_attempts.RETRY_PAUSE_S", 0)


async def worked(manager: ManagerOnFakes, session: OpenSession) -> Any:
    """Return a task of the session once it has ended."""
    running = await manager.delegate(session)
    await asyncio.wait_for(running.ended.wait(), 10)
    return running.record


def moves(manager: ManagerOnFakes) -> list[tuple[str | None, str, str]]:
    """Return (role, from, to) of the moves in the record."""
    events: list[NewEvent] = [e for args in manager.store.args_of("set_agent_model") for e in args[3]]
    return [(e.role, e.data["from"], e.data["endpoint"]) for e in events if e.kind is EventKind.ROLE_MOVED]


# ── where roles go ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_goes_where_its_model_is_in_memory(manager: ManagerOnFakes) -> None:
    manager.fake_hosts["two"].residents = (Resident(DEVELOPER, 8 * GB),)

    session = await manager.created()

    assert session.endpoints == {"senior_developer": "two"}
    (agent,) = manager.store.args_of("create_session")[0][1]
    assert (agent.model, agent.endpoint) == (DEVELOPER, "two")


async def test_a_model_that_only_one_endpoint_has_is_used_there(manager: ManagerOnFakes) -> None:
    manager.fake_hosts["one"].missing = {DEVELOPER}

    session = await manager.created(FEATURE)

    assert session.endpoints["senior_developer"] == "two"
    assert session.endpoints["product_manager"] == "one"


async def test_an_endpoint_that_does_not_answer_is_not_waited_for(
    manager: ManagerOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_module, "PATIENCE_S", 0.05)
    manager.gates.shut("view one")

    session = await manager.created()

    assert session.endpoints == {"senior_developer": "two"}


async def test_a_role_that_joins_goes_where_the_session_has_its_model(manager: ManagerOnFakes) -> None:
    manager.fake_hosts["two"].residents = (Resident(DEVELOPER, 8 * GB),)
    session = await manager.created()

    await manager._teams.add(session, "test_lead", "tests")

    assert session.endpoints["test_lead"] == "two"


# ── when an endpoint fails ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("problem", "suspect"),
    [
        (DeadlineExceeded("loading", 60.0), STUCK),
        (OllamaUnavailable("http://one", "refused"), None),
        (ModelLoadFailed("http://one", DEVELOPER, "out of memory"), None),
        (Unavailable("the model host of one does not come back"), None),
    ],
)
async def test_a_turn_moves_to_the_other_endpoint(
    manager: ManagerOnFakes, problem: DelegatorError, suspect: str | None
) -> None:
    session = await manager.created()
    manager.fake_hosts["one"].failures["acquire"] = [problem]
    manager.fake_hosts["one"].suspect = suspect

    task = await worked(manager, session)

    assert task.status is TaskStatus.COMPLETED
    assert moves(manager) == [("senior_developer", "one", "two")]
    assert session.endpoints == {"senior_developer": "two"}
    assert [len(host.wishes) for host in manager.fake_hosts.values()] == [0, 1]
    assert [host.slots for host in manager.fake_hosts.values()] == [set(), set()]
    await until(lambda: manager.fake_hosts["one"].released == [(session.session_id, [DEVELOPER])])


async def test_a_broken_reply_is_asked_for_again_in_its_place_before_it_moves(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    broken = ReplyBroken("http://one", DEVELOPER, "it was cut")
    manager.pool.lost.append(broken)
    assert (await worked(manager, session)).status is TaskStatus.COMPLETED
    assert moves(manager) == []

    manager.pool.lost += [broken, broken]
    assert (await worked(manager, session)).status is TaskStatus.COMPLETED

    assert moves(manager) == [("senior_developer", "one", "two")]


async def test_a_doubted_endpoint_is_left_before_its_deadline_passes_again(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    manager.fake_hosts["one"].suspect = STUCK
    told = NewEvent(
        kind=EventKind.HOST_SUSPECT, at=session.record.created_at, data={"endpoint": "one", "reason": STUCK}
    )
    await manager.record([told])

    task = await worked(manager, session)

    assert task.status is TaskStatus.COMPLETED
    assert manager.fake_hosts["one"].wishes == []
    assert moves(manager) == [("senior_developer", "one", "two")]


async def test_all_roles_that_share_a_model_move_with_it(manager: ManagerOnFakes) -> None:
    session = await manager.created("Hire two backend engineers")
    await manager._teams.add(session, "product_manager", "the same model as the chro")
    manager.fake_hosts["one"].failures["acquire"] = [OllamaUnavailable("http://one", "refused")] * 9

    task = await worked(manager, session)

    assert task.status is TaskStatus.COMPLETED
    assert {role for role, _, _ in moves(manager)} == {"ceo", "chro", "product_manager"}
    assert len(moves(manager)) == 3
    assert set(session.endpoints.values()) == {"two"}


async def test_a_role_that_moves_keeps_the_model_it_was_given(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    session.models["senior_developer"] = "mistral:7b"
    manager.fake_hosts["one"].failures["acquire"] = [OllamaUnavailable("http://one", "refused")]

    await worked(manager, session)

    assert session.place_of("senior_developer") == ("two", "mistral:7b")


async def test_a_stuck_ollama_without_another_fails_the_task_and_says_how_to_cure_it() -> None:
    manager = ManagerOnFakes("only")
    session = await manager.created()
    manager.host.failures["acquire"] = [DeadlineExceeded("loading", 60.0)]
    manager.host.suspect = STUCK

    task = await worked(manager, session)

    assert task.status is TaskStatus.FAILED
    assert task.error["code"] == HostSuspect.code
    assert "Restart that Ollama" in task.error["hint"]
    assert "17408" in task.error["hint"]


async def test_a_load_that_failed_is_tried_once_more_after_a_look_at_what_is_loaded() -> None:
    manager = ManagerOnFakes("only")
    session = await manager.created()
    manager.host.failures["acquire"] = [ModelLoadFailed("http://only", DEVELOPER, "killed")]

    task = await worked(manager, session)

    assert (task.status, manager.host.compared) == (TaskStatus.COMPLETED, 1)

    manager.host.failures["acquire"] = [ModelLoadFailed("http://only", DEVELOPER, "killed")] * 3
    task = await worked(manager, session)

    assert task.error["code"] == ModelLoadFailed.code
    assert (manager.host.compared, len(manager.host.failures["acquire"])) == (2, 1)


async def test_a_session_opens_on_the_other_endpoint_when_the_first_model_does_not_load(
    manager: ManagerOnFakes,
) -> None:
    manager.fake_hosts["one"].failures["warm"] = [ModelLoadFailed("http://one", DEVELOPER, "killed")]

    session = await manager.created()

    assert session.record.status.is_open
    assert session.opening is None
    assert moves(manager) == [("senior_developer", "one", "two")]


async def test_a_role_whose_endpoint_was_taken_out_of_the_settings_finds_another(manager: ManagerOnFakes) -> None:
    session = await manager.created()
    session.endpoints["senior_developer"] = "gone"

    task = await worked(manager, session)

    assert task.status is TaskStatus.COMPLETED
    assert session.endpoints["senior_developer"] in manager.fake_hosts


# ── one that hangs holds nobody up ────────────────────────────────────────────────────────────────────────────────


async def test_the_end_of_a_session_releases_everywhere_and_waits_for_no_doubted_endpoint(
    manager: ManagerOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_module, "DOUBTED_RELEASE_S", 0.05)
    session = await manager.created()
    manager._parts.hosts.doubts.note("two", STUCK)
    manager.gates.shut("release_models two")

    await asyncio.wait_for(manager.end(session), 5)

    assert manager.fake_hosts["one"].released == [(session.session_id, None)]
    manager.gates.open("release_models two")
    await until(lambda: manager.fake_hosts["two"].released == [(session.session_id, None)])


async def test_a_sweep_goes_on_without_the_endpoint_that_hangs_and_does_not_begin_it_twice(
    manager: ManagerOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciler, "HOST_SWEEP_S", 0.05)
    manager.gates.shut("reconcile two")

    await asyncio.wait_for(manager.sweep(), 5)
    await asyncio.wait_for(manager.sweep(), 5)
    assert [host.compared for host in manager.fake_hosts.values()] == [2, 0]

    manager.gates.open("reconcile two")
    await manager.sweep()
    assert [host.compared for host in manager.fake_hosts.values()] == [3, 1]


async def test_the_summary_shows_an_endpoint_that_does_not_answer(
    manager: ManagerOnFakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts_module, "PATIENCE_S", 0.05)
    manager.gates.shut("view two")

    shown = {found.endpoint: found for found in (await manager._queries.resources()).endpoints}

    assert shown["one"].suspect is None
    assert shown["two"].suspect == "it does not answer"
    assert "17408" in shown["two"].advice


# ── the session's limit ───────────────────────────────────────────────────────────────────────────────────────────


def held(session: OpenSession, endpoint: str, model: str, size_bytes: int) -> NewEvent:
    return NewEvent(
        kind=EventKind.MODEL_HELD,
        at=session.record.created_at,
        session_id=session.session_id,
        model=model,
        data={"endpoint": endpoint, "bytes": size_bytes},
    )


async def test_a_turn_lets_go_of_what_its_session_holds_elsewhere_beyond_the_limit(manager: ManagerOnFakes) -> None:
    session = await manager.created(FEATURE)
    limit = session.record.limits_max_memory_bytes
    await manager.record([held(session, "two", "codellama:13b", limit - 1)])
    first = session.endpoints["product_manager"]
    assert first == "one"

    running = await manager._tasks.message(session, "user", "product_manager", "Hello")
    await asyncio.wait_for(running.ended.wait(), 10)

    assert running.record.status is TaskStatus.COMPLETED
    assert manager.fake_hosts["two"].released == [(session.session_id, ["codellama:13b"])]
    assert manager.fake_hosts["one"].wishes[-1].limit_bytes == limit


async def test_a_turn_waits_for_another_of_its_session_that_leaves_no_room_in_the_limit(
    manager: ManagerOnFakes,
) -> None:
    session = await manager.created(FEATURE)
    limit = session.record.limits_max_memory_bytes
    await manager.record([held(session, "two", "codellama:13b", limit - 1)])
    session.speaking["other"] = ("two", "codellama:13b")

    running = await manager._tasks.message(session, "user", "product_manager", "Hello")
    await until(lambda: running.waiting_for is not None)
    assert manager.fake_hosts["one"].wishes == []

    session.speaking.clear()
    session.fell_idle.set()
    await asyncio.wait_for(running.ended.wait(), 10)
    assert running.record.status is TaskStatus.COMPLETED
