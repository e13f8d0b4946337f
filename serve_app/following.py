"""Progress while a call waits, for MCP clients that asked for it.

Owns how waiting is made visible: the call is made without a wait, then its task is watched. The outcome is the same as
that of the plain call, errors included.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

from delegator import schemas as s
from delegator.schemas import Reply, Request, TaskView
from serve_app import faults
from serve_app.backend import Backend
from serve_app.operations import Operation

LOOK_S = 1.0
"""Real seconds between two looks at a running task, and between two signs of life."""


class Report(Protocol):
    """Tells a caller how far a call is."""

    async def __call__(self, progress: float, total: float | None = None, message: str | None = None, /) -> None: ...


async def silent(_progress: float, _total: float | None = None, _message: str | None = None, /) -> None:
    """Report nothing: nobody asked."""


async def follow(operation: Operation, backend: Backend, request: Request, report: Report) -> Reply:
    """Do an operation and report on the way; what does not wait is simply done."""
    match request:
        case s.DelegateTaskRequest(wait_s=wait_s) if wait_s > 0:
            task = await backend.delegate_task(request.model_copy(update={"wait_s": 0}))
            return await _watch(backend, task, wait_s, report)
        case s.GetTaskRequest(wait_s=wait_s) if wait_s > 0:
            task = await backend.get_task(request.model_copy(update={"wait_s": 0}))
            return await _watch(backend, task, wait_s, report)
        case s.SendMessageRequest(wait_s=wait_s) if wait_s > 0:
            return await _send_message(backend, request, wait_s, report)
        case s.PullModelRequest(wait_s=wait_s) | s.GetPullRequest(wait_s=wait_s) if wait_s > 0:
            return await _pull(operation, backend, request, wait_s, report)
        case (
            s.CreateSessionRequest()
            | s.StartSessionRequest()
            | s.AnswerQuestionRequest()
            | s.AddAgentRequest()
            | s.SpawnAgentRequest()
        ):
            return await _with_signs_of_life(operation, backend, request, report)
        case _:
            return await operation.run(backend, request)


async def _watch(backend: Backend, task: TaskView, wait_s: float, report: Report) -> TaskView:
    """Report each turn of a task until its end, at most for `wait_s`."""
    deadline = time.monotonic() + wait_s
    told, progress = None, -1.0
    while True:
        if (now := (task.turns_done, _doing(task))) != told:
            told, progress = now, max(task.turns_done, progress + 0.01)  # each report must be further than the last
            await report(progress, task.turns_total, _doing(task))
        left = deadline - time.monotonic()
        if task.status.is_final or left <= 0:
            return task
        task = await backend.get_task(s.GetTaskRequest(task_id=task.task_id, wait_s=min(LOOK_S, left)))


def _doing(task: TaskView) -> str:
    if task.status.is_final:
        return str(task.status)
    if task.current_role is None:
        return "waiting for its turn"
    if task.waiting_for:
        return f"{task.current_role} waits for {task.waiting_for}"
    return f"{task.current_role} speaks"


async def _send_message(
    backend: Backend, request: s.SendMessageRequest, wait_s: float, report: Report
) -> s.SendMessageReply:
    sent = await backend.send_message(request.model_copy(update={"wait_s": 0}))
    first = await backend.get_task(s.GetTaskRequest(task_id=sent.task_id))
    task = await _watch(backend, first, wait_s, report)
    if task.error is not None:
        raise faults.rebuild(task.error, address="delegator", status=503)
    return sent.model_copy(update={"status": task.status, "reply": task.answer})


async def _pull(operation: Operation, backend: Backend, request: Request, wait_s: float, report: Report) -> Reply:
    """Report the share of a download that has come, until its end, at most for `wait_s`."""
    deadline = time.monotonic() + wait_s
    pull = await operation.run(backend, request.model_copy(update={"wait_s": min(LOOK_S, wait_s)}))
    assert isinstance(pull, s.Pull)  # noqa: S101 - the table says so; this is for the type checker
    started, told = pull.started, -1.0
    while True:
        if pull.progress_ratio > told:
            told = pull.progress_ratio
            await report(told, 1.0, pull.phase)
        left = deadline - time.monotonic()
        if pull.status != "running" or left <= 0:
            break
        look = s.GetPullRequest(model=pull.model, endpoint=pull.endpoint, wait_s=min(LOOK_S, left))
        pull = await backend.get_pull(look)
    if pull.error is not None and isinstance(request, s.PullModelRequest):
        raise faults.rebuild(pull.error, address="delegator", status=503)
    return pull.model_copy(update={"started": started})


async def _with_signs_of_life(operation: Operation, backend: Backend, request: Request, report: Report) -> Reply:
    """Do an operation whose inside cannot be watched, and report its seconds."""
    started = time.monotonic()
    call: asyncio.Task[Any] = asyncio.create_task(operation.run(backend, request))
    try:
        while True:
            await report(time.monotonic() - started, None, "starting agents and loading models")
            done, _ = await asyncio.wait({call}, timeout=LOOK_S)
            if done:
                reply: Reply = call.result()
                return reply
    finally:
        call.cancel()
