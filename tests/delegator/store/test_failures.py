from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from delegator.store.failures import is_passing, unavailable

AT = 'connection failed: connection to server at "10.0.0.9", port 5432 failed: '

# What libpq writes when a connection cannot be made; none of these carries a code.
CONNECTING = [
    (AT + "Connection refused\n\tIs the server running on that host?", "nothing listens at its address", True),
    (AT + 'FATAL:  password authentication failed for user "me"', "the password is wrong", False),
    (AT + "fe_sendauth: no password supplied", "it asks for a password and the URL has none", False),
    (AT + 'FATAL:  database "s3cret" does not exist', "there is no database of that name", False),
    (AT + 'FATAL:  role "s3cret" does not exist', "there is no database user of that name", False),
    (AT + 'FATAL:  no pg_hba.conf entry for host "::1"', "it does not let this machine or user in", False),
    (AT + "FATAL:  sorry, too many clients already", "it has no connection left to give", False),
    (AT + "FATAL:  the database system is starting up", "it is still starting, or shutting down", True),
    (AT + "FATAL:  the database system is in recovery mode", "it crashed and is recovering", True),
    (AT + "No route to host", "its host cannot be reached", False),
    (AT + "server does not support SSL, but SSL was required", "the encrypted connection could not be made", False),
    ("failed to resolve host 'db.s3cret': [Errno -2] Name or service not known", "its host is unknown", False),
    ("connection timeout expired", "it did not answer in time", False),
    ("the connection is lost", "the connection broke", True),
    ("consuming input failed: server closed the connection unexpectedly", "the connection broke", True),
]


@pytest.mark.parametrize(("words", "problem", "passing"), CONNECTING)
def test_what_libpq_writes_becomes_a_sentence(words: str, problem: str, passing: bool) -> None:
    error = psycopg.OperationalError(words)

    for exc in (error, OperationalError("SELECT s3cret", {"text": "s3cret"}, error)):
        assert unavailable(exc).problem == problem
        assert is_passing(exc) is passing
    assert unavailable(error, place="work at db").problem == f"{problem} (work at db)"


@pytest.mark.parametrize("exc", [TimeoutError(), OSError("s3cret"), ValueError("s3cret"), psycopg.DataError("s3cret")])
def test_no_foreign_error_shows_its_own_words(exc: Exception) -> None:
    assert "s3cret" not in str(unavailable(exc))
    assert not is_passing(exc)


def test_a_lost_connection_may_be_tried_again() -> None:
    error = OperationalError("SELECT 1", None, psycopg.InterfaceError("odd"), connection_invalidated=True)

    assert is_passing(error)


def test_two_changes_that_blocked_each_other_may_be_tried_again() -> None:
    assert is_passing(psycopg.errors.DeadlockDetected("deadlock detected"))
    assert not is_passing(psycopg.errors.UniqueViolation("duplicate key"))
