"""`delegator mcp`: the MCP server over standard input and output, which brings the system up if it is not.

Owns how the system is started from there: as a process of its own that outlives this one, with nothing on standard
output, since that is the wire. The server itself is `serve_app/stdio.py`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import typer

from delegator.errors import StartFailed
from delegator.settings import Settings
from serve_app.cli.commands import SYSTEM, Url, add_command
from serve_app.cli.running import address_of

LOG_LINES = 5
"""Lines of the starting system's log that are told when it does not come up."""


def mcp(*, url: Url = None) -> None:
    """Serve MCP until standard input ends."""
    from serve_app.client import AsyncClient
    from serve_app.stdio import run_stdio

    address = address_of(url)
    settings = Settings.load()
    ensure_running = None if url is not None else lambda: start_detached(settings)
    run_stdio(lambda: AsyncClient(address), ensure_running=ensure_running)


def start_detached(settings: Settings) -> None:
    """Run `delegator up` as a process that outlives this one, and return once the system is up.

    Raises:
        StartFailed: it did not come up; with the end of what it said.
    """
    folder = settings.home_dir / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    log_file = folder / "up.log"
    with log_file.open("ab") as log:
        ended = subprocess.run(
            [sys.executable, "-m", "serve_app.cli", "up"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # the host's signals are not for the system
            check=False,
        )
    if ended.returncode != 0:
        raise StartFailed("the system", _end_of(log_file), f"The whole story is in {log_file}; or try: delegator up")


def _end_of(log_file: Path) -> str:
    lines = log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    return " / ".join(line.strip() for line in lines[-LOG_LINES:] if line.strip()) or "it said nothing"


def add_mcp(program: typer.Typer) -> None:
    """Add `delegator mcp` to the program."""
    add_command(
        program,
        "mcp",
        mcp,
        about="Serve MCP on standard input and output. For Claude Desktop, Claude Code, VS Code and their like: starts "
        "the system if it is not up, and ends with the program that started it. Standard output carries MCP only, "
        "so there is no --json here.",
        examples=(
            "delegator mcp",
            "claude mcp add delegator -- delegator mcp",
            "delegator mcp --url http://127.0.0.1:8000",
        ),
        panel=SYSTEM,
    )
