"""The HTTP face, through a real server."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from delegator import errors
from delegator import schemas as s
from delegator.settings import Settings
from serve_app.http import build_app
from serve_app.incoming import MAX_BODY_BYTES
from serve_app.operations import Operation, on_face
from tests.serve_app.samples import REPLIES, SESSION, TASK, CannedBackend, example_request

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def http(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def code(answer: httpx.Response) -> str:
    """Return the code of an error, which must have the one shape of errors."""
    assert answer.headers["content-type"] == "application/json"
    return s.ErrorReply.model_validate_json(answer.content).error.code


def send_example(http: httpx.Client, operation: Operation) -> httpx.Response:
    values = dict(operation.example)
    path = operation.path
    for name in operation.path_fields:
        path = path.replace(f"{{{name}}}", str(values.pop(name)))
    if operation.method == "POST":
        return http.post(path, json=values)
    words = {name: ",".join(value) if isinstance(value, list) else value for name, value in values.items()}
    return http.request(str(operation.method), path, params=words)


@pytest.mark.parametrize("operation", on_face("http"), ids=lambda operation: operation.name)
def test_every_operation_is_reached_with_the_request_that_was_meant(
    http: httpx.Client, backend: CannedBackend, operation: Operation
):
    answer = send_example(http, operation)

    assert answer.status_code == 200
    assert backend.asked == [(operation.name, example_request(operation))]
    assert answer.json() == json.loads(REPLIES[operation.name].model_dump_json(by_alias=True))


POST_SESSIONS = "/v1/sessions"


@pytest.mark.parametrize(
    ("body", "status", "wrong", "field"),
    [
        (b"", 422, "invalid_input", "task_description"),
        (b"{", 422, "invalid_input", "body"),
        (b"nonsense", 422, "invalid_input", "body"),
        (b"[]", 422, "invalid_input", "body"),
        (b'"text"', 422, "invalid_input", "body"),
        (b"null", 422, "invalid_input", "body"),
        (b"\xff\xfe\x00", 422, "invalid_input", "body"),
        (b"[" * 100_000, 422, "invalid_input", "body"),
        (b'{"a":' * 40_000, 422, "invalid_input", "body"),
        (b'{"task_description": "x", "wait_s": NaN}', 422, "invalid_input", "body"),
        (b'{"task_description": "x", "wait_s": 1e999}', 422, "invalid_input", "wait_s"),
        (b'{"task_description": "x", "wait_s": ' + b"9" * 5_000 + b"}", 422, "invalid_input", "body"),
        (b'{"task_description": ""}', 422, "invalid_input", "task_description"),
        (b'{"task_description": "   "}', 422, "invalid_input", "task_description"),
        (b'{"task_description": null}', 422, "invalid_input", "task_description"),
        (b'{"task_description": 5}', 422, "invalid_input", "task_description"),
        (b'{"task_description": {"x": 1}}', 422, "invalid_input", "task_description"),
        (b'{"task_description": "a\\u0000b"}', 422, "invalid_input", "task_description"),
        (b'{"task_description": "\\ud800"}', 422, "invalid_input", "task_description"),
        (b'{"task_description": "' + b"x" * 20_001 + b'"}', 422, "invalid_input", "task_description"),
        (b'{"task_description": "x", "context": []}', 422, "invalid_input", "context"),
        (b'{"task_description": "x", "context": {"k": "' + b"x" * 70_000 + b'"}}', 422, "invalid_input", "context"),
        (b'{"task_description": "x", "task_category": "nope"}', 422, "invalid_input", "task_category"),
        (b'{"task_description": "x", "surprise": 1}', 422, "invalid_input", "surprise"),
        (b'{"task_description": "' + b"x" * 1_000_000 + b'"}', 413, "payload_too_large", None),
    ],
    ids=lambda value: repr(value)[:40] if isinstance(value, bytes) else None,
)
def test_bad_bodies_are_told_what_is_wrong(
    http: httpx.Client, backend: CannedBackend, body: bytes, status: int, wrong: str, field: str | None
):
    answer = http.post(POST_SESSIONS, content=body, headers=JSON)

    assert (answer.status_code, code(answer)) == (status, wrong)
    if field is not None:
        assert answer.json()["error"]["details"]["field"] == field
    assert backend.asked == []


@pytest.mark.parametrize(
    ("method", "path", "status", "wrong"),
    [
        ("GET", "/v1/nope", 404, "not_found"),
        ("GET", "/v2/sessions", 404, "not_found"),
        ("GET", "/v1/sessions/a/b", 404, "not_found"),
        ("GET", "/v1/sessions/..%2F..%2Fetc", 404, "not_found"),
        ("GET", "/v1/sessions/" + "x" * 101, 422, "invalid_input"),
        ("GET", "/v1/sessions/%00", 422, "invalid_input"),
        ("GET", "/v1/sessions/%C3%A9", 422, "invalid_input"),
        ("GET", "/v1/sessions/a%20b", 422, "invalid_input"),
        ("PUT", "/v1/sessions", 405, "method_not_allowed"),
        ("PATCH", "/v1/sessions/x", 405, "method_not_allowed"),
        ("DELETE", "/v1/analyze", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
        ("GET", "/v1/history?page=0", 422, "invalid_input"),
        ("GET", "/v1/history?page=x", 422, "invalid_input"),
        ("GET", "/v1/history?page=1&page=2", 422, "invalid_input"),
        ("GET", "/v1/history?date=2026-02-30", 422, "invalid_input"),
        ("GET", "/v1/history?date=", 422, "invalid_input"),
        ("GET", "/v1/history?day=2026-02-03", 422, "invalid_input"),
        ("GET", "/v1/roles?x=1", 422, "invalid_input"),
        ("GET", "/v1/events?after=-1", 422, "invalid_input"),
        ("GET", "/v1/events?after=99999999999999999999999", 422, "invalid_input"),
        ("GET", "/v1/events?limit=100000", 422, "invalid_input"),
        ("GET", f"/v1/tasks/{TASK}?wait_s=21", 422, "invalid_input"),
        ("GET", f"/v1/tasks/{TASK}?wait_s=nan", 422, "invalid_input"),
        ("GET", "/v1/history?date=2026-02-03&from=2026-02-03", 422, "invalid_input"),
        ("GET", "/v1/history?to=2026-02-03", 422, "invalid_input"),
        ("GET", "/v1/history?sort=colour", 422, "invalid_input"),
        ("GET", "/v1/history?page_size=201", 422, "invalid_input"),
        ("GET", "/v1/history?status=lost", 422, "invalid_input"),
        ("GET", "/v1/events?kinds=party", 422, "invalid_input"),
        ("GET", "/v1/statistics?from=yesterday", 422, "invalid_input"),
        ("GET", "/v1/statistics?from=2016-01-01&to=2026-02-03", 422, "invalid_input"),
    ],
)
def test_bad_paths_and_queries_are_told_what_is_wrong(
    http: httpx.Client, backend: CannedBackend, method: str, path: str, status: int, wrong: str
):
    answer = http.request(method, path)

    assert (answer.status_code, code(answer)) == (status, wrong)
    assert backend.asked == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"])
def test_a_body_of_another_type_is_refused(http: httpx.Client, kind: str):
    answer = http.post(POST_SESSIONS, content=b'{"task_description": "x"}', headers={"Content-Type": kind})

    assert (answer.status_code, code(answer)) == (415, "unsupported_media_type")


def test_a_path_field_may_be_repeated_in_the_body_but_not_contradicted(http: httpx.Client, backend: CannedBackend):
    path = f"/v1/sessions/{SESSION}/agents"

    same = http.post(path, json={"agent_role": "ceo", "session_id": SESSION})
    other = http.post(path, json={"agent_role": "ceo", "session_id": "session_other"})

    assert same.status_code == 200
    assert (other.status_code, code(other)) == (422, "invalid_input")
    assert other.json()["error"]["details"]["field"] == "session_id"
    assert len(backend.asked) == 1


def test_the_only_open_session_is_ended_as_current(http: httpx.Client, backend: CannedBackend):
    assert http.delete("/v1/sessions/current").status_code == 200
    assert backend.asked == [("end_session", s.OptionalSessionRef())]


def test_a_body_of_undeclared_length_is_refused_before_its_end(address: str):
    place = urlsplit(address)
    chunk = b"%x\r\n%s\r\n" % (65_536, b"x" * 65_536)
    head = b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as wire:
        wire.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * (MAX_BODY_BYTES // 65_536 + 1))

        answer = wire.recv(65_536)  # although the last chunk has not been sent

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"payload_too_large" in answer


def test_a_large_declared_length_is_refused_before_the_body(address: str):
    place = urlsplit(address)
    head = b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=20) as wire:
        wire.sendall(head + b"Content-Length: 999999999\r\n\r\n{")

        answer = wire.recv(65_536)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.SessionNotFound("x"), 404),
        (errors.SessionEnded("x", "completed"), 409),
        (errors.TooManySessions(10), 429),
        (errors.MemoryExceeded("m", 90.0, 64.0), 507),
        (errors.StoreUnavailable("disk full"), 503),
        (errors.DeadlineExceeded("x", 55), 504),
    ],
)
def test_an_error_of_the_backend_is_answered_with_its_code(
    http: httpx.Client, backend: CannedBackend, error: errors.DelegatorError, status: int
):
    backend.answers["get_session"] = error

    answer = http.get(f"/v1/sessions/{SESSION}")

    assert (answer.status_code, code(answer)) == (status, error.code)
    assert ("Retry-After" in answer.headers) == (status in (429, 503))


def test_a_bug_is_a_500_without_its_story(http: httpx.Client, backend: CannedBackend, caplog: pytest.LogCaptureFixture):
    backend.answers["list_roles"] = ZeroDivisionError("secret detail")

    answer = http.get("/v1/roles")

    assert (answer.status_code, code(answer)) == (500, "internal_error")
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def test_method_not_allowed_names_all_methods_of_the_path(http: httpx.Client):
    answer = http.put("/v1/sessions/x")

    assert answer.headers["allow"] == "DELETE, GET"
    assert answer.json()["error"]["details"]["allowed"] == ["DELETE", "GET"]


def test_health_is_the_process_and_readiness_the_system(http: httpx.Client, backend: CannedBackend):
    backend.down = errors.StoreUnavailable("connection refused")

    alive, ready = http.get("/healthz"), http.get("/readyz")
    backend.down = None
    ready_again = http.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, code(ready)) == (503, "store_unavailable")
    assert (ready_again.status_code, ready_again.json()) == (200, {"status": "ready"})


def test_the_index_says_where_things_are(http: httpx.Client):
    index = http.get("/").json()

    assert index["places"]["mcp"] == "/mcp"
    assert index["operations"]["create_session"] == "POST /v1/sessions"


def test_a_foreign_host_is_refused_everywhere(http: httpx.Client):
    for path in ("/", "/healthz", "/v1/sessions", "/mcp", "/nope"):
        answer = http.get(path, headers={"Host": "evil.example"})

        assert (answer.status_code, code(answer)) == (421, "host_refused")


def described() -> dict[str, Any]:
    description: dict[str, Any] = build_app(CannedBackend(), Settings()).openapi()
    return description


def test_the_description_names_every_operation_with_models_and_errors():
    description = described()

    assert description["openapi"].startswith("3.1")
    for operation in on_face("http"):
        told = description["paths"][operation.path][str(operation.method).lower()]
        names = {parameter["name"] for parameter in told.get("parameters", [])}
        body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        fields = {field.alias or name for name, field in operation.request.model_fields.items()}

        assert told["operationId"] == operation.name
        assert names | set(body.get("properties", {})) == fields
        assert set(operation.path_fields) <= names
        assert told["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith(
            operation.reply.__name__
        )
        assert {"422", "500", "503", "504"} <= set(told["responses"])


def test_every_reference_and_error_example_of_the_description_holds():
    description = described()
    schemas = description["components"]["schemas"]

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    assert {reference.removeprefix("#/components/schemas/") for reference in references(description)} <= set(schemas)
    for path in description["paths"].values():
        for told in path.values():
            for status, answer in told["responses"].items():
                example = answer.get("content", {}).get("application/json", {}).get("example")
                if not status.startswith("2") and example is not None:
                    s.ErrorReply.model_validate(example)
