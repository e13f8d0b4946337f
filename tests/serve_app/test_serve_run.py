"""`serve run serve_app.deploy:app`: the whole system from its application builder alone, on simulated models."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors import processes
from delegator import schemas as s
from delegator.store.embedded import EmbeddedPostgres
from serve_app.client import Client
from serve_app.lifecycle.home import Home

pytestmark = [pytest.mark.ray]


@pytest.fixture(scope="module")
def system() -> Iterator[str]:
    """Do what `serve run serve_app.deploy:app models=simulated …` does, in this process; give the address."""
    import ray
    from ray import serve

    from serve_app.deploy import app

    # Not pytest's folder: as root the database runs as another user, who may not enter there.
    folder = Path(tempfile.mkdtemp(prefix="delegator-test-"))
    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    try:
        serve.start(http_options={"host": "127.0.0.1", "port": port})
        arguments = {"models": "simulated", "home": str(folder), "port": str(port), "simulator_scale": "100"}
        serve.run(app(arguments), route_prefix="/")
        yield f"http://127.0.0.1:{port}"
    finally:
        serve.shutdown()
        ray.shutdown()
        EmbeddedPostgres(Home(folder).database_dir).stop()
        processes.kill(processes.processes_in(folder))  # the simulator, which else ends with this process
        shutil.rmtree(folder, ignore_errors=True)


def test_a_team_answers(system: str):
    with Client(system) as client:
        assert client.ready()
        session = client.create_session(s.CreateSessionRequest(task_description="Fix typo in README", wait_s=20))
        task = client.delegate_task(s.DelegateTaskRequest(session_id=session.session_id))
        while not task.status.is_final:
            task = client.get_task(s.GetTaskRequest(task_id=task.task_id, wait_s=20))
        ended = client.end_session(s.OptionalSessionRef(session_id=session.session_id))

    assert session.active_agents == ["senior_developer"]
    assert task.status is s.TaskStatus.COMPLETED
    assert task.answer
    assert ended.agents_terminated == ["senior_developer"]
    assert ended.receipt.simulated
