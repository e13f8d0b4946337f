"""What the MCP server offers beside tools: resources to read and prompts to start from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError

from delegator import schemas as s
from delegator.errors import DelegatorError, NotFound
from delegator.schemas import ErrorReply
from serve_app import apps, faults
from serve_app.following import silent
from serve_app.operations import BY_NAME

if TYPE_CHECKING:
    from serve_app.mcp import Provider

Context = ServerRequestContext[Any, Any]
Reader = Callable[[Context, types.ReadResourceRequestParams], Awaitable[types.ReadResourceResult]]

SESSION_URI = "delegator://sessions/"

_READS = {
    "delegator://roles": "list_roles",
    "delegator://sessions": "list_active_sessions",
    "delegator://resources": "resource_summary",
}
"""Operation without input behind each fixed resource."""

_RESOURCES = types.ListResourcesResult(
    resources=[
        types.Resource(
            uri=uri,
            name=BY_NAME[name].name,
            title=BY_NAME[name].title,
            description=BY_NAME[name].description,
            mime_type="application/json",
        )
        for uri, name in _READS.items()
    ]
    + apps.RESOURCES
)

_TEMPLATES = types.ListResourceTemplatesResult(
    resource_templates=[
        types.ResourceTemplate(
            uri_template=SESSION_URI + "{session_id}",
            name="get_session",
            title=BY_NAME["get_session"].title,
            description=BY_NAME["get_session"].description,
            mime_type="application/json",
        )
    ]
)

_TASK = types.PromptArgument(name="task", description="What you want done, in plain words.", required=True)
_PROMPTS = types.ListPromptsResult(
    prompts=[
        types.Prompt(
            name="work_on",
            title="Let a team work on a task",
            description="Create a session for a task, let its team work, show the answer and what was saved, clean up.",
            arguments=[_TASK],
        ),
        types.Prompt(
            name="whom_do_i_need",
            title="Ask whom a task needs",
            description="Look at a task without starting anything: which roles, why, and what they would cost.",
            arguments=[_TASK],
        ),
    ]
)

_WORDS = {
    "work_on": (
        "Let Delegator's team work on this task:\n\n{task}\n\n"
        "1. create_session with the task as task_description (and context where you know a priority or a deadline). "
        "While its status is 'starting', poll get_session.\n"
        "2. delegate_task with the session_id, then get_task with wait_s 20 until the status is completed.\n"
        "3. Show me the answer, and in one line who worked on it.\n"
        "4. end_session, and tell me from its receipt how much memory was used against all roles resident.\n"
        "If a reply says simulated, tell me so."
    ),
    "whom_do_i_need": (
        "Use analyze_task and then plan_session on this task, starting nothing:\n\n{task}\n\n"
        "Tell me which roles it needs and why, what they would load, and how long until they could start."
    ),
}


async def list_resources(_ctx: Context, _params: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
    """List the fixed resources."""
    return _RESOURCES


async def list_resource_templates(
    _ctx: Context, _params: types.PaginatedRequestParams | None
) -> types.ListResourceTemplatesResult:
    """List the resources that take a name."""
    return _TEMPLATES


async def list_prompts(_ctx: Context, _params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
    """List the prompts."""
    return _PROMPTS


async def get_prompt(_ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
    """Fill a prompt with the caller's task.

    Raises:
        MCPError: there is no such prompt, or the task is missing.
    """
    words = _WORDS.get(params.name)
    task = (params.arguments or {}).get("task", "").strip()
    if words is None:
        raise MCPError(types.INVALID_PARAMS, f"there is no prompt '{params.name}'; there are: {', '.join(_WORDS)}")
    if not task:
        raise MCPError(types.INVALID_PARAMS, "the argument 'task' is missing: say what you want done")
    content = types.TextContent(type="text", text=words.replace("{task}", task))
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])


def reader(provider: Provider) -> Reader:
    """Return the handler that reads resources from the backend of `provider`."""

    async def read(_ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(params.uri)
        if (view := apps.read(uri)) is not None:
            return view
        name, request = _meant(uri)
        try:
            reply = await BY_NAME[name].run(await provider(silent), request)
        except Exception as exc:
            raise _protocol_error(faults.delegator_error(exc)) from exc
        text = reply.model_dump_json(by_alias=True)
        contents = types.TextResourceContents(uri=uri, mime_type="application/json", text=text)
        return types.ReadResourceResult(contents=[contents])

    return read


def _meant(uri: str) -> tuple[str, s.Request]:
    """Return the operation behind a resource, and its request."""
    if uri in _READS:
        return _READS[uri], s.NoInput()
    session_id = uri.removeprefix(SESSION_URI)
    if uri.startswith(SESSION_URI) and session_id and len(session_id) <= 100 and session_id.isascii():
        return "get_session", s.SessionRef.model_construct(session_id=session_id)
    raise MCPError(types.INVALID_PARAMS, f"there is no resource '{uri}'", {"uri": uri})


def _protocol_error(error: DelegatorError) -> MCPError:
    code = types.INVALID_PARAMS if isinstance(error, NotFound) else types.INTERNAL_ERROR
    return MCPError(code, error.message, ErrorReply(error=faults.body_of(error)).model_dump(mode="json"))
