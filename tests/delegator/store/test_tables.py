from __future__ import annotations

import psycopg
import pytest

from delegator.store.store import Store
from tests.delegator.store.make import a_message, a_session, a_task, team_of


@pytest.fixture
async def filled(store: Store) -> None:
    session = a_session(active_agents=("ceo",))
    await store.create_session(session, team_of(session), [])
    await store.create_task(a_task(), [])
    await store.add_turn(a_message(), [])


CHECKED = [
    "UPDATE delegator_sessions SET status = 'error'",
    "UPDATE delegator_sessions SET task_type = 'cooking'",
    "UPDATE delegator_sessions SET task_category = 'cooking'",
    "UPDATE delegator_sessions SET complexity = 'extreme'",
    "UPDATE delegator_sessions SET limits_complexity = 'extreme'",
    "UPDATE delegator_sessions SET active_agents = '{}'",
    "UPDATE delegator_sessions SET context = '[]'",
    "UPDATE delegator_sessions SET clock_scale = 0",
    "UPDATE delegator_sessions SET total_agents_spawned = -1",
    "UPDATE delegator_sessions SET status = 'completed'",
    "UPDATE delegator_sessions SET ended_at = now()",
    "UPDATE delegator_tasks SET kind = 'gossip'",
    "UPDATE delegator_tasks SET status = 'lost'",
    "UPDATE delegator_tasks SET turns = '{}'",
    "UPDATE delegator_tasks SET status = 'failed'",
    "UPDATE delegator_messages SET purpose = 'applaud'",
    "UPDATE delegator_messages SET turn = -1",
    "UPDATE delegator_messages SET reply_tokens = -1",
    "UPDATE delegator_messages SET attempts = 0",
    "INSERT INTO delegator_events (uid, kind, at) VALUES (gen_random_uuid(), 'party', now())",
    "INSERT INTO delegator_events (uid, kind, at, data) VALUES (gen_random_uuid(), 'drift_found', now(), '[]')",
    "INSERT INTO delegator_residents VALUES ('e', 'm', 0, 1, now())",
    "INSERT INTO delegator_plans VALUES ('p', now(), now(), '[]', '{}')",
    "INSERT INTO delegator_plans VALUES ('p', now(), now(), '{}', '[]')",
]
SAID = """
    INSERT INTO delegator_messages (task_id, session_id, turn, from_role, purpose, text, model, prompt_tokens,
        reply_tokens, seconds, load_seconds, attempts, created_at)
    VALUES ('task_1', 'session_1', 0, 'ceo', 'frame', '', 'm', 0, 0, 0, 0, 1, now())
"""
UNIQUE = [
    "INSERT INTO delegator_agents (session_id, role, model, spawned_at) VALUES ('session_1', 'ceo', 'm', now())",
    SAID,
]
FOREIGN = [
    "INSERT INTO delegator_agents (session_id, role, model, spawned_at) VALUES ('session_0', 'ceo', 'm', now())",
    "UPDATE delegator_tasks SET session_id = 'session_0'",
    "UPDATE delegator_messages SET session_id = 'session_0'",
]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("statement", CHECKED)
def test_a_row_that_means_nothing_is_refused(sql: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        sql.execute(statement)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("statement", UNIQUE)
def test_what_is_there_once_stays_once(sql: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        sql.execute(statement)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("statement", FOREIGN)
def test_a_row_belongs_to_one_that_exists(sql: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        sql.execute(statement)


QUESTIONS = {
    "open sessions": (
        "SELECT * FROM delegator_sessions WHERE status IN ('starting', 'active') ORDER BY created_at DESC",
        "ix_delegator_sessions_open",
    ),
    "history": (
        "SELECT * FROM delegator_sessions ORDER BY created_at DESC, session_id DESC LIMIT 50",
        "ix_delegator_sessions_history",
    ),
    "history of a day, oldest first": (
        "SELECT * FROM delegator_sessions WHERE created_at >= '2025-11-12' ORDER BY created_at, session_id LIMIT 50",
        "ix_delegator_sessions_history",
    ),
    "statistics": (
        "SELECT count(*) FROM delegator_sessions WHERE created_at >= '2025-11-12' AND created_at < '2025-11-13'",
        "ix_delegator_sessions_history",
    ),
    "events of a session": (
        "SELECT * FROM delegator_events WHERE session_id = 'session_1' ORDER BY event_id",
        "ix_delegator_events_session_id",
    ),
    "latest events of a kind": (
        "SELECT * FROM delegator_events WHERE kind = 'alert_raised' AND event_id > 0 ORDER BY event_id DESC LIMIT 50",
        "ix_delegator_events_kind",
    ),
    "unfinished tasks": (
        "SELECT * FROM delegator_tasks WHERE status IN ('queued', 'running', 'needs_input') ORDER BY created_at",
        "ix_delegator_tasks_unfinished",
    ),
    "turns of a task": (
        "SELECT * FROM delegator_messages WHERE task_id = 'task_1' ORDER BY turn",
        "uq_delegator_messages_task_id_turn",
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_frequent_questions_have_an_index(sql: psycopg.Connection, question: str) -> None:
    query, index = QUESTIONS[question]
    for method in ("seqscan", "sort", "bitmapscan"):
        sql.execute(f"SET enable_{method} = off")

    plan = "\n".join(line for (line,) in sql.execute(f"EXPLAIN {query}").fetchall())

    assert index in plan
    assert "Sort" not in plan


@pytest.mark.usefixtures("filled")
def test_a_session_can_be_removed_with_all_that_hangs_on_it(sql: psycopg.Connection) -> None:
    """Retention deletes a session in one statement; its events are the log's."""
    sql.execute("DELETE FROM delegator_sessions")

    for table in ("agents", "tasks", "messages"):
        assert sql.execute(f"SELECT count(*) FROM delegator_{table}").fetchone() == (0,)
