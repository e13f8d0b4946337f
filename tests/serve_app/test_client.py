"""The typed client, against a real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from delegator import errors
from delegator import schemas as s
from serve_app.client import AsyncClient, Client
from serve_app.operations import Operation, on_face
from tests.serve_app.samples import REPLIES, SESSION, CannedBackend, example_request


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as client:
        yield client


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.mark.parametrize("operation", on_face("http"), ids=lambda operation: operation.name)
def test_every_operation_comes_and_goes_unchanged(client: Client, backend: CannedBackend, operation: Operation):
    request = example_request(operation)

    reply = getattr(client, operation.name)(request)

    assert backend.asked == [(operation.name, request)]
    sent = operation.reply.model_validate_json(REPLIES[operation.name].model_dump_json(by_alias=True))
    assert reply == sent


async def test_the_async_client_does_the_same(address: str, backend: CannedBackend):
    async with AsyncClient(address) as client:
        reply = await client.create_session(s.CreateSessionRequest(task_description="Fix typo", wait_s=0))

    assert reply.session_id == SESSION
    assert backend.asked == [("create_session", s.CreateSessionRequest(task_description="Fix typo", wait_s=0))]


async def test_fields_may_stand_for_the_request(client: Client, address: str, backend: CannedBackend):
    client.create_session(task_description="Fix typo", wait_s=0)
    client.list_active_sessions()
    client.send_message(**{"session_id": SESSION, "from": "ceo", "to": "cto", "text": "And now?"})
    async with AsyncClient(address) as other:
        await other.statistics(**{"from": "2025-11-01"})

    assert backend.asked == [
        ("create_session", s.CreateSessionRequest(task_description="Fix typo", wait_s=0)),
        ("list_active_sessions", s.NoInput()),
        ("send_message", s.SendMessageRequest(session_id=SESSION, from_role="ceo", to_role="cto", text="And now?")),
        ("statistics", s.StatisticsRequest(from_date=date(2025, 11, 1))),
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "task_description: is missing"),
        ({"task_description": " "}, "task_description: is empty"),
        ({"task_description": "x" * 2**20}, "task_description: is longer than 20000 characters"),
        ({"task_description": 5}, "task_description: is not text"),
        ({"task_description": "x", "prioritiy": "high"}, "prioritiy: is not known"),
    ],
)
def test_wrong_fields_are_told_as_on_every_face(client: Client, backend: CannedBackend, fields, message):
    with pytest.raises(errors.InvalidInput) as told:
        client.create_session(**fields)

    assert (told.value.code, told.value.message) == ("invalid_input", message)
    assert backend.asked == []


def test_texts_of_any_alphabet_arrive_unchanged(client: Client, backend: CannedBackend):
    text = "Schließe die Lücke, 修复 – 🚑\n\t{\"a\": 'b'} \\ %2F"

    client.analyze_task(s.AnalyzeTaskRequest(task_description=text))

    assert backend.asked == [("analyze_task", s.AnalyzeTaskRequest(task_description=text))]


def test_names_are_quoted_in_paths(client: Client, backend: CannedBackend):
    client.get_session(s.SessionRef(session_id="a?b#c%d&e=f"))

    assert backend.asked == [("get_session", s.SessionRef(session_id="a?b#c%d&e=f"))]


def test_without_an_id_the_only_open_session_is_ended(client: Client, backend: CannedBackend):
    client.end_session(s.OptionalSessionRef())

    assert backend.asked == [("end_session", s.OptionalSessionRef())]


@pytest.mark.parametrize(
    "error",
    [
        errors.AgentNotActive(SESSION, "ceo", "ceo"),
        errors.SessionAmbiguous(("session_a", "session_b")),
        errors.TooManySessions(10),
        errors.OllamaUnavailable("http://127.0.0.1:11434", "refused"),
        errors.InvalidInput("text", "is empty", ""),
    ],
    ids=lambda error: error.code,
)
def test_errors_arrive_as_they_were_raised(client: Client, backend: CannedBackend, error: errors.DelegatorError):
    backend.answers["send_message"] = error

    with pytest.raises(type(error)) as caught:
        client.send_message(s.SendMessageRequest(session_id=SESSION, to_role="ceo", text="Hello"))

    assert caught.value.args == error.args


def test_nobody_listening_means_not_running():
    with Client(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(errors.SystemNotRunning):
        client.list_roles(s.NoInput())


def test_a_slow_answer_is_given_up_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(address, answer_s=0.05) as client, pytest.raises(errors.DeadlineExceeded):
            client.list_roles(s.NoInput())


class SomethingElse(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>a router's page</html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_another_program_at_the_address_is_noticed():
    with HTTPServer(("127.0.0.1", 0), SomethingElse) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with Client(f"http://127.0.0.1:{server.server_port}") as client, pytest.raises(errors.RemoteError):
            client.list_roles(s.NoInput())
        thread.join(10)


async def test_readiness_is_asked_without_raising(address: str, backend: CannedBackend):
    nowhere = f"http://127.0.0.1:{free_port()}"
    async with AsyncClient(address) as here, AsyncClient(nowhere) as there:
        assert (await here.ready(), await here.alive()) == (True, True)
        assert (await there.ready(), await there.alive()) == (False, False)
        backend.down = errors.StoreUnavailable("gone")
        assert (await here.ready(), await here.alive()) == (False, True)
        with pytest.raises(errors.SystemNotRunning):
            await there.ping()
