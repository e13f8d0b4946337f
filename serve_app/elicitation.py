"""Puts a session's question to the user of an MCP client, where the client can ask one.

Owns the form, and both ways to have it filled in: since 2026-07-28 the call is answered with what is missing, and the
client repeats it with the answer; before that the server asks the client while the call goes on, where the connection
lets it (stdio does, HTTP without sessions does not). Whatever goes wrong with asking leaves the reply as it was: the
session waits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from delegator.errors import InvalidInput
from delegator.schemas import AnswerQuestionRequest, CreateSessionReply, Question, Reply

logger = logging.getLogger(__name__)

Context = ServerRequestContext[Any, Any]
Answer = Callable[[AnswerQuestionRequest], Awaitable[Reply]]
"""Does the operation answer_question."""

USER_S = 45.0
"""Real seconds a user has while the call goes on."""

CALL_S = 55.0
"""Real seconds such a call may take in all: clients give up after 60."""

KEY = "answer"
"""Names the form among what a call needs, and its only field."""

_WAITS = {
    "decline": "The user would rather not answer: the session waits.",
    "cancel": "The user closed the question: the session waits.",
}
_UNANSWERED = "The client did not bring an answer: the session waits."
_UNUSABLE = "The client's answer is none of the options: the session waits."


def can_ask(ctx: Context) -> bool:
    """Return whether the client has said that it shows forms, and can be asked on this connection."""
    declared = ctx.session.client_capabilities
    elicitation = declared.elicitation if declared is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False  # an empty object means forms: it is older than the other mode
    return _repeats_calls(ctx) or ctx.session.can_send_request


async def ask_user(
    reply: CreateSessionReply, ctx: Context, answer: Answer, *, wait_s: float
) -> Reply | types.InputRequiredResult:
    """Put the question of a reply to the user and go on with the answer; else return the reply with what came of it.

    Args:
        reply: what create_session has answered, with its question.
        ctx: the call it is the answer to.
        answer: goes on.
        wait_s: how long the caller waits for the team to be ready.
    """
    if reply.question is None or not can_ask(ctx):
        return reply
    form = _form(reply.question)
    if _repeats_calls(ctx):
        state = reply.model_dump_json(by_alias=True)
        return types.InputRequiredResult(input_requests={KEY: form}, request_state=state)
    began = time.monotonic()
    try:
        result = await ctx.session.send_request(
            form,
            types.ElicitResult,
            request_read_timeout_seconds=USER_S,
            metadata=ServerMessageMetadata(related_request_id=ctx.request_id),
        )
    except Exception as exc:  # whatever the client or the connection does: the session is there and waits
        logger.info("the question of %s was not answered: %s", reply.session_id, exc)
        return _still_waiting(reply, _UNANSWERED)
    left = max(0.0, CALL_S - (time.monotonic() - began))
    return await _go_on(reply, result, answer, wait_s=min(wait_s, left))


async def resume(params: types.CallToolRequestParams, answer: Answer, *, wait_s: float) -> Reply:
    """Go on with a call that the client repeats with what it was asked for.

    Raises:
        InvalidInput: its state is not what it was given.
    """
    try:
        reply = CreateSessionReply.model_validate_json(params.request_state or "")
    except ValidationError:
        raise InvalidInput("requestState", "is not what was given", "Repeat it as it came.") from None
    result = (params.input_responses or {}).get(KEY)
    if not isinstance(result, types.ElicitResult):
        return _still_waiting(reply, _UNANSWERED)
    return await _go_on(reply, result, answer, wait_s=wait_s)


async def _go_on(reply: CreateSessionReply, result: types.ElicitResult, answer: Answer, *, wait_s: float) -> Reply:
    if result.action != "accept":
        return _still_waiting(reply, _WAITS[result.action])
    said = (result.content or {}).get(KEY)
    try:
        request = AnswerQuestionRequest.model_validate(
            {"session_id": reply.session_id, "answer": said, "wait_s": wait_s}
        )
        return await answer(request)
    except (ValidationError, InvalidInput):
        return _still_waiting(reply, _UNUSABLE)


def _still_waiting(reply: CreateSessionReply, why: str) -> CreateSessionReply:
    return reply.model_copy(update={"notes": [*reply.notes, why]})


def _repeats_calls(ctx: Context) -> bool:
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS


def _form(question: Question) -> types.ElicitRequest:
    meanings = [f"{option.answer}: {option.meaning}" for option in question.options]
    field = {
        "type": "string",
        "title": "What kind of work is it?",
        "description": " ".join(meanings),
        "enum": [option.answer.value for option in question.options],
    }
    schema = {"type": "object", "properties": {KEY: field}, "required": [KEY]}
    message = "\n".join([question.question, *meanings])
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))
