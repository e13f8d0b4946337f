"""Telling people that something goes on: a spinner with its line on a terminal, plain lines otherwise.

All on standard error, so that results can be piped. Owns how progress looks; what it says comes from the commands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from rich.status import Status
from rich.text import Text

from serve_app.cli.terminal import Terminal
from serve_app.formats import clean, one_line

Answer = TypeVar("Answer")

PATIENCE_S = 0.7
"""Real seconds before a wait is told about: what comes sooner needs no words."""


class Progress:
    """One thing that goes on, as a context: says what it is, what it is at, and what it has done.

    `now` replaces the line of the spinner; without a terminal it prints each new line once. `done` leaves a line
    behind. `aside` clears the spinner for as long as results are printed.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._console = terminal.err
        self._status: Status | None = None
        self._last = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def now(self, text: str) -> None:
        """Say what goes on at this moment."""
        line = one_line(text)
        if line == self._last:
            return
        self._last = line
        if not self._console.is_terminal:
            self._console.print(Text(line), soft_wrap=True)
        elif self._status is None:
            self._status = Status(Text(line), console=self._console, spinner="dots")
            self._status.start()
        else:
            self._status.update(Text(line))

    def step(self, text: str) -> None:
        """Say that the next of several steps begins; the one before it has come to its end."""
        if self._last and self._console.is_terminal:
            self.done(self._last)
        self.now(text)

    def done(self, text: str) -> None:
        """Say what has come to its end; the line stays."""
        mark = ("✓ ", "green") if self._console.is_terminal else ""
        self._console.print(Text.assemble(mark, clean(text)))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Make room for results: both streams may be the same terminal."""
        self._stop()
        last, self._last = self._last, ""
        yield
        if last and self._console.is_terminal:
            self.now(last)

    def _stop(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


async def patiently(terminal: Terminal, answer: Awaitable[Answer], *, saying: str) -> Answer:
    """Wait for `answer`; once that takes a moment, say what is waited for."""
    waiting = asyncio.ensure_future(answer)
    try:
        done, _ = await asyncio.wait({waiting}, timeout=PATIENCE_S)
        if done:
            return waiting.result()
        with Progress(terminal) as progress:
            progress.now(saying)
            return await waiting
    except asyncio.CancelledError:
        waiting.cancel()
        raise
