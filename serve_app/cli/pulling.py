"""Watching downloads: a bar for each on a terminal, a line for every tenth otherwise; all on standard error.

Owns the pace of asking and what Ctrl-C does to a download: it stops what this command started, and nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from delegator.errors import DelegatorError, PullNotFound
from delegator.schemas import ErrorBody, GetPullRequest, ModelRef, Pull, PullModelRequest
from serve_app.cli.exits import CommandFailed
from serve_app.cli.progress import Progress as Lines
from serve_app.cli.terminal import Terminal
from serve_app.cli.watching import ASK_EVERY_S
from serve_app.formats import gigabytes, one_line

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

FIRST_ANSWER_S = 1.0
"""Real seconds the first call waits: an unknown model, or one that is there, is told at once."""

Seen = Callable[[Pull], None]


async def fetch(client: AsyncClient, model: str, *, endpoint: str | None, seen: Seen) -> Pull:
    """Have a model fetched and return how that ended; `seen` is called with each look on the way.

    Raises:
        ModelNotFound: the registry has no such model.
        DelegatorError: it failed at once.
    """
    request = PullModelRequest.model_validate(
        {"model": model, "wait_s": FIRST_ANSWER_S} | ({"endpoint": endpoint} if endpoint else {})
    )
    pull = await client.pull_model(request)
    started = pull.started
    look = GetPullRequest(model=model, endpoint=pull.endpoint)
    try:
        while pull.status == "running":
            seen(pull)
            await asyncio.sleep(ASK_EVERY_S)
            pull = await _look(client, look, request)
    except asyncio.CancelledError:
        if started:
            await _stop(client, ModelRef(model=model, endpoint=pull.endpoint))
        raise
    return pull


async def _look(client: AsyncClient, look: GetPullRequest, request: PullModelRequest) -> Pull:
    """Return how a download stands; one that went down with its host is taken up again, where it was."""
    try:
        return await client.get_pull(look)
    except PullNotFound:
        return await client.pull_model(request)


async def _stop(client: AsyncClient, model: ModelRef) -> None:
    """Stop a download on the way out; where the system has gone it has stopped by itself."""
    try:
        await client.cancel_pull(model)
    except DelegatorError:
        return


def failure_of(pull: Pull) -> ErrorBody:
    """Return why a download has not come to its end."""
    again = f"What has come is kept. Go on with: delegator models pull {pull.model}"
    return pull.error or ErrorBody(
        code="pull_cancelled", message=f"the download of '{pull.model}' was cancelled", hint=again
    )


def raise_if_failed(pull: Pull) -> None:
    """Do nothing for a download that succeeded or still runs.

    Raises:
        CommandFailed: it failed or was cancelled.
    """
    if pull.status in ("failed", "cancelled"):
        raise CommandFailed(failure_of(pull))


@contextmanager
def shown(terminal: Terminal, model: str) -> Iterator[Seen]:
    """Show one download for as long as it is looked at."""
    if not terminal.err.is_terminal:
        with Lines(terminal) as lines:
            yield lambda pull: lines.now(_tenth(pull))
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[size]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=terminal.err, transient=True) as bars:
        bar = bars.add_task(one_line(model), total=None, size="", start=True)

        def see(pull: Pull) -> None:
            total = 1.0 if pull.total_gb else None
            bars.update(bar, total=total, completed=pull.progress_ratio, size=_size(pull))

        yield see


def _size(pull: Pull) -> str:
    return f"{pull.completed_gb:.1f} of {gigabytes(pull.total_gb)}" if pull.total_gb else one_line(pull.phase)


def _tenth(pull: Pull) -> str:
    if not pull.total_gb:
        return f"{pull.model}: {pull.phase}"
    return f"{pull.model}: {int(pull.progress_ratio * 10) * 10} % of {gigabytes(pull.total_gb)}"
