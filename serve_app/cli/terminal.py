"""Where a command writes: results to standard output, everything on the way to standard error.

Owns colour, width and JSON rules. Colours only on a terminal and never with NO_COLOR; piped output is plain text that
keeps ids whole. With `as_json` standard output carries exactly one JSON object. What is written is made in `views/`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.text import Text

from delegator.errors import DelegatorError
from delegator.schemas import ErrorBody, ErrorReply, Reply
from serve_app.cli.operation_words import in_commands
from serve_app.cli.views import view_of
from serve_app.faults import body_of
from serve_app.formats import clean

STDOUT, STDERR = 1, 2

PIPED_WIDTH = 120
"""Columns of output that goes to a file or another program, unless COLUMNS says otherwise."""


class Terminal:
    """The two streams of one command.

    Attributes:
        out: results. Nothing goes here but through `show` and `emit`.
        err: progress, notes and errors.
        as_json: the caller wants one JSON object instead of text.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.out = _console(sys.stdout)
        self.err = _console(sys.stderr)

    def show(self, *parts: RenderableType) -> None:
        """Print results for people. Plain text among `parts` is never read as markup."""
        if self.out.is_terminal:
            for part in parts:
                self.out.print(part)
            return
        with self.out.capture() as captured:
            for part in parts:
                self.out.print(part)
        # rich fills lines up to the width of the page: only trouble in a file or a diff
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        self.out.file.flush()

    def reply(self, reply: Reply) -> None:
        """Print the reply of an operation in the form that was asked for."""
        if self.as_json:
            self.emit(reply)
        else:
            self.show(*view_of(reply))

    def emit(self, value: BaseModel | dict[str, Any]) -> None:
        """Print the one JSON object of this command: on one line when piped, indented on a terminal."""
        data = value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else value
        print(json.dumps(data, indent=2 if self.out.is_terminal else None), flush=True)

    @contextmanager
    def only_ours(self) -> Iterator[None]:
        """Keep what libraries and child processes print off standard output meanwhile: it goes to standard error."""
        sys.stdout.flush()
        try:
            ours = os.dup(STDOUT)
        except OSError:  # closed: then nothing can be printed there
            yield
            return
        os.dup2(STDERR, STDOUT)
        try:
            yield
        finally:
            sys.stdout.flush()
            os.dup2(ours, STDOUT)
            os.close(ours)

    @property
    def can_ask(self) -> bool:
        """True when somebody sits at it: questions can be put on standard error and answered on standard input."""
        return not self.as_json and self.err.is_terminal and sys.stdin.isatty()

    def note(self, text: str) -> None:
        """Tell something that is not the result, on standard error."""
        self.err.print(Text(clean(text)), soft_wrap=True)

    def fail(self, error: DelegatorError) -> None:
        """Tell an error: as a JSON object where JSON was asked for, otherwise what is wrong and what would be right."""
        self.fail_with(body_of(error))

    def fail_with(self, body: ErrorBody) -> None:
        """Tell an error that came as a reply."""
        if self.as_json:
            self.emit(ErrorReply(error=body))
            return
        self.err.print(Text.assemble(("error: ", "bold red"), clean(body.message)), soft_wrap=True)
        if body.hint:
            self.err.print(Text.assemble(("hint: ", "bold"), clean(in_commands(body.hint))), soft_wrap=True)


def _console(stream: TextIO) -> Console:
    on_terminal = stream.isatty()
    plain = bool(os.environ.get("NO_COLOR")) or not on_terminal
    return Console(
        file=stream,
        force_terminal=on_terminal,
        color_system=None if plain else "auto",
        no_color=plain,
        width=None if on_terminal or os.environ.get("COLUMNS", "").isdigit() else PIPED_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )
