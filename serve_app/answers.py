"""How an answer looks on HTTP: replies and errors as JSON responses."""

from __future__ import annotations

from starlette.responses import Response

from delegator.errors import DelegatorError
from delegator.schemas import ErrorReply, Reply
from serve_app import faults


def reply_response(reply: Reply) -> Response:
    """Return a reply as the body of a 200."""
    return Response(reply.model_dump_json(by_alias=True), media_type="application/json")


def error_response(error: DelegatorError) -> Response:
    """Return an error as an `ErrorReply` with its status and headers."""
    body = ErrorReply(error=faults.body_of(error)).model_dump_json()
    return Response(
        body, status_code=faults.status_of(error), headers=faults.headers_of(error), media_type="application/json"
    )
