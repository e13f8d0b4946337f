"""`delegator task` and `delegator ask`: work for a whole team, or one question to one role."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from delegator.schemas import (
    DelegateTaskRequest,
    GetTaskRequest,
    SendMessageReply,
    SendMessageRequest,
    TaskStatus,
    TaskView,
)
from serve_app.cli.commands import WORK, add_command, group
from serve_app.cli.operation_commands import OperationCommand, shared_parameters, with_parameters
from serve_app.cli.progress import Progress
from serve_app.cli.request_options import RequestOptions
from serve_app.cli.running import with_system
from serve_app.cli.sessions import SESSION
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.work import doing
from serve_app.cli.watching import raise_if_failed, until_done
from serve_app.operations import BY_NAME

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

TASK = "task_1f0c6d"
"""An id for examples."""

Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the answer, or return at once.")]

COMMANDS = (
    OperationCommand(
        operation="get_task",
        word="show",
        about="Show a task: its status, what each role has said so far, and the answer.",
        arguments={"task_id": "TASK"},
        saying="Waiting for the task",
        examples=(f"delegator task show {TASK}", f"delegator task show {TASK} --wait-s 20 --json"),
    ),
    OperationCommand(
        operation="cancel_task",
        word="cancel",
        about="Stop a queued or running task. What was said so far stays readable; the session stays open.",
        arguments={"task_id": "TASK"},
        saying="Cancelling the task",
        examples=(f"delegator task cancel {TASK}",),
    ),
)

START = RequestOptions(
    model=DelegateTaskRequest,
    arguments={"session_id": "SESSION", "task": "[TEXT]"},
    omitted=frozenset({"wait_s"}),
)

ASK = RequestOptions(
    model=SendMessageRequest,
    arguments={"session_id": "SESSION", "to_role": "ROLE", "text": "TEXT"},
    omitted=frozenset({"wait_s"}),
)


def start(*, as_json: bool, url: str | None, wait: bool, **values: Any) -> None:
    """Give a task to the team of a session."""
    terminal = Terminal(as_json=as_json)
    request = START.request(values)

    async def work(client: AsyncClient) -> TaskView:
        task = await client.call(BY_NAME["delegate_task"], request)
        assert isinstance(task, TaskView)  # noqa: S101 - the table says so; this is for the type checker
        return await _ended(client, task, terminal) if wait else task

    task = with_system(url, work)
    if task.status is not TaskStatus.COMPLETED and wait:
        raise_if_failed(task)
    terminal.reply(task)


def ask(*, as_json: bool, url: str | None, wait: bool, **values: Any) -> None:
    """Say something to one role, and show what it replies."""
    terminal = Terminal(as_json=as_json)
    request = ASK.request({**values})

    async def work(client: AsyncClient) -> SendMessageReply:
        sent = await client.call(BY_NAME["send_message"], request.model_copy(update={"wait_s": 0}))
        assert isinstance(sent, SendMessageReply)  # noqa: S101 - the table says so; this is for the type checker
        if sent.status is TaskStatus.COMPLETED or not wait:
            return sent
        task = await client.get_task(GetTaskRequest(task_id=sent.task_id))
        task = await _ended(client, task, terminal)
        raise_if_failed(task)
        return sent.model_copy(update={"status": task.status, "reply": task.answer})

    terminal.reply(with_system(url, work))


async def _ended(client: AsyncClient, task: TaskView, terminal: Terminal) -> TaskView:
    with Progress(terminal) as progress:
        return await until_done(client, task.task_id, seen=lambda seen: progress.now(doing(seen, titles={})))


def _wait(*, default: bool) -> inspect.Parameter:
    return inspect.Parameter("wait", inspect.Parameter.KEYWORD_ONLY, annotation=Wait, default=default)


app = group("task", "Give work to a team, look at it, cancel it.")
add_command(
    app,
    "start",
    with_parameters(start, [*START.parameters(), _wait(default=False), *shared_parameters()], name="delegate_task"),
    about="Give a task to the team of a session. Answers at once with its id. Without TEXT: the session's own task.",
    examples=(f"delegator task start {SESSION}", f'delegator task start {SESSION} "Now write the tests" --wait'),
)
for command in COMMANDS:
    command.add_to(app)


def add_ask(program: typer.Typer) -> None:
    """Add `delegator ask` to the program."""
    add_command(
        program,
        "ask",
        with_parameters(ask, [*ASK.parameters(), _wait(default=True), *shared_parameters()], name="send_message"),
        about="Ask one active role of a session, and show its reply.",
        examples=(
            f'delegator ask {SESSION} senior_developer "Which files will you touch?"',
            f'delegator ask {SESSION} cto "Is this safe?" --from product_manager --json',
            f"cat question.txt | delegator ask {SESSION} ceo -",
        ),
        panel=WORK,
    )
