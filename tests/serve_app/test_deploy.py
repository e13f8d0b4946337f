"""The application in a real Ray Serve replica, over a stand-in of the SessionManager."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client as McpClient

from actors.cluster import NAMESPACE, SESSION_MANAGER
from delegator import errors
from delegator import schemas as s
from delegator.settings import Settings
from serve_app.client import AsyncClient, Client
from tests.serve_app.samples import SESSION
from tests.serve_app.stand_in import StandIn

pytestmark = [pytest.mark.ray]

WAIT_S = 60.0
STREAMS = 20
"""Standing MCP streams: four times what Serve takes by default."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stand_in")
    for name in ("begun", "go"):
        os.mkfifo(made / name)
    return made


@pytest.fixture(scope="module")
def deployed(folder: Path) -> Iterator[str]:
    """Run Ray, the stand-in and the deployed application; give its address."""
    import ray
    from ray import serve

    from serve_app.deploy import application

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options: dict[str, Any] = {"name": SESSION_MANAGER, "namespace": NAMESPACE, "num_cpus": 0}
    manager: Any = ray.remote(StandIn).options(**options).remote(str(folder))
    ray.get(manager.ping.remote(), timeout=WAIT_S)
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    serve.run(application(Settings(port=port)), name="delegator", route_prefix="/")
    yield f"http://127.0.0.1:{port}"
    serve.shutdown()
    ray.shutdown()


def test_the_replica_answers_on_every_face(deployed: str):
    with Client(deployed) as client:
        assert client.ready()
        assert client.list_active_sessions(s.NoInput()).total_sessions == 1
        assert client.list_roles(s.NoInput()).catalogue == "echo"


def test_errors_keep_their_class_over_actor_replica_and_wire(deployed: str):
    with Client(deployed) as client, pytest.raises(errors.SessionNotFound) as caught:
        client.get_session(s.SessionRef(session_id="session_x"))

    assert caught.value.args == ("session_x",)


def test_a_bug_in_the_actor_is_an_incident(deployed: str):
    with httpx.Client(base_url=deployed, trust_env=False) as http:
        answer = http.get(f"/v1/sessions/{SESSION}/receipt")

    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret detail" not in answer.text


@pytest.mark.parametrize("wire", ["legacy", "2026-07-28"])
async def test_mcp_works_through_serve(deployed: str, wire: Any):
    async with McpClient(f"{deployed}/mcp", mode=wire) as client:
        tools = (await client.list_tools()).tools
        result = await client.call_tool("list_active_sessions", {})

    assert tools
    assert result.structured_content is not None
    assert result.structured_content["total_sessions"] == 1


async def test_standing_streams_leave_room_for_others(deployed: str):
    headers = {"Accept": "text/event-stream"}
    async with httpx.AsyncClient(base_url=deployed, trust_env=False, timeout=WAIT_S) as http:
        requests = [http.build_request("GET", "/mcp", headers=headers) for _ in range(STREAMS)]
        streams = await asyncio.gather(*(http.send(request, stream=True) for request in requests))
        healthy = await http.get("/healthz")
        for stream in streams:
            await stream.aclose()

    assert [stream.status_code for stream in streams] == [200] * STREAMS
    assert healthy.status_code == 200


async def test_a_change_is_finished_although_its_client_has_gone(deployed: str, folder: Path):
    async with AsyncClient(deployed) as client:
        creating = asyncio.create_task(client.create_session(s.CreateSessionRequest(task_description="Fix typo")))
        await asyncio.to_thread((folder / "begun").read_text)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating
    async with AsyncClient(deployed) as client:
        for _ in range(5):  # time enough for a cancellation to travel, had there been one
            await client.list_active_sessions(s.NoInput())
        await asyncio.to_thread((folder / "go").write_text, "go")
        async with asyncio.timeout(WAIT_S):
            while not (folder / "created").exists():
                await client.list_active_sessions(s.NoInput())
