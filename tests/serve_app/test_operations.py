"""The table of operations: complete, consistent, and worded."""

from __future__ import annotations

import inspect

import pytest

from serve_app.backend import Backend
from serve_app.calls import Call, Calls
from serve_app.operations import BY_NAME, OPERATIONS, Operation, on_face

ORIGIN = {
    "create_session",
    "analyze_task",
    "add_agent_to_session",
    "remove_agent_from_session",
    "list_active_sessions",
    "end_session",
    "start_session",
    "spawn_agent",
    "shutdown_agent",
    "session_status",
}


def backend_methods() -> set[str]:
    return {name for name, _ in inspect.getmembers(Backend, inspect.isfunction) if not name.startswith("_")}


def test_names_are_unique():
    assert len(BY_NAME) == len(OPERATIONS)


def test_every_tool_of_the_origin_is_an_mcp_tool():
    assert {operation.name for operation in on_face("mcp")} >= ORIGIN


def test_the_table_and_the_backend_name_the_same_operations():
    assert {operation.name for operation in OPERATIONS if operation.handler is None} == backend_methods()


def test_the_typed_calls_are_those_of_the_table():
    calls = {name: call for name, call in vars(Calls).items() if isinstance(call, Call)}

    assert {name: (call.request, call.reply) for name, call in calls.items()} == {
        operation.name: (operation.request, operation.reply) for operation in on_face("http")
    }


def test_no_two_operations_share_a_route():
    routes = [(operation.method, operation.path) for operation in on_face("http")]

    assert len(set(routes)) == len(routes)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_an_operation_is_fully_described(operation: Operation):
    assert operation.title
    assert operation.topic
    assert 30 <= len(operation.description) <= 500
    assert operation.description.endswith(".")
    assert (operation.method is None) == (operation.path == "") == ("http" not in operation.faces)
    assert set(operation.path_fields) <= set(operation.request.model_fields)
    for name, field in operation.request.model_fields.items():
        assert field.description, f"{operation.name}.{name} has no description"
    operation.request.model_validate(operation.example)


@pytest.mark.parametrize("operation", on_face("http"), ids=lambda operation: operation.name)
def test_what_reads_is_a_get_or_looks_at_a_body_and_what_destroys_is_marked(operation: Operation):
    if operation.method == "GET":
        assert operation.read_only
    if operation.method == "DELETE":
        assert operation.destructive
    if operation.read_only:
        assert operation.idempotent
        assert not operation.destructive
