"""`delegator receipt`: what a session has used, and with --verify whether the event log bears that out.

Owns how the log is fetched: by the public operations, page by page, so that anybody with access to the system can do
the same. The check itself is `delegator/sessions/verification.py`, and runs here, not in the system that is checked.
"""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from delegator.schemas import Event, ListEventsRequest, Receipt, SessionRef
from delegator.sessions.verification import Difference, differences
from serve_app.cli.commands import TEAM, add_command
from serve_app.cli.exits import FAILED
from serve_app.cli.operation_commands import shared_parameters, with_parameters
from serve_app.cli.progress import patiently
from serve_app.cli.request_options import RequestOptions
from serve_app.cli.running import with_system
from serve_app.cli.sessions import SESSION
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.receipt import receipt, verdict

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

PAGE = 1_000
"""Events asked for at a time: the most that list_events gives."""

Verify = Annotated[
    bool, typer.Option("--verify", help="Recompute it here from the event log; exit with 1 where a figure differs.")
]

RECEIPT = RequestOptions(model=SessionRef, arguments={"session_id": "SESSION"})


@dataclass(frozen=True, slots=True)
class Checked:
    """A receipt, the number of events it was recomputed from, and where the two differ."""

    receipt: Receipt
    events: int
    differences: list[Difference]

    def as_json(self) -> dict[str, Any]:
        """Return the one object that `--verify --json` prints."""
        return {
            "session_id": self.receipt.session_id,
            "agrees": not self.differences,
            "events": self.events,
            "differences": [asdict(difference) for difference in self.differences],
            "receipt": self.receipt.model_dump(mode="json"),
        }


def show(*, as_json: bool, url: str | None, verify: bool, **values: Any) -> None:
    """Show the receipt of one session; with `verify`, check it."""
    terminal = Terminal(as_json=as_json)
    request = RECEIPT.request(values)
    assert isinstance(request, SessionRef)  # noqa: S101 - for the type checker

    async def work(client: AsyncClient) -> Receipt | Checked:
        asked = check(client, request) if verify else client.get_receipt(request)
        return await patiently(terminal, asked, saying="Reading the receipt")

    found = with_system(url, work)
    if isinstance(found, Receipt):
        terminal.reply(found)
        return
    if as_json:
        terminal.emit(found.as_json())
    else:
        terminal.show(*receipt(found.receipt), *verdict(found.differences, events=found.events))
    if found.differences:
        raise typer.Exit(FAILED)


async def check(client: AsyncClient, request: SessionRef) -> Checked:
    """Fetch a receipt and the events of its session, and hold one against the other."""
    shown = await client.get_receipt(request)
    events = await events_of(client, request.session_id)
    return Checked(shown, len(events), differences(shown, events))


async def events_of(client: AsyncClient, session_id: str) -> list[Event]:
    """Return all events of one session, oldest first."""
    events: list[Event] = []
    after = 0
    while True:
        page = await client.list_events(ListEventsRequest(session_id=session_id, after=after, limit=PAGE))
        events += page.events
        if len(page.events) < PAGE:
            return events
        after = page.next_after


def add_receipt(program: typer.Typer) -> None:
    """Add `delegator receipt` to the program."""
    verify = inspect.Parameter("verify", inspect.Parameter.KEYWORD_ONLY, annotation=Verify, default=False)
    add_command(
        program,
        "receipt",
        with_parameters(show, [*RECEIPT.parameters(), verify, *shared_parameters()], name="get_receipt"),
        about="Show what a session has used, against all roles kept in memory for as long.",
        examples=(
            f"delegator receipt {SESSION}",
            f"delegator receipt {SESSION} --verify",
            f"delegator receipt {SESSION} --json",
        ),
        panel=TEAM,
    )
