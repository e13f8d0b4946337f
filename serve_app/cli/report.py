"""`delegator report`: the figures of some days as a page with charts, and every session as a row of CSV.

Owns how they are fetched, page by page through the public operations, and where they are written. What they look like
is `serve_app/report/`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from delegator.errors import InvalidInput
from delegator.schemas import HistorySession, SessionHistoryRequest, StatisticsRequest
from serve_app.cli.commands import RECORD, AsJson, Url, add_command
from serve_app.cli.progress import Progress
from serve_app.cli.request_options import validated
from serve_app.cli.running import with_system
from serve_app.cli.terminal import Terminal
from serve_app.cli.views.layout import facts, line
from serve_app.cli.whole_files import check_place, write_file
from serve_app.report import Report, csv_of, html_of

if TYPE_CHECKING:
    from serve_app.client import AsyncClient

PAGE = 200
"""Sessions asked for at a time: the most that session_history gives."""

From = Annotated[str | None, typer.Option("--from", metavar="DAY", help="First UTC day, YYYY-MM-DD. Default: today.")]
To = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last UTC day. Default: the first.")]
Html = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="Where the page goes. Default: delegator-report-FROM-TO.html here."),
]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Where the table of sessions goes, too.")]


def write(
    *,
    from_day: From = None,
    to_day: To = None,
    html: Html = None,
    csv: Csv = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Write the report of some days."""
    terminal = Terminal(as_json=as_json)
    given = {"from": from_day or datetime.now(UTC).date().isoformat(), "to": to_day}
    request = validated(StatisticsRequest, {name: day for name, day in given.items() if day is not None})
    assert isinstance(request, StatisticsRequest)  # noqa: S101 - for the type checker
    page = html or Path(f"delegator-report-{request.from_date}-{request.to_date or request.from_date}.html")
    _check_places(page, csv)
    with Progress(terminal) as progress:
        report = with_system(url, lambda client: fetch(client, request, progress.now))
    write_file(page, html_of(report), "--html")
    if csv is not None:
        write_file(csv, csv_of(report.sessions), "--csv")
    if as_json:
        told = {"html": str(page), "csv": None if csv is None else str(csv), "sessions": len(report.sessions)}
        terminal.emit({"from": str(report.figures.from_date), "to": str(report.figures.to_date), **told})
    else:
        terminal.show(line(("Report written", "bold green")), _written(report, page, csv))


def _check_places(page: Path, csv: Path | None) -> None:
    """Find out whether both files can be written, before anything is asked for."""
    check_place(page, "--html")
    if csv is None:
        return
    check_place(csv, "--csv")
    if os.path.realpath(csv) == os.path.realpath(page):
        raise InvalidInput("--csv", f"{csv} is where the page goes", "Name another file for the table.")


def _written(report: Report, page: Path, csv: Path | None) -> RenderableType:
    return facts(
        (("sessions", len(report.sessions)), ("page", str(page)), ("table", None if csv is None else str(csv)))
    )


async def fetch(client: AsyncClient, request: StatisticsRequest, say: Callable[[str], None]) -> Report:
    """Read figures and sessions of the days."""
    say("Counting")
    figures = await client.statistics(request)
    sessions = await _sessions_of(client, figures.from_date, figures.to_date, say)
    return Report(figures, tuple(sessions), datetime.now(UTC))


async def _sessions_of(
    client: AsyncClient, first: date, last: date, say: Callable[[str], None]
) -> list[HistorySession]:
    """Return the sessions of the days, newest first, each once though new ones may begin while pages are turned."""
    found: dict[str, HistorySession] = {}
    page = pages = 1
    while page <= pages:
        asked = SessionHistoryRequest(from_date=first, to_date=last, page=page, page_size=PAGE)
        reply = await client.session_history(asked)
        found |= {session.session_id: session for session in reply.sessions}
        pages, page = reply.pages, page + 1
        say(f"Reading sessions: {len(found)} of {reply.total_sessions}")
    return list(found.values())


def add_report(program: typer.Typer) -> None:
    """Add `delegator report` to the program."""
    add_command(
        program,
        "report",
        write,
        about="Write a report over some days: a page with charts, and the sessions as CSV.",
        examples=(
            "delegator report --from 2025-11-01 --to 2025-11-30",
            "delegator report --from 2025-11-01 --to 2025-11-30 --html november.html --csv november.csv",
            "delegator report --json",
        ),
        panel=RECORD,
    )
