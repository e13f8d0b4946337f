"""The gateway over a real actor: deadlines, errors, restarts, and callers that leave."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from actors.cluster import SESSION_MANAGER
from delegator import errors
from delegator import schemas as s
from delegator.roles import load_catalogue
from delegator.settings import Settings
from serve_app import caller
from serve_app.local import LocalAnswers
from serve_app.operations import BY_NAME
from tests.serve_app.samples import REPLIES, SESSION
from tests.serve_app.stand_in import StandIn

pytestmark = [pytest.mark.ray]

WAIT_S = 60.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Run a small Ray for this module."""
    import ray

    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def manager(cluster: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start the stand-in under the name of the SessionManager, in a namespace of the test's own."""
    import ray

    namespace = tmp_path.name
    monkeypatch.setattr("serve_app.gateway.NAMESPACE", namespace)
    for name in ("begun", "go"):
        os.mkfifo(tmp_path / name)
    options = {"name": SESSION_MANAGER, "namespace": namespace, "num_cpus": 0, "max_restarts": -1}
    actor: Any = ray.remote(StandIn).options(**options).remote(str(tmp_path))
    ray.get(actor.ping.remote(), timeout=WAIT_S)
    yield actor
    ray.kill(actor)


@pytest.fixture
def gateway() -> Any:
    from serve_app.gateway import Gateway

    return Gateway(LocalAnswers(load_catalogue("echo"), Settings()))


CREATE = s.CreateSessionRequest(task_description="Fix typo")


async def kill(manager: Any) -> None:
    """Kill the actor's process as a crash would, and return once it is gone."""
    process = psutil.Process(await manager.pid.remote())
    process.kill()
    await asyncio.to_thread(process.wait, WAIT_S)


async def test_an_operation_is_the_actors_method_of_its_name(manager: Any, gateway: Any):
    assert await gateway.list_active_sessions(s.NoInput()) == REPLIES["list_active_sessions"]


async def test_a_control_and_a_change_say_who_makes_them(manager: Any, gateway: Any, tmp_path: Path):
    with caller.calling("cli: anna"):
        assert await gateway.end_session(s.OptionalSessionRef()) == REPLIES["end_session"]
    assert (tmp_path / "control").read_text() == "end_session cli: anna"

    creating = asyncio.create_task(gateway.create_session(CREATE))
    await asyncio.to_thread((tmp_path / "begun").read_text)
    await asyncio.to_thread((tmp_path / "go").write_text, "go")
    await creating
    assert (tmp_path / "change").read_text() == "create_session http"


async def test_short_forms_end_in_the_same_controls(manager: Any, gateway: Any, tmp_path: Path):
    for name, operation in (("spawn_agent", "add_agent_to_session"), ("shutdown_agent", "remove_agent_from_session")):
        short = BY_NAME[name]
        await short.run(gateway, short.request.model_validate({"role": "ceo"}))

        assert (tmp_path / "control").read_text() == f"{operation} http"


async def test_an_error_arrives_as_the_actor_raised_it(manager: Any, gateway: Any):
    with pytest.raises(errors.SessionNotFound) as caught:
        await gateway.get_session(s.SessionRef(session_id="session_x"))

    assert type(caught.value) is errors.SessionNotFound
    assert str(caught.value) == "there is no session 'session_x'"


async def test_a_bug_in_the_actor_stays_a_bug(manager: Any, gateway: Any):
    with pytest.raises(ZeroDivisionError):
        await gateway.get_receipt(s.SessionRef(session_id=SESSION))


async def test_a_call_without_an_answer_ends_at_its_deadline(
    manager: Any, gateway: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("serve_app.gateway.CALL_S", 0.2)

    with pytest.raises(errors.DeadlineExceeded):
        await gateway.get_task(s.GetTaskRequest(task_id="task_x"))


async def test_reading_goes_on_over_a_crash(manager: Any, gateway: Any):
    await gateway.list_active_sessions(s.NoInput())
    await kill(manager)

    assert await gateway.list_active_sessions(s.NoInput()) == REPLIES["list_active_sessions"]


async def test_a_change_waits_for_an_actor_that_is_restarting(manager: Any, gateway: Any, tmp_path: Path):
    await gateway.list_active_sessions(s.NoInput())
    await kill(manager)
    creating = asyncio.create_task(gateway.create_session(CREATE))
    await asyncio.to_thread((tmp_path / "begun").read_text)
    await asyncio.to_thread((tmp_path / "go").write_text, "go")

    assert await creating == REPLIES["create_session"]


async def test_a_change_during_which_the_actor_dies_is_not_repeated(manager: Any, gateway: Any, tmp_path: Path):
    pid = await manager.pid.remote()
    creating = asyncio.create_task(gateway.create_session(CREATE))
    await asyncio.to_thread((tmp_path / "begun").read_text)
    psutil.Process(pid).kill()

    with pytest.raises(errors.CallInterrupted):
        await creating

    assert not (tmp_path / "created").exists()


async def test_a_change_is_finished_although_its_caller_has_left(manager: Any, gateway: Any, tmp_path: Path):
    creating = asyncio.create_task(gateway.create_session(CREATE))
    await asyncio.to_thread((tmp_path / "begun").read_text)

    creating.cancel()
    with pytest.raises(asyncio.CancelledError):
        await creating
    await asyncio.to_thread((tmp_path / "go").write_text, "go")

    assert await gateway.list_active_sessions(s.NoInput()) == REPLIES["list_active_sessions"]
    assert (tmp_path / "created").exists()


async def test_without_the_actor_the_system_is_not_running(cluster: None, gateway: Any):
    with pytest.raises(errors.SystemNotRunning):
        await gateway.list_active_sessions(s.NoInput())
    with pytest.raises(errors.SystemNotRunning):
        await gateway.ping()


async def test_analysis_is_asked_of_the_system_which_may_have_learned(manager: Any, gateway: Any):
    task = s.AnalyzeTaskRequest(task_description="Plan Q2 roadmap and budget allocation")

    assert await gateway.analyze_task(task) == REPLIES["analyze_task"]


async def test_without_the_system_the_shipped_weights_analyze_and_roles_are_told(cluster: None, gateway: Any):
    analysis = await gateway.analyze_task(s.AnalyzeTaskRequest(task_description="Fix typo in README"))
    roles = await gateway.list_roles(s.NoInput())

    assert analysis.recommended_agents == ["senior_developer"]
    assert [role.role for role in roles.roles][:2] == ["ceo", "cto"]
    assert (len(roles.roles), roles.distinct_models) == (9, 7)
