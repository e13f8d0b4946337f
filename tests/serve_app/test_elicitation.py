"""A session's question put to the user of an MCP client: on both wires, in memory, over HTTP and over stdio."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.context import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, ErrorData

from delegator import errors
from delegator import schemas as s
from serve_app import elicitation
from serve_app.mcp import at_once, build_mcp
from tests.serve_app.programs import ENVIRONMENT, STDIO_PROGRAM
from tests.serve_app.samples import REPLIES, SESSION, CannedBackend, needs_input
from tests.serve_app.test_mcp import Progress

LEGACY, MODERN = "legacy", "2026-07-28"
wires = pytest.mark.parametrize("wire", [LEGACY, MODERN])
ASK = {"task_description": "Make the login better", "ask": True}


class User:
    """Fills forms in; the client calls it."""

    def __init__(self, action: str = "accept", **content: Any) -> None:
        self.result = ElicitResult.model_validate({"action": action, "content": content or None})
        self.seen: list[ElicitRequestFormParams] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        self.seen.append(params)
        return self.result


@pytest.fixture
def asking(backend: CannedBackend) -> CannedBackend:
    """A backend that asks back."""
    backend.answers["create_session"] = needs_input()
    return backend


async def created(target: Any, user: Any, wire: str) -> s.CreateSessionReply:
    async with Client(target, mode=wire, elicitation_callback=user) as client:
        return reply_in(await client.call_tool("create_session", ASK))


def reply_in(result: CallToolResult) -> s.CreateSessionReply:
    assert not result.is_error, result
    return s.CreateSessionReply.model_validate(result.structured_content)


def over_the_wire(reply: s.Reply) -> s.CreateSessionReply:
    return s.CreateSessionReply.model_validate_json(reply.model_dump_json())


def asked(backend: CannedBackend) -> list[str]:
    return [name for name, _ in backend.asked]


@wires
async def test_the_users_answer_goes_on_in_the_same_call(asking: CannedBackend, wire: str) -> None:
    user = User(answer="feature_development")

    reply = await created(build_mcp(at_once(asking)), user, wire)

    assert reply == over_the_wire(REPLIES["answer_question"])
    assert asked(asking) == ["create_session", "answer_question"]
    request = asking.asked[-1][1]
    assert isinstance(request, s.AnswerQuestionRequest)
    assert (request.session_id, request.answer) == (SESSION, "feature_development")
    assert 0 < request.wait_s <= 15


@wires
async def test_the_form_is_one_choice_among_the_options(asking: CannedBackend, wire: str) -> None:
    user = User(answer="bug_fix")

    await created(build_mcp(at_once(asking)), user, wire)

    (form,) = user.seen
    assert form.message.startswith("Is this a bug fix, or rather feature development?\nbug_fix: ")
    assert form.requested_schema["required"] == ["answer"]
    assert form.requested_schema["properties"]["answer"]["enum"] == ["bug_fix", "feature_development"]


@wires
@pytest.mark.parametrize(
    ("user", "told"),
    [
        (User("decline"), "would rather not answer"),
        (User("cancel"), "closed the question"),
        (User(answer=7), "none of the options"),
        (User(), "none of the options"),
    ],
    ids=["declined", "cancelled", "a number", "nothing"],
)
async def test_without_an_answer_the_session_waits_and_the_reply_says_so(
    asking: CannedBackend, wire: str, user: User, told: str
) -> None:
    reply = await created(build_mcp(at_once(asking)), user, wire)

    assert (reply.status, reply.question) == ("needs_input", needs_input().question)
    assert told in reply.notes[-1]
    assert asked(asking) == ["create_session"]


@wires
async def test_a_client_that_shows_no_forms_gets_the_question_as_a_reply(asking: CannedBackend, wire: str) -> None:
    reply = await created(build_mcp(at_once(asking)), None, wire)

    assert reply == over_the_wire(needs_input())
    assert asked(asking) == ["create_session"]


@wires
async def test_an_answer_the_system_does_not_take_leaves_the_session_waiting(asking: CannedBackend, wire: str) -> None:
    asking.answers["answer_question"] = errors.InvalidInput("answer", "is no task type, nor yes", "The options are:")

    reply = await created(build_mcp(at_once(asking)), User(answer="perhaps"), wire)

    assert reply.status == "needs_input"
    assert "none of the options" in reply.notes[-1]


@wires
async def test_a_session_that_cannot_be_opened_with_the_answer_is_the_error_it_is(
    asking: CannedBackend, wire: str
) -> None:
    asking.answers["answer_question"] = errors.QuestionNotAsked(SESSION)
    async with Client(build_mcp(at_once(asking)), mode=wire, elicitation_callback=User(answer="bug_fix")) as client:
        result = await client.call_tool("create_session", ASK)

    assert result.is_error
    assert "question_not_asked" in str(result.content)


async def test_progress_only_rises_where_one_call_both_asks_and_goes_on(asking: CannedBackend) -> None:
    progress = Progress()
    user = User(answer="bug_fix")
    async with Client(build_mcp(at_once(asking)), mode=LEGACY, elicitation_callback=user) as client:
        result = await client.call_tool("create_session", ASK, progress_callback=progress)

    assert reply_in(result).status == "ready"
    assert progress.messages == ["starting agents and loading models"] * 2
    progress.assert_rising()


async def test_a_client_that_fails_to_ask_leaves_the_session_waiting(asking: CannedBackend) -> None:
    async def fails(context: ClientRequestContext, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=-32603, message="no window")

    reply = await created(build_mcp(at_once(asking)), fails, LEGACY)

    assert reply.status == "needs_input"
    assert "did not bring an answer" in reply.notes[-1]


async def test_a_user_who_does_not_answer_in_time_is_not_waited_for(
    asking: CannedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elicitation, "USER_S", 0.05)
    never = asyncio.Event()

    async def thinks(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        await never.wait()
        raise AssertionError

    reply = await asyncio.wait_for(created(build_mcp(at_once(asking)), thinks, LEGACY), 20)

    assert reply.status == "needs_input"
    assert "did not bring an answer" in reply.notes[-1]


async def test_a_repeated_call_without_its_state_as_it_was_is_refused(asking: CannedBackend) -> None:
    async with Client(build_mcp(at_once(asking)), mode=MODERN, elicitation_callback=User()) as client:
        result = await client.session.call_tool(
            "create_session", ASK, request_state="{}", input_responses={}, allow_input_required=True
        )

    assert isinstance(result, CallToolResult)
    assert result.is_error
    assert "requestState" in str(result.content)
    assert asking.asked == []


async def test_a_call_repeated_without_the_answer_creates_no_second_session(asking: CannedBackend) -> None:
    async with Client(build_mcp(at_once(asking)), mode=MODERN, elicitation_callback=User()) as client:
        state = needs_input().model_dump_json()
        result = await client.session.call_tool("create_session", ASK, request_state=state, allow_input_required=True)

    assert isinstance(result, CallToolResult)
    assert reply_in(result).status == "needs_input"
    assert asking.asked == []


# ── over HTTP ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_over_http_the_new_wire_asks(address: str, asking: CannedBackend) -> None:
    reply = await created(f"{address}/mcp", User(answer="feature_development"), MODERN)

    assert reply == over_the_wire(REPLIES["answer_question"])


async def test_over_http_the_old_wire_cannot_ask_and_answers_at_once(address: str, asking: CannedBackend) -> None:
    user = User(answer="feature_development")

    reply = await created(f"{address}/mcp", user, LEGACY)

    assert (reply, user.seen) == (over_the_wire(needs_input()), [])


# ── over stdio ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("wire", [LEGACY, "auto"])
async def test_over_stdio_both_wires_ask(address: str, asking: CannedBackend, wire: str) -> None:
    server = StdioServerParameters(command=sys.executable, args=[STDIO_PROGRAM, address, ""], env=ENVIRONMENT)

    reply = await created(server, User(answer="feature_development"), wire)

    assert reply == over_the_wire(REPLIES["answer_question"])
    assert asked(asking) == ["create_session", "answer_question"]
