"""`delegator mcp`: the MCP server over standard input and output, which brings the system up if it is not.

Owns how the system is started from there: as a process of its own that outlives this one, with nothing on standard
output, since that is the wire. The server itself is `serve_app/stdio.py`.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from http import HTTPStatus
from pathlib import Path

import typer
from pydantic import ValidationError

from delegator.errors import DelegatorError, StartFailed
from delegator.schemas import ErrorReply
from delegator.settings import Settings
from serve_app.cli.commands import SYSTEM, Url, add_command
from serve_app.cli.running import address_of
from serve_app.faults import rebuild


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
        DelegatorError: why it did not come up.
    """
    folder = settings.home_dir / "logs"
    log_file = folder / "up.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Files, not pipes: all that is started inherits them, and would keep a pipe open for as long as it runs.
        with log_file.open("ab") as log, tempfile.TemporaryFile() as answer:
            ended = subprocess.run(
                [sys.executable, "-m", "serve_app.cli", "up", "--json"],
                stdin=subprocess.DEVNULL,
                stdout=answer,
                stderr=log,
                start_new_session=True,  # the host's signals are not for the system
                check=False,
            )
            answer.seek(0)
            told = answer.read()
    except OSError as exc:
        raise StartFailed("the system", str(exc), f"Check that {folder} can be written.") from exc
    if ended.returncode != 0:
        raise _reason(told, log_file)


def _reason(told: bytes, log_file: Path) -> DelegatorError:
    try:
        error = ErrorReply.model_validate_json(told).error
    except ValidationError:
        return StartFailed("the system", "it ended without a reason", f"See {log_file}, or try: delegator up")
    return rebuild(error, address="delegator up", status=HTTPStatus.SERVICE_UNAVAILABLE)


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
