"""What went wrong at the database, as one sentence for people.

Owns the way from any foreign error to `StoreUnavailable`. The sentence never holds SQL, values or passwords: those may
be a user's own words, and the sentence goes to whoever asked.
"""

from __future__ import annotations

import re

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from delegator.errors import StoreUnavailable

BY_STATE = {
    "28P01": "the password is wrong",
    "28000": "this user may not log in",
    "3D000": "there is no database of that name",
    "42501": "the database user lacks a permission that the tables need",
    "53100": "its disk is full",
    "53200": "it is out of memory",
    "53300": "it has no connection left to give",
    "57014": "a query took too long and was stopped",
    "55P03": "a row stayed locked for too long",
    "40P01": "two changes blocked each other",
    "25P03": "the connection was idle for too long in a change",
    "57P01": "it is shutting down",
    "57P02": "it crashed and is recovering",
    "57P03": "it is still starting, or shutting down",
    "25006": "it is read-only (a standby, or set so)",
    "42P01": "a table is missing: the schema does not fit this version of Delegator",
    "42703": "a column is missing: the schema does not fit this version of Delegator",
}

BY_WORDS = (
    (r"password authentication failed", "the password is wrong"),
    (r"no password supplied", "it asks for a password and the URL has none"),
    (r"role .* does not exist", "there is no database user of that name"),
    (r"database .* does not exist", "there is no database of that name"),
    (r"no pg_hba.conf entry", "it does not let this machine or user in"),
    (r"too many (clients|connections)|remaining connection slots", "it has no connection left to give"),
    (r"the database system is (starting|shutting|not yet)", "it is still starting, or shutting down"),
    (r"in recovery mode", "it crashed and is recovering"),
    (r"connection refused", "nothing listens at its address"),
    (r"no such file or directory", "nothing listens at its socket"),
    (r"permission denied", "its socket belongs to another user"),
    (
        r"could not translate host|name or service not known|failed to resolve|nodename nor servname",
        "its host is unknown",
    ),
    (r"timeout|timed out", "it did not answer in time"),
    (r"no route to host|network is unreachable", "its host cannot be reached"),
    (r"ssl", "the encrypted connection could not be made"),
    (r"no space left", "its disk is full"),
    (
        r"server closed|connection (is|was) (closed|lost)|terminat|broken pipe|reset by peer|bad connection",
        "the connection broke",
    ),
)

NOT_YET = frozenset({"57P01", "57P02", "57P03"})
"""States of a server that will answer soon."""

_NOT_YET_WORDS = re.compile(
    r"starting up|shutting down|recovery mode|not yet accepting|connection refused|no such file|server closed|"
    r"connection is (lost|closed)",
    re.IGNORECASE,
)


def unavailable(exc: BaseException, *, place: str = "") -> StoreUnavailable:
    """Return the error a caller is to read for a foreign one; `place` is where the database is."""
    problem = _problem(exc)
    return StoreUnavailable(f"{problem} ({place})" if place else problem)


def is_passing(exc: BaseException) -> bool:
    """True when the same call may succeed a moment later on a new connection: a restart, a dead connection."""
    cause = _driver_error(exc)
    if isinstance(exc, DBAPIError) and exc.connection_invalidated:
        return True
    if isinstance(cause, psycopg.Error) and cause.sqlstate is not None:
        return cause.sqlstate in NOT_YET or cause.sqlstate == "40P01"
    return isinstance(cause, psycopg.OperationalError) and _NOT_YET_WORDS.search(str(cause)) is not None


def _problem(exc: BaseException) -> str:
    cause = _driver_error(exc)
    if isinstance(cause, (TimeoutError, PoolTimeout)):
        return "it did not answer in time"
    if isinstance(cause, psycopg.Error):
        return _problem_of_driver(cause)
    if isinstance(cause, OSError):
        return "the connection broke"
    if isinstance(cause, SQLAlchemyError):
        return f"the query could not be made ({type(cause).__name__})"
    return f"an unexpected answer ({type(cause).__name__})"


def _driver_error(exc: BaseException) -> BaseException:
    return exc.orig if isinstance(exc, DBAPIError) and exc.orig is not None else exc


def _problem_of_driver(exc: psycopg.Error) -> str:
    state = exc.sqlstate
    if state in BY_STATE:
        return BY_STATE[state]
    if state is not None and state.startswith("23"):
        return f"a record breaks the rule {exc.diag.constraint_name or 'of its table'}"
    if isinstance(exc, psycopg.OperationalError) or state is None:
        words = str(exc).lower()
        for pattern, problem in BY_WORDS:
            if re.search(pattern, words):
                return problem
    return f"it refused with {state}" if state else f"an unexpected answer ({type(exc).__name__})"
