"""The one place where an error becomes an answer, and an answer an error again.

Owns the translation exception -> `ErrorBody` -> HTTP status, and back to the same class at the client. Knows errors
that crossed an actor without importing Ray: Ray raises an instance of both its own type and ours, whose text is a
remote traceback and whose `cause` is the error itself.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from delegator import errors
from delegator.errors import DelegatorError, InternalError, InvalidInput
from delegator.schemas import ErrorBody
from delegator.wording import first_problem, near_miss, problem_of

logger = logging.getLogger(__name__)

STATUS: Mapping[type[DelegatorError], int] = {
    errors.RequestTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.MethodNotAllowed: 405,
    errors.HostRefused: 421,
    errors.OriginRefused: 403,
    errors.InvalidInput: 422,
    errors.NotFound: 404,
    errors.WrongState: 409,
    errors.TooManySessions: 429,  # the same request succeeds once a session has ended: Retry-After says when to look
    errors.NoCapacity: 507,  # Insufficient Storage: the request is fine, this machine is too small for it
    errors.DeadlineExceeded: 504,
    errors.InternalError: 500,
    errors.RemoteError: 502,
    errors.Unavailable: 503,
    errors.DelegatorError: 500,
}
"""HTTP status by class; the nearest ancestor in this table counts."""

RETRY_AFTER_S: Mapping[type[DelegatorError], int] = {
    errors.TooManySessions: 30,
    errors.OllamaBusy: 5,
    errors.Unavailable: 5,
}
"""Seconds of the Retry-After header, by class, for errors that a later repeat may not meet."""


def delegator_error(exc: BaseException) -> DelegatorError:
    """Return what a caller may read of any exception.

    A bug becomes `InternalError` with an incident id; its traceback goes to the log and nowhere else.
    """
    cause = getattr(exc, "cause", None)
    if isinstance(cause, DelegatorError):
        return cause
    if isinstance(exc, DelegatorError):
        return exc
    incident = uuid.uuid4().hex[:8]
    logger.error("incident %s", incident, exc_info=exc)
    return InternalError(incident)


def body_of(error: DelegatorError) -> ErrorBody:
    """Return the error as every face shows it."""
    return ErrorBody(code=error.code, message=error.message, hint=error.advice, details=error.details())


def status_of(error: DelegatorError) -> int:
    """Return the HTTP status of an error."""
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def headers_of(error: DelegatorError) -> dict[str, str]:
    """Return the HTTP headers that belong to an error."""
    headers = {}
    if isinstance(error, errors.MethodNotAllowed):
        headers["Allow"] = ", ".join(error.allowed)
    if status_of(error) in (429, 503):
        seconds = next(RETRY_AFTER_S[cls] for cls in type(error).__mro__ if cls in RETRY_AFTER_S)
        headers["Retry-After"] = str(seconds)
    return headers


def invalid_input(exc: ValidationError, *, known: Iterable[str] = ()) -> InvalidInput:
    """Return what is wrong with a request, by the field to mend first.

    Args:
        exc: what the request model said.
        known: the fields there are, told when the caller used another.
    """
    first = first_problem(exc)
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith("function-"))
    return InvalidInput(field, problem_of(first), _expectation(first, exc.error_count(), tuple(known)))


def _expectation(first: ErrorDetails, count: int, known: tuple[str, ...]) -> str:
    more = f" {count - 1} more fields are wrong." if count > 2 else " One more field is wrong." if count == 2 else ""
    if first["type"] != "extra_forbidden" or len(first["loc"]) != 1:
        return more.strip()
    if not known:
        return "It takes no fields."
    near = near_miss(str(first["loc"][0]), known)
    return (f"Did you mean {near}?" if near else f"The fields are: {', '.join(known)}.") + more


@cache
def _by_code() -> dict[str, type[DelegatorError]]:
    return {cls.code: cls for cls in errors.all_error_types()}


def rebuild(body: ErrorBody, *, address: str, status: int) -> DelegatorError:
    """Return the error that a remote Delegator raised, as the same class with the same facts.

    A code that this version does not know becomes a `RemoteError` that carries the remote text.
    """
    cls = _by_code().get(body.code)
    if cls is None or set(cls.fields) - set(body.details):
        return errors.RemoteError(address, status, f"{body.message} ({body.code})")
    return cls(*(_frozen(body.details[name]) for name in cls.fields))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
