"""Answering tasks line by line: each at once where they come one by one, several at a time where many wait.

Owns how lines are taken and spread over processes; what a line means and how it is answered is the caller's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from io import BufferedReader
from multiprocessing import get_context
from typing import IO

AT_ONCE_BYTES = 1 << 17
"""So much waiting input is taken in one go."""

WORTH_SHARING = 200
"""From so many waiting lines on, other processes help: they take a tenth of a second to start."""

SLICE = 50
"""Lines one process takes at a time."""

LineAnswer = Callable[[bytes], bytes]


def answer_stream(lines: BufferedReader, out: IO[bytes], answer: LineAnswer) -> None:
    """Answer every line with one line, in order; what is there is answered and flushed before more is read."""
    with ExitStack() as stack:
        helpers: Executor | None = None
        for waiting in _waiting(lines):
            if helpers is None and len(waiting) >= WORTH_SHARING and can_share():
                helpers = stack.enter_context(_helpers())
            out.writelines(_answers(waiting, answer, helpers if len(waiting) >= WORTH_SHARING else None))
            out.flush()


def can_share() -> bool:
    """True where processes share what this one has loaded: where they are forked, and there are cores for them."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


def _helpers() -> Executor:
    return ProcessPoolExecutor(min(os.cpu_count() or 1, 8), mp_context=get_context("fork"))


def _waiting(stream: BufferedReader) -> Iterator[list[bytes]]:
    """Yield the whole lines that wait, at least one; the last may lack its end."""
    rest = b""
    while found := stream.read1(AT_ONCE_BYTES):
        *whole, rest = (rest + found).split(b"\n")
        if whole:
            yield whole
    if rest:
        yield [rest]


def _answers(lines: Sequence[bytes], answer: LineAnswer, helpers: Executor | None) -> Iterator[bytes]:
    if helpers is None:
        yield from map(answer, lines)
        return
    slices = [lines[start : start + SLICE] for start in range(0, len(lines), SLICE)]
    for answers in helpers.map(partial(_all, answer), slices):
        yield from answers


def _all(answer: LineAnswer, lines: Sequence[bytes]) -> list[bytes]:
    return [answer(line) for line in lines]
