"""Who calls, as callers say of themselves: each face notes it, the gateway and the client hand it on.

Until callers have tokens this is a courtesy, not a proof: it stands in the event log as it was told, as `by`. Whatever
is told becomes at most `LONGEST` printable characters; nothing of it is ever an error.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "Delegator-Client"
"""The HTTP header in which a caller names himself, in UTF-8."""

LONGEST = 100
"""Most characters of a name."""

HTTP = "http"
MCP = "mcp"
CLI = "cli"
MONITOR = "monitor"

_MANY = 4 * LONGEST
"""Characters of a name that are looked at at all."""

_caller: ContextVar[str] = ContextVar("caller", default="")


def current() -> str:
    """Return who calls; empty where no face has said so."""
    return _caller.get()


@contextmanager
def calling(name: str) -> Iterator[None]:
    """Let `name`, cleaned, be who calls, here and in what is begun here."""
    before = _caller.set(cleaned(name))
    try:
        yield
    finally:
        _caller.reset(before)


def cleaned(name: str) -> str:
    """Return what a caller says of himself as one line of printable characters, cut where it is long."""
    printable = "".join(character if character.isprintable() else " " for character in name[:_MANY])
    return " ".join(printable.split())[:LONGEST].rstrip()


def over_http(header: str | None) -> str:
    """Return who calls by the value of `HEADER`, which a server reads as Latin-1 whatever it is."""
    told = "" if header is None else header[:_MANY].encode("latin-1", "replace").decode("utf-8", "replace")
    return cleaned(told) or HTTP


def over_mcp(client: str | None) -> str:
    """Return who calls by the name that an MCP client gives itself; None where it is not known."""
    return cleaned(f"{MCP}: {name}") if (name := cleaned(client or "")) else MCP


def at_the_command_line() -> str:
    """Return who calls: the command line, with the user's login name where the system tells it."""
    try:
        return cleaned(f"{CLI}: {getpass.getuser()}")
    except (OSError, KeyError, ImportError):  # a container may know no name for its user
        return CLI
