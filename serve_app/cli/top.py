"""`delegator top`: who is at work and what that holds in memory, as it changes.

On a terminal the view is drawn anew until Ctrl-C; elsewhere, with --once and with --json it is shown one time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live

from delegator.errors import SystemNotRunning, Unavailable
from delegator.schemas import ListAgentsRequest, NoInput
from serve_app.cli.commands import SYSTEM, AsJson, Url, add_command
from serve_app.cli.progress import patiently
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.layout import line
from serve_app.cli.views.top import Moment, top

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

Once = Annotated[bool, typer.Option("--once", help="Show it one time and end.")]
Every = Annotated[float, typer.Option("--every", min=0.2, max=3600, metavar="SECONDS", help="Between two looks.")]


def show(*, once: Once = False, every: Every = 1.0, as_json: AsJson = False, url: Url = None) -> None:
    """Show what is going on, live."""
    terminal = Terminal(as_json=as_json)
    if once or as_json or not terminal.out.is_terminal:
        found = with_system(url, lambda client: patiently(terminal, look(client), saying="Looking"))
        if as_json:
            terminal.emit(found.as_json())
        else:
            terminal.show(*top(found))
        return
    try:
        with_system(url, lambda client: watch(client, terminal, every_s=every))
    except KeyboardInterrupt:
        return  # how watching ends


async def look(client: AsyncClient) -> Moment:
    """Ask for everything the view shows, at one moment."""
    sessions, agents, resources = await asyncio.gather(
        client.list_active_sessions(NoInput()),
        client.list_active_agents(ListAgentsRequest(all_sessions=True)),
        client.resource_summary(NoInput()),
    )
    return Moment(tuple(sessions.sessions), tuple(agents.agents), resources)


async def watch(client: AsyncClient, terminal: Terminal, *, every_s: float) -> None:
    """Draw the view again and again; a system that does not answer is said so, and waited for. Never returns."""
    found = await look(client)
    with Live(console=terminal.out, screen=True, auto_refresh=False) as live:
        trouble = ""
        while True:
            live.update(Group(*top(found), line((trouble, "bold red"))), refresh=True)
            await asyncio.sleep(every_s)
            try:
                found, trouble = await look(client), ""
            except (Unavailable, SystemNotRunning) as exc:
                trouble = f"As it was: {exc.message}"


def add_top(program: typer.Typer) -> None:
    """Add `delegator top` to the program."""
    add_command(
        program,
        "top",
        show,
        about="Watch who is at work and what that holds in memory, until Ctrl-C.",
        examples=("delegator top", "delegator top --every 5", "delegator top --once", "delegator top --json"),
        panel=SYSTEM,
    )
