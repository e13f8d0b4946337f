"""How a command is declared: its options every command shares, its examples, its place in the help.

Owns `add_command`; what a command does is in the files of the groups, how it may end in `exits.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from serve_app.cli.exits import MEANING

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]

Url = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Where the system answers, if not the one started on this machine."),
]

WORK = "Work"
SYSTEM = "The system"
TEAM = "Sessions and their teams"
RECORD = "The record"


def group(name: str, about: str) -> typer.Typer:
    """Return an empty group of commands; called alone it prints its help."""
    made = typer.Typer(name=name, help=about, invoke_without_command=True, rich_markup_mode="rich")

    @made.callback(epilog=_epilog((f"delegator {name} --help",)))
    def help_alone(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    return made


def add_command(
    app: typer.Typer,
    name: str,
    function: Callable[..., Any],
    *,
    about: str,
    examples: Sequence[str],
    panel: str | None = None,
) -> None:
    """Add `function` as a command, with its help and the examples that end it.

    Args:
        app: the program or a group of it.
        name: one word.
        function: what it does; its signature makes the arguments and options.
        about: what it is for. The first sentence stands in the list of commands.
        examples: whole command lines.
        panel: under which heading it stands in the list of commands.
    """
    first = about.partition(". ")[0].rstrip(".") + "."
    app.command(name, help=escape(about), short_help=escape(first), epilog=_epilog(examples), rich_help_panel=panel)(
        function
    )


def _epilog(examples: Sequence[str]) -> str:
    lines = "\n".join(f"$ {escape(line)}" for line in examples)
    return f"[bold]Examples[/bold]\n\n{lines}"


def exit_code_lines() -> str:
    """Return the exit codes as the help of the whole program ends with them."""
    lines = "\n".join(f"{code:>3}  {meaning}" for code, meaning in MEANING.items())
    return f"{_epilog(FIRST_STEPS)}\n\n[bold]Exit codes[/bold]\n\n{lines}"


FIRST_STEPS = (
    "delegator up",
    'delegator run "Add user authentication feature"',
    "delegator status",
    "delegator down",
)
