"""`delegator run`: from a task in plain words to the team's answer and its receipt, in one command.

Owns the order of the calls and that no session is left behind, whatever happens. What is seen of it is `run_view.py`.
"""

from __future__ import annotations

import asyncio
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from delegator.errors import DelegatorError, SessionEnded
from delegator.schemas import (
    AnswerQuestionRequest,
    CreateSessionReply,
    CreateSessionRequest,
    DelegateTaskRequest,
    ErrorBody,
    ListAgentsRequest,
    OptionalSessionRef,
    Receipt,
    SessionRef,
    SessionStatus,
    SessionView,
    TaskStatus,
    TaskView,
)
from serve_app.cli.commands import WORK, add_command
from serve_app.cli.exits import FAILED, NEEDS_INPUT, CommandFailed
from serve_app.cli.operation_commands import shared_parameters, with_parameters
from serve_app.cli.request_options import TEAM_OPTIONS, RequestOptions
from serve_app.cli.run_view import RunView
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal
from serve_app.cli.watching import ASK_EVERY_S, failure_of, until_done

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait for the answer; or return at once and leave the session open.")
]

Keep = Annotated[bool, typer.Option("--keep", help="Leave the session open afterwards, to go on with its team.")]

RUN = RequestOptions(
    model=CreateSessionRequest,
    arguments={"task_description": "TEXT"},
    names=TEAM_OPTIONS,
    omitted=frozenset({"wait_s"}),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has come to; without a receipt where the team still works."""

    session: SessionView
    task: TaskView
    receipt: Receipt | None

    @property
    def failed(self) -> bool:
        """True when the task has ended without an answer."""
        return self.task.status.is_final and self.task.status is not TaskStatus.COMPLETED

    def as_json(self) -> dict[str, Any]:
        """Return the one object that `--json` prints."""
        shown = {
            "session_id": self.session.session_id,
            "task_id": self.task.task_id,
            "status": self.task.status.value,
            "analysis": self.session.analysis.model_dump(mode="json"),
            "active_agents": self.session.active_agents,
            "replies": [{"role": turn.role, "text": turn.text} for turn in self.task.replies],
            "answer": self.task.answer,
            "receipt": self.receipt.model_dump(mode="json") if self.receipt is not None else None,
            "simulated": self.task.simulated,
        }
        return {**shown, "error": failure_of(self.task).model_dump(mode="json")} if self.failed else shown


def run(*, as_json: bool, url: str | None, wait: bool, keep: bool, **values: Any) -> None:
    """Do one task from beginning to end."""
    terminal = Terminal(as_json=as_json)
    request = RUN.request(values)
    assert isinstance(request, CreateSessionRequest)  # noqa: S101 - for the type checker

    with RunView(terminal) as view:
        outcome = with_system(url, lambda client: run_task(client, request, view, wait=wait, keep=keep))
        if isinstance(outcome, CreateSessionReply) and terminal.can_ask:
            outcome = _asked(outcome, view, url, wait=wait, keep=keep)
    if isinstance(outcome, CreateSessionReply):
        terminal.reply(outcome)
        raise typer.Exit(NEEDS_INPUT)
    if as_json:
        terminal.emit(outcome.as_json())
    else:
        view.outcome(outcome.session, outcome.task, outcome.receipt, kept=keep)
        if outcome.failed:
            terminal.fail_with(failure_of(outcome.task))
    if outcome.failed:
        raise typer.Exit(FAILED)


async def run_task(
    client: AsyncClient, request: CreateSessionRequest, view: RunView, *, wait: bool, keep: bool
) -> Outcome | CreateSessionReply:
    """Create a session, let its team work, and end it; where it asks something, return that and leave it waiting.

    An error, Ctrl-C or a request to terminate ends the session too; only `keep`, or a run that does not wait, leaves
    it open.
    """
    created = await _create(client, request, view)
    if created.question is not None:
        return created
    return await _work(client, created.session_id, view, wait=wait, keep=keep)


def _asked(created: CreateSessionReply, view: RunView, url: str | None, *, wait: bool, keep: bool) -> Outcome:
    """Put the question of a session to whoever sits here, and go on with the answer.

    No event loop runs meanwhile: it would keep Ctrl-C from the prompt. Who does not answer ends the session.
    """
    assert created.question is not None  # noqa: S101 - for the type checker
    session_id = created.session_id
    try:
        answer = view.choose(created.question)
    except (KeyboardInterrupt, EOFError):
        with_system(url, lambda client: _give_up(client, session_id, view, interrupted=False))
        raise KeyboardInterrupt from None

    async def go_on(client: AsyncClient) -> Outcome:
        request = AnswerQuestionRequest(session_id=session_id, answer=answer, wait_s=0)
        try:
            await client.answer_question(request)
        except BaseException as exc:
            await _give_up(client, session_id, view, interrupted=isinstance(exc, asyncio.CancelledError))
            raise
        return await _work(client, session_id, view, wait=wait, keep=keep)

    return with_system(url, go_on)


async def _work(client: AsyncClient, session_id: str, view: RunView, *, wait: bool, keep: bool) -> Outcome:
    """Let the team of a session work, and end it."""
    try:
        session = await _ready(client, session_id, view)
        task = await client.delegate_task(DelegateTaskRequest(session_id=session_id))
        if not wait:
            return Outcome(session, task, None)
        task = await until_done(client, task.task_id, seen=view.task)
    except BaseException as exc:
        await _give_up(client, session_id, view, interrupted=isinstance(exc, asyncio.CancelledError))
        raise
    return Outcome(session, task, await _receipt(client, session_id, view, keep=keep))


async def _create(client: AsyncClient, request: CreateSessionRequest, view: RunView) -> CreateSessionReply:
    """Create the session; an interruption meanwhile waits for its id, so that it can be ended."""
    view.creating()
    creating = asyncio.ensure_future(client.create_session(request.model_copy(update={"wait_s": 0})))
    try:
        return await asyncio.shield(creating)
    except asyncio.CancelledError:
        created = await creating
        await _give_up(client, created.session_id, view, interrupted=True)
        raise


async def _ready(client: AsyncClient, session_id: str, view: RunView) -> SessionView:
    """Wait until the team can speak."""
    session = await client.get_session(SessionRef(session_id=session_id))
    view.analysis(session)
    while session.status is SessionStatus.STARTING:
        running = await client.list_active_agents(ListAgentsRequest(session_id=session_id))
        view.starting(session, running.agents)
        await asyncio.sleep(ASK_EVERY_S)
        session = await client.get_session(SessionRef(session_id=session_id))
    if not session.status.is_open:
        why = session.end_reason or "no reason was given"
        raise CommandFailed(ErrorBody(code="session_failed", message=f"the session could not start: {why}"))
    agents = await client.list_active_agents(ListAgentsRequest(session_id=session_id))
    view.ready(session, agents.agents)
    return session


async def _receipt(client: AsyncClient, session_id: str, view: RunView, *, keep: bool) -> Receipt:
    if keep:
        return await client.get_receipt(SessionRef(session_id=session_id))
    view.ending()
    return (await client.end_session(OptionalSessionRef(session_id=session_id))).receipt


async def _give_up(client: AsyncClient, session_id: str, view: RunView, *, interrupted: bool) -> None:
    """End the session of a run that will not come to its end; what goes wrong with that is told, not raised."""
    view.giving_up(session_id, interrupted=interrupted)
    try:
        await client.end_session(OptionalSessionRef(session_id=session_id))
    except SessionEnded:
        return  # nothing is left behind
    except DelegatorError as error:
        view.not_ended(session_id, error)


def add_run(program: typer.Typer) -> None:
    """Add `delegator run` to the program."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [
        inspect.Parameter("wait", keyword, annotation=Wait, default=True),
        inspect.Parameter("keep", keyword, annotation=Keep, default=False),
    ]
    add_command(
        program,
        "run",
        with_parameters(run, [*RUN.parameters(), *own, *shared_parameters()], name="run"),
        about="Do a task: choose the team, start it, let it work, show its answer and the receipt, end the session.",
        examples=(
            'delegator run "Add user authentication feature"',
            'delegator run "Fix the login crash" --priority critical --context ticket=412',
            'delegator run "Plan Q2 roadmap and budget allocation" --json',
            'delegator run "Make the login better" --ask',
            "cat task.md | delegator run - --keep",
        ),
        panel=WORK,
    )
