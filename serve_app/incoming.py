"""From an HTTP request to a request model: path, query and body are put together and checked.

Owns what may be wrong with a request before any operation sees it. `client.outgoing` is the way there.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import ValidationError
from starlette.requests import Request as HttpRequest

from delegator import schemas
from delegator.errors import InvalidInput, RequestTooLarge, UnsupportedMediaType
from serve_app import faults
from serve_app.operations import CURRENT, Operation

MAX_BODY_BYTES = 256 * 1024
"""Largest body taken: the longest task (20,000 characters, at most 80 kB) and the largest context (64 kB) fit twice."""


async def read(operation: Operation, http: HttpRequest) -> schemas.Request:
    """Return the request that a caller made.

    Raises:
        InvalidInput: a field, the JSON, the type or the size is wrong.
    """
    given = await _body(http) if operation.method == "POST" else {}
    for name, value in _query(http).items():
        _put(given, name, value, "query")
    for name in operation.path_fields:
        value = http.path_params[name]
        if value == CURRENT and not operation.request.model_fields[name].is_required():
            continue
        _put(given, name, value, "path")
    try:
        return operation.request.model_validate(given)
    except ValidationError as exc:
        raise faults.invalid_input(exc, known=operation.field_names) from None


def _put(given: dict[str, Any], name: str, value: str, place: str) -> None:
    if name in given and given[name] != value:
        raise InvalidInput(name, f"is another one in the {place} than in the body", "Give it once.")
    given[name] = value


def _query(http: HttpRequest) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in http.query_params.multi_items():
        if name in values:
            raise InvalidInput(name, "is given twice", "Give it once.")
        values[name] = value
    return values


async def _body(http: HttpRequest) -> dict[str, Any]:
    """Read a JSON object; no body at all is an empty one.

    Bodies that are too large are refused before they are read to their end.
    """
    _check_length(http)
    raw = bytearray()
    async for chunk in http.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise RequestTooLarge(MAX_BODY_BYTES)
    if not raw.strip():
        return {}
    kind = http.headers.get("content-type", "")
    if kind.split(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(kind)
    return _parsed(bytes(raw))


def _check_length(http: HttpRequest) -> None:
    declared = http.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > MAX_BODY_BYTES:
        raise RequestTooLarge(MAX_BODY_BYTES)


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise InvalidInput("body", "is not UTF-8 text", "Send JSON in UTF-8.") from None
    except RecursionError:
        raise InvalidInput("body", "is nested too deeply", "Send flatter JSON.") from None
    except ValueError as exc:
        raise InvalidInput("body", f"is not JSON: {exc}", "Send one JSON object.") from None
    if not isinstance(value, dict):
        raise InvalidInput("body", "is not a JSON object", "Send one JSON object with the fields of this request.")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
