"""Exit codes: what a script can tell from how a command ended.

Owns the one mapping from the error tree to numbers; the numbers are public and stay.
"""

from __future__ import annotations

from delegator.errors import DelegatorError, InvalidInput, NoCapacity, NotFound, Unavailable, WrongState
from delegator.schemas import ErrorBody

OK = 0
FAILED = 1
"""The command did its part, but the task, or what it was asked to do, failed."""
INVALID = 2
NOT_FOUND = 3
WRONG_STATE = 4
NO_CAPACITY = 5
UNAVAILABLE = 6
NEEDS_INPUT = 7
"""The session that was asked for is there, and waits to be told something before it starts."""
BUG = 70
INTERRUPTED = 130
TERMINATED = 143

MEANING = {
    OK: "done",
    FAILED: "the task or the operation failed",
    INVALID: "wrong usage or invalid input",
    NOT_FOUND: "no such session, task or file",
    WRONG_STATE: "not possible in the present state",
    NO_CAPACITY: "a limit is reached or memory is short",
    UNAVAILABLE: "the system is not running, or something behind it failed",
    NEEDS_INPUT: "the new session asks a question and waits for the answer (--ask)",
    BUG: "a bug in Delegator",
    INTERRUPTED: "interrupted (Ctrl-C)",
}

_BY_GROUP: tuple[tuple[type[DelegatorError], int], ...] = (
    (InvalidInput, INVALID),
    (NotFound, NOT_FOUND),
    (WrongState, WRONG_STATE),
    (NoCapacity, NO_CAPACITY),
    (Unavailable, UNAVAILABLE),
)


class CommandFailed(Exception):
    """The system answered, but the work it was asked to do failed; carries why, as it was told."""

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(body)
        self.body = body


def exit_code_of(error: DelegatorError) -> int:
    """Return the exit code of an error: that of its group in the tree, FAILED where it belongs to none."""
    return next((code for group, code in _BY_GROUP if isinstance(error, group)), FAILED)
