"""The program `delegator`: its commands put together, and the border where every error becomes words and an exit code.

Owns the order of commands in the help and what happens to whatever a command raises; each command is in the file of
its group, exit codes are in `exits.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.main import get_command

from delegator.errors import DelegatorError, InvalidInput
from delegator.schemas import ErrorBody
from serve_app.cli import agents, analysis, exits, sessions, tasks
from serve_app.cli.bugs import log_quietly, record_bug
from serve_app.cli.commands import SYSTEM, TEAM, WORK, exit_code_lines
from serve_app.cli.mcp import add_mcp
from serve_app.cli.models import add_models
from serve_app.cli.offline import add_analyze, add_roles
from serve_app.cli.record import add_record
from serve_app.cli.run import add_run
from serve_app.cli.simulate import add_simulate
from serve_app.cli.system import add_system
from serve_app.cli.tasks import add_ask
from serve_app.cli.terminal import Terminal

ABOUT = """Do a task with a team of local role agents, only those it needs, and see what that saved.

Start with: delegator up"""

app = typer.Typer(
    name="delegator",
    help=ABOUT,
    epilog=exit_code_lines(),
    invoke_without_command=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def program(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a bug.")] = False,
) -> None:
    if version:
        from serve_app.version import VERSION

        typer.echo(VERSION)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


add_run(app)
add_analyze(app)
add_simulate(app)
add_ask(app)
add_system(app)
add_roles(app)
add_record(app)
add_mcp(app)
app.add_typer(sessions.app, rich_help_panel=TEAM)
app.add_typer(agents.app, rich_help_panel=TEAM)
app.add_typer(tasks.app, rich_help_panel=WORK)
app.add_typer(analysis.app, rich_help_panel=SYSTEM)
add_models(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; nothing a command raises leaves here, but with `--debug` a bug.

    Args:
        arguments: the command line without the program's name; None: that of this process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    log_quietly()
    try:
        code = _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        code = exits.FAILED
    return code


def _run(given: list[str]) -> int:
    as_json = "--json" in itertools.takewhile(lambda argument: argument != "--", given)
    try:
        outcome = get_command(app).main(given, prog_name="delegator", standalone_mode=False)
    except typer.TyperException as error:
        return _tell(
            as_json, ErrorBody(code=InvalidInput.code, message=_sentence(error), hint=_usage_hint(error)), exits.INVALID
        )
    except exits.CommandFailed as failed:
        return _tell(as_json, failed.body, exits.FAILED)
    except DelegatorError as error:
        Terminal(as_json=as_json).fail(error)
        return exits.exit_code_of(error)
    except asyncio.CancelledError:
        return _tell(as_json, ErrorBody(code="terminated", message="asked to terminate"), exits.TERMINATED)
    except (KeyboardInterrupt, typer.Abort):
        return _tell(as_json, ErrorBody(code="interrupted", message="interrupted"), exits.INTERRUPTED)
    except SystemExit as leaving:  # Typer leaves so when nobody reads its output any more
        return leaving.code if isinstance(leaving.code, int) else exits.FAILED
    except BrokenPipeError:
        raise
    except Exception as bug:
        if "--debug" in itertools.takewhile(lambda argument: argument.startswith("-"), given):
            raise
        return _tell(as_json, record_bug(bug, given), exits.BUG)
    if outcome == exits.INTERRUPTED:
        return _tell(as_json, ErrorBody(code="interrupted", message="interrupted"), exits.INTERRUPTED)
    return outcome if isinstance(outcome, int) else exits.OK


def _tell(as_json: bool, body: ErrorBody, code: int) -> int:
    Terminal(as_json=as_json).fail_with(body)
    return code


def _sentence(error: typer.TyperException) -> str:
    text = error.format_message().replace("Value error, ", "").rstrip(".")
    return text[:1].lower() + text[1:]


def _usage_hint(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context is not None else "See: delegator --help"


def _forget_output() -> None:
    """Let the interpreter flush its output into nothing: the reader has gone, and that is no error."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
