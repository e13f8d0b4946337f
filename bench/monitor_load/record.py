"""Fills a record with past sessions, as many and as varied as a year of use leaves."""

from __future__ import annotations

import json

import psycopg

RECEIPT = {
    "gb_seconds": 420.5,
    "gb_seconds_saved": 2_310.2,
    "all_roles_gb_seconds": 2_730.7,
    "peak_gb": 14.2,
    "all_roles_gb": 70.0,
    "loads": 2,
    "load_seconds": 6.1,
    "swaps": 1,
    "turns": 5,
    "prompt_tokens": 2_100,
    "reply_tokens": 900,
    "simulated": True,
}

SESSIONS = """
    INSERT INTO delegator_sessions (
        id, session_id, task_description, task_type, task_category, complexity, active_agents, status, analysis,
        limits_max_agents, limits_max_memory_bytes, limits_complexity, simulated, created_at, started_at, ended_at,
        last_activity_at, total_agents_spawned, tasks_delegated, resources_used)
    SELECT gen_random_uuid(), 'session_past_' || n, 'Past task ' || n || ': add a login to part ' || n %% 97,
        'feature_development', (ARRAY['development', 'technical', 'strategic', 'quick_fix', 'hr'])[1 + n %% 5],
        'medium', '["product_manager", "senior_developer"]',
        CASE WHEN n %% 11 = 0 THEN 'failed' ELSE 'completed' END, '{}',
        4, 25000000000, 'medium', true, at, at, at + make_interval(secs => 30 + n %% 400), at, 2, 1,
        %(receipt)s::jsonb || jsonb_build_object('gb_seconds', 100 + n %% 900)
    FROM (SELECT n, now() - n * interval '50 minutes' AS at FROM generate_series(1, %(count)s) AS n) AS numbered
"""

EVENTS = """
    INSERT INTO delegator_events (uid, kind, at, session_id, role, data)
    SELECT gen_random_uuid(), kind, now() - n * interval '50 minutes', 'session_past_' || n, 'senior_developer',
        '{"prompt_tokens": 420, "reply_tokens": 180, "seconds": 9.5, "load_s": 0}'
    FROM generate_series(%(count)s, 1, -1) AS n,
        unnest(ARRAY['session_created', 'turn_completed', 'turn_completed', 'session_ended']) AS kind
"""


def fill(url: str, *, sessions: int) -> None:
    """Add past sessions with their events."""
    values = {"count": sessions, "receipt": json.dumps(RECEIPT)}
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(SESSIONS, values)
        connection.execute(EVENTS, values)
        connection.execute("ANALYZE")
