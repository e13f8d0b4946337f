"""`delegator events`: the event log, as it is or as it grows.

Without --follow it is the operation list_events. With it the log is read on after the last event seen, so that none is
missed or told twice, also over a restart of the system.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Annotated, Any

import typer

from delegator.errors import SystemNotRunning, Unavailable
from delegator.schemas import Event, ListEventsReply, ListEventsRequest
from serve_app.cli.commands import RECORD, add_command
from serve_app.cli.operation_commands import shared_parameters, with_parameters
from serve_app.cli.progress import patiently
from serve_app.cli.request_options import RequestOptions
from serve_app.cli.running import with_system
from serve_app.cli.sessions import SESSION
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.record import event_line

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

LOOK_EVERY_S = 0.5
"""Real seconds between two looks at the log."""

Follow = Annotated[
    bool,
    typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C; --json then prints one object a line."),
]

EVENTS = RequestOptions(model=ListEventsRequest, names={"session_id": "session", "kinds": "kind"})


def show(*, as_json: bool, url: str | None, follow: bool, **values: Any) -> None:
    """Show a run of the log; with `follow` what comes, too."""
    terminal = Terminal(as_json=as_json)
    request = EVENTS.request(values)
    assert isinstance(request, ListEventsRequest)  # noqa: S101 - for the type checker
    if not follow:
        read = with_system(url, lambda client: patiently(terminal, client.list_events(request), saying="Reading"))
        terminal.reply(read)
        return
    try:
        with_system(url, lambda client: follow_log(client, request, terminal))
    except KeyboardInterrupt:
        return  # how following ends


async def follow_log(client: AsyncClient, request: ListEventsRequest, terminal: Terminal) -> None:
    """Print what the request finds, then whatever comes; never returns."""
    began_at = request.after or (await _latest(client))
    reply = await client.list_events(_first(request))
    tell(terminal, reply)
    seen = max(reply.next_after, began_at)
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            reply = await client.list_events(request.model_copy(update={"after": seen, "latest": False}))
        except (Unavailable, SystemNotRunning) as exc:
            terminal.note(f"{exc.message}; waiting for it")
            await _until_back(client)
            continue
        tell(terminal, reply)
        seen = max(seen, reply.next_after)


def tell(terminal: Terminal, reply: ListEventsReply) -> None:
    """Print events, one a line."""
    for event in reply.events:
        if terminal.as_json:
            print(event.model_dump_json(by_alias=True), flush=True)
        else:
            terminal.show(event_line(event))


def _first(request: ListEventsRequest) -> ListEventsRequest:
    """Begin with the last events where no point was named: nobody follows a log from its first line."""
    return request if request.after else request.model_copy(update={"latest": True})


async def _latest(client: AsyncClient) -> int:
    """Return the id of the newest event of all: what a filter finds later is newer than this."""
    newest: list[Event] = (await client.list_events(ListEventsRequest(latest=True, limit=1))).events
    return newest[-1].event_id if newest else 0


async def _until_back(client: AsyncClient) -> None:
    while not await client.ready():  # noqa: ASYNC110 - a system that is away tells nobody when it is back
        await asyncio.sleep(LOOK_EVERY_S)


def add_events(program: typer.Typer) -> None:
    """Add `delegator events` to the program."""
    follow = inspect.Parameter("follow", inspect.Parameter.KEYWORD_ONLY, annotation=Follow, default=False)
    add_command(
        program,
        "events",
        with_parameters(show, [*EVENTS.parameters(), follow, *shared_parameters()], name="list_events"),
        about="Read the event log, oldest first. With --follow as it grows.",
        examples=(
            "delegator events",
            "delegator events --follow",
            f"delegator events --session {SESSION} --after 120 --json",
            "delegator events --follow --kind turn_completed,alert_raised",
        ),
        panel=RECORD,
    )
