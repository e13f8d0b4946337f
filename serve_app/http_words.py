"""What the HTTP description (OpenAPI) says about each operation: parameters, bodies, examples and errors."""

from __future__ import annotations

from typing import Any

from delegator import errors
from delegator.errors import DelegatorError
from delegator.schemas import ErrorReply
from serve_app import faults
from serve_app.json_schema import self_contained
from serve_app.operations import CURRENT, Operation

ABOUT = (
    "Takes a task in plain words, picks the role agents it needs, and loads only their local models.\n\n"
    "Sizes are GB (10^9 bytes), durations are seconds (of the models' world, where models are simulated), times are "
    "UTC. Every answer outside 2xx is an `ErrorReply` with a stable `code`. No call takes longer than a minute: long "
    "work is a task (`delegate_task`), asked for with `get_task`. The same operations are MCP tools at `/mcp`. Say who "
    "you are in the header `Delegator-Client`: the events that you cause carry it as `by`."
)

_EXAMPLES: tuple[DelegatorError, ...] = (
    errors.SessionNotFound("session_20251112_143022_84329"),
    errors.SessionEnded("session_20251112_143022_84329", "completed"),
    errors.RequestTooLarge(262_144),
    errors.UnsupportedMediaType("text/plain"),
    errors.InvalidInput("task_description", "is empty", ""),
    errors.TooManySessions(10),
    errors.InternalError("5f2c1a90"),
    errors.OllamaUnavailable("http://127.0.0.1:11434", "connection refused"),
    errors.DeadlineExceeded("create_session", 55),
    errors.MemoryExceeded("deepseek-coder:33b", 22.4, 16.0),
    errors.PlanNotFound("plan_20251112_143022_0084329517"),
)
"""One error of each status; of those that an operation has of one status, the last is shown."""


def error_responses(operation: Operation) -> dict[int | str, dict[str, Any]]:
    """Return the answers outside 2xx that an operation may give, each with an example."""
    return {
        faults.status_of(error): {
            "model": ErrorReply,
            "description": (type(error).__doc__ or "").strip(),
            "content": {"application/json": {"example": {"error": faults.body_of(error).model_dump(mode="json")}}},
        }
        for error in _EXAMPLES
        if _may_happen(error, operation)
    }


def _may_happen(error: DelegatorError, operation: Operation) -> bool:
    if isinstance(error, (errors.RequestTooLarge, errors.UnsupportedMediaType)):
        return operation.method == "POST"
    if isinstance(error, errors.TooManySessions | errors.PlanNotFound):
        return operation.name == "create_session"
    if isinstance(error, errors.NotFound):
        return bool(operation.path_fields)
    if isinstance(error, (errors.WrongState, errors.NoCapacity)):
        return not operation.read_only or operation.name == "list_active_agents"
    return True


def request_description(operation: Operation) -> dict[str, Any]:
    """Return the parameters, and for POST the body, of an operation in OpenAPI's words."""
    fields = self_contained(operation.request, mode="validation")["properties"]
    required = self_contained(operation.request, mode="validation").get("required", [])
    place = dict.fromkeys(operation.path_fields, "path")
    if operation.method != "POST":
        place |= {name: "query" for name in fields if name not in place}
    parameters = [
        _parameter(name, fields[name], where, required=name in required, example=operation.example.get(name))
        for name, where in place.items()
    ]
    description: dict[str, Any] = {"parameters": parameters} if parameters else {}
    if operation.method == "POST" and set(fields) - set(operation.path_fields):
        schema = self_contained(operation.request, mode="validation", without=operation.path_fields)
        example = {name: value for name, value in operation.example.items() if name not in operation.path_fields}
        description["requestBody"] = {
            "required": bool(schema.get("required")),
            "content": {"application/json": {"schema": schema, "example": example}},
        }
    return description


def _parameter(name: str, schema: dict[str, Any], where: str, *, required: bool, example: Any) -> dict[str, Any]:
    told = schema.get("description", "")
    if where == "path" and not required:
        told = f"Id of the session; '{CURRENT}' means the only open one."
    found: dict[str, Any] = {
        "name": name,
        "in": where,
        "required": required or where == "path",
        "schema": {key: value for key, value in schema.items() if key != "description"},
    }
    if schema.get("type") == "array":
        found |= {"style": "form", "explode": False}  # once, with commas between the words
    if told:
        found["description"] = told
    if example is not None:
        found["example"] = example
    return found
