"""Who caused what is being done: told by the faces with every change, read where an event of it is made.

What a change begins, tasks included, inherits who it was; what comes about by itself was nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_by: ContextVar[str | None] = ContextVar("by", default=None)


def by() -> str | None:
    """Return who caused what is being done; None where it comes about by itself."""
    return _by.get()


@contextmanager
def acting(name: str | None) -> Iterator[None]:
    """Let `name` be who causes what is done here."""
    before = _by.set(name)
    try:
        yield
    finally:
        _by.reset(before)
