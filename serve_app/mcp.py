"""The MCP face: every operation a tool with exact schemas, plus a few resources and prompts.

Owns tools, their words and how results and errors look to a language model. The same server runs over streamable HTTP
(`http.py`) and over stdio (`stdio.py`); what it stands on is a `Backend`, so nothing here knows Ray. Progress while a
call waits is `following.py`, questions to the user are `elicitation.py`, resources and prompts are `guides.py`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from pydantic import ValidationError

from delegator.errors import DelegatorError, UnknownTool
from delegator.schemas import (
    AnswerQuestionRequest,
    CreateSessionReply,
    CreateSessionRequest,
    ErrorReply,
    Reply,
    Request,
)
from delegator.wording import near_miss
from serve_app import apps, caller, elicitation, faults, guides
from serve_app.backend import Backend
from serve_app.following import Report, follow, silent
from serve_app.json_schema import self_contained
from serve_app.operations import BY_NAME, Operation, on_face
from serve_app.version import VERSION

logging.getLogger("mcp.server.streamable_http").setLevel(logging.WARNING)  # it tells of every stateless request

Context = ServerRequestContext[Any, Any]
Result = types.CallToolResult | types.InputRequiredResult
Provider = Callable[[Report], Awaitable[Backend]]
"""Gives the backend once it can be used, and reports meanwhile what is being waited for."""

INSTRUCTIONS = (
    "Delegator decides which of a company's role agents a task needs, keeps only their local models in memory, and "
    "lets them work as a team. The usual way: create_session(task_description) -> delegate_task(session_id) -> "
    "get_task(task_id, wait_s=20) until its status is completed -> end_session(session_id), which frees the memory. "
    "A create_session that answers needs_input asks a question: put it to the user, then answer_question. "
    "analyze_task and plan_session look without starting anything. send_message talks to one role. Errors carry a "
    "stable code, what is wrong, and a hint what would be right. Where a reply says simulated, no language model "
    "spoke: text, sizes and times come from a simulator."
)

_LISTS = CacheHint(ttl_ms=3_600_000, scope="public")
"""Lists change only with the version of Delegator."""


def build_mcp(provider: Provider) -> Server[Any]:
    """Make the server; `at_once` provides a backend that need not be waited for."""
    tools = {operation.name: operation for operation in on_face("mcp")}
    listed = types.ListToolsResult(tools=[_tool(operation) for operation in tools.values()])

    async def list_tools(_ctx: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return listed

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> Result:
        try:
            with caller.calling(caller.over_mcp(_client_name(ctx))):
                reply = await _call(_find(tools, params.name), params, provider, ctx)
            return _result(reply) if isinstance(reply, Reply) else reply
        except Exception as exc:
            return _error(faults.delegator_error(exc))

    server: Server[Any] = Server(
        "delegator",
        title="Delegator",
        version=VERSION,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=guides.list_resources,
        on_list_resource_templates=guides.list_resource_templates,
        on_read_resource=guides.reader(provider),
        on_list_prompts=guides.list_prompts,
        on_get_prompt=guides.get_prompt,
        on_subscriptions_listen=ListenHandler(InMemorySubscriptionBus()),
        cache_hints={
            "tools/list": _LISTS,
            "prompts/list": _LISTS,
            "resources/list": _LISTS,
            "resources/templates/list": _LISTS,
        },
    )
    server.extensions.update(apps.EXTENSIONS)
    return server


def at_once(backend: Backend) -> Provider:
    """Provide a backend that is there."""

    async def provide(_report: Report) -> Backend:
        return backend

    return provide


def _tool(operation: Operation) -> types.Tool:
    return types.Tool(
        name=operation.name,
        title=operation.title,
        description=operation.description,
        input_schema=self_contained(operation.request, mode="validation"),
        output_schema=self_contained(operation.reply, mode="serialization"),
        annotations=types.ToolAnnotations(
            title=operation.title,
            read_only_hint=operation.read_only,
            destructive_hint=operation.destructive,
            idempotent_hint=operation.idempotent,
            open_world_hint=False,
        ),
        _meta=apps.meta_of(operation.name),
    )


def _client_name(ctx: Context) -> str | None:
    """Return how the client names itself; None over HTTP on the older wire, where a call does not say."""
    known = ctx.session.client_params
    return known.client_info.name if known is not None else None


def _find(tools: dict[str, Operation], name: str) -> Operation:
    try:
        return tools[name]
    except KeyError:
        near = near_miss(name, tools)
        raise UnknownTool(name, near or "") from None


async def _call(
    operation: Operation, params: types.CallToolRequestParams, provider: Provider, ctx: Context
) -> Reply | types.InputRequiredResult:
    request = _request(operation, params.arguments or {})
    if not isinstance(request, CreateSessionRequest):
        return await _do(operation, request, provider, ctx)

    began = time.monotonic()

    async def answer(answered: AnswerQuestionRequest) -> Reply:
        return await _do(BY_NAME["answer_question"], answered, provider, ctx, after_s=time.monotonic() - began)

    if params.request_state is not None:
        return await elicitation.resume(params, answer, wait_s=request.wait_s)
    reply = await _do(operation, request, provider, ctx)
    if not isinstance(reply, CreateSessionReply):
        return reply
    return await elicitation.ask_user(reply, ctx, answer, wait_s=request.wait_s)


def _request(operation: Operation, arguments: dict[str, Any]) -> Request:
    try:
        return operation.request.model_validate(arguments)
    except ValidationError as exc:
        raise faults.invalid_input(exc, known=operation.field_names) from None


async def _do(
    operation: Operation, request: Request, provider: Provider, ctx: Context, *, after_s: float = 0.0
) -> Reply:
    """Do one operation; `after_s`: how long the same call has been at another before, so that progress only rises."""
    if not _wants_progress(ctx):
        return await operation.run(await provider(silent), request)

    async def report(progress: float, total: float | None = None, message: str | None = None, /) -> None:
        await ctx.session.report_progress(after_s + progress, total, message)

    return await follow(operation, await provider(report), request, report)


def _wants_progress(ctx: Context) -> bool:
    return ctx.meta is not None and ctx.meta.get("progress_token") is not None


def _result(reply: Reply) -> types.CallToolResult:
    """Return a reply as structured content, and as the same JSON in text for clients that only read text."""
    text = reply.model_dump_json(by_alias=True)
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=text)], structured_content=json.loads(text), is_error=False
    )


def _error(error: DelegatorError) -> types.CallToolResult:
    """Return an error as JSON that says code, what is wrong and what would be right, for the model to act on."""
    body = ErrorReply(error=faults.body_of(error))
    return types.CallToolResult(content=[types.TextContent(type="text", text=body.model_dump_json())], is_error=True)
