"""Errors become answers, and answers errors."""

from __future__ import annotations

import json
import logging

import pytest
from pydantic import ValidationError

from delegator import errors
from delegator import schemas as s
from delegator.errors import DelegatorError
from delegator.schemas import ErrorBody
from serve_app import faults

VALUES = {
    "limit_bytes": 262_144,
    "limit": 10,
    "event_id": 7,
    "status": 500,
    "attempts": 3,
    "needed_gb": 22.4,
    "capacity_gb": 16.0,
    "seconds": 5.0,
    "known": ("ceo", "cto"),
    "allowed": ("GET",),
    "session_ids": ("session_a", "session_b"),
}


def made(cls: type[DelegatorError]) -> DelegatorError:
    return cls(*(VALUES.get(name, f"some {name}") for name in cls.fields))


@pytest.mark.parametrize("cls", errors.all_error_types(), ids=lambda cls: cls.__name__)
def test_an_error_is_the_same_after_the_wire(cls: type[DelegatorError]):
    error = made(cls)
    sent = json.loads(s.ErrorReply(error=faults.body_of(error)).model_dump_json())

    found = faults.rebuild(ErrorBody.model_validate(sent["error"]), address="here", status=faults.status_of(error))

    assert type(found) is cls
    assert found.args == error.args
    assert (found.code, found.message, found.advice) == (error.code, error.message, error.advice)


@pytest.mark.parametrize(
    ("cls", "status"),
    [
        (errors.InvalidInput, 422),
        (errors.UnknownRole, 422),
        (errors.RequestTooLarge, 413),
        (errors.UnsupportedMediaType, 415),
        (errors.MethodNotAllowed, 405),
        (errors.HostRefused, 421),
        (errors.OriginRefused, 403),
        (errors.SessionNotFound, 404),
        (errors.SessionEnded, 409),
        (errors.AgentNotActive, 409),
        (errors.AgentLimitReached, 409),
        (errors.TooManySessions, 429),
        (errors.MemoryExceeded, 507),
        (errors.StoreUnavailable, 503),
        (errors.OllamaBusy, 503),
        (errors.DeadlineExceeded, 504),
        (errors.InternalError, 500),
    ],
)
def test_the_status_tells_what_a_caller_can_do(cls: type[DelegatorError], status: int):
    assert faults.status_of(made(cls)) == status


def test_a_full_house_says_when_to_try_again():
    assert faults.headers_of(errors.TooManySessions(10)) == {"Retry-After": "30"}
    assert faults.headers_of(errors.OllamaUnavailable("here", "refused")) == {"Retry-After": "5"}
    assert faults.headers_of(errors.MethodNotAllowed("PUT", "/v1", ("GET", "POST"))) == {"Allow": "GET, POST"}
    assert faults.headers_of(errors.SessionNotFound("x")) == {}


def test_an_error_that_crossed_an_actor_is_its_cause():
    crossed = RuntimeError("Traceback (most recent call last) ...")
    crossed.cause = errors.SessionNotFound("session_x")  # type: ignore[attr-defined]  # as Ray's errors have it

    assert faults.delegator_error(crossed) is crossed.cause  # type: ignore[attr-defined]


def test_a_bug_is_an_incident_whose_story_is_only_in_the_log(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        error = faults.delegator_error(ZeroDivisionError("secret detail"))

    assert isinstance(error, errors.InternalError)
    assert "secret detail" not in faults.body_of(error).model_dump_json()
    assert "secret detail" in caplog.text
    assert error.incident in caplog.text


def test_an_unknown_code_of_a_newer_server_is_told_as_it_came():
    body = ErrorBody(code="brand_new", message="something new", hint="", details={})

    found = faults.rebuild(body, address="http://there", status=409)

    assert isinstance(found, errors.RemoteError)
    assert found.message == "http://there answered 409: something new (brand_new)"


@pytest.mark.parametrize(
    ("values", "field", "problem", "expected"),
    [
        ({}, "task_description", "is missing", ""),
        ({"task_description": ""}, "task_description", "is empty", ""),
        ({"task_description": "  \n"}, "task_description", "is empty", ""),
        ({"task_description": 5}, "task_description", "is not text", ""),
        ({"task_description": "x" * 20_001}, "task_description", "is longer than 20000 characters", ""),
        ({"task_description": "x", "wait_s": 21}, "wait_s", "must be at most 20", ""),
        ({"task_description": "x", "contxt": {}}, "contxt", "is not known", "Did you mean context?"),
        ({"task_description": "x", "context": "high"}, "context", "is not an object of keys and values", ""),
        ({"wait_s": -1}, "task_description", "is missing", "One more field is wrong."),
    ],
)
def test_what_is_wrong_with_a_request_is_said_by_field(
    values: dict[str, object], field: str, problem: str, expected: str
):
    with pytest.raises(ValidationError) as caught:
        s.CreateSessionRequest.model_validate(values)

    found = faults.invalid_input(caught.value, known=list(s.CreateSessionRequest.model_fields))

    assert (found.field, found.problem, found.expected) == (field, problem, expected)
