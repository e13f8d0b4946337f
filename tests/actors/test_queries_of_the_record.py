"""History, statistics and events: from a request to what the store says and back to a reply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from actors.queries import Queries
from delegator.errors import EventNotFound
from delegator.schemas import (
    EventKind,
    ListEventsRequest,
    SessionHistoryRequest,
    SessionStatus,
    StatisticsRequest,
    TaskCategory,
)
from delegator.store.store import Store
from tests.delegator.store.make import a_message, a_session, a_task, an_event, team_of

NOW = datetime(2025, 11, 12, 15, tzinfo=UTC)
TODAY = NOW.date()


@pytest.fixture
def queries(store: Store) -> Queries:
    """Queries on a real store at `NOW`, with no session running."""
    clock = SimpleNamespace(now=lambda: NOW)
    parts = SimpleNamespace(store=store, clock=clock)

    async def record_of(session_id: str) -> Any:
        return await store.session(session_id)

    book = SimpleNamespace(record_of=record_of)
    return Queries(cast(Any, parts), cast(Any, book), *cast(Any, (None, None)))


async def created(store: Store, session_id: str, **changes: Any) -> None:
    session = a_session(session_id, **({"created_at": NOW} | changes))
    await store.create_session(session, team_of(session), [])


# ── history ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def shown(queries: Queries, **wanted: Any) -> list[str]:
    reply = await queries.history(SessionHistoryRequest.model_validate(wanted))
    return [session.session_id for session in reply.sessions]


async def test_history_is_paged_by_the_size_that_is_asked_for(store: Store, queries: Queries) -> None:
    for number in range(5):
        await created(store, f"s{number}", created_at=NOW + timedelta(seconds=number))

    reply = await queries.history(SessionHistoryRequest(page=2, page_size=2))

    assert [session.session_id for session in reply.sessions] == ["s2", "s1"]
    assert (reply.total_sessions, reply.page, reply.pages) == (5, 2, 3)


async def test_every_wish_of_the_history_reaches_the_store(store: Store, queries: Queries) -> None:
    await created(store, "wanted", task_category=TaskCategory.HR, task_description="Adjust salaries")
    await created(store, "other kind", task_description="Adjust salaries")
    await created(store, "other text", task_category=TaskCategory.HR)
    await created(store, "too early", task_category=TaskCategory.HR, task_description="Adjust salaries",
                  created_at=NOW - timedelta(days=1))  # fmt: skip
    await created(store, "ended", task_category=TaskCategory.HR, task_description="Adjust salaries")
    await store.end_session("ended", SessionStatus.COMPLETED, NOW, None, None, [])

    wish = {"category": "hr", "status": "starting", "text": "SALARIES"}
    assert await shown(queries, **wish, date=TODAY) == ["wanted"]
    assert await shown(queries, **wish, sort="started", descending=False) == ["too early", "wanted"]
    assert await shown(queries, **wish, **{"from": TODAY - timedelta(days=1), "to": TODAY - timedelta(days=1)}) == [
        "too early"
    ]


async def test_a_range_without_an_end_reaches_to_today(store: Store, queries: Queries) -> None:
    for days in (-1, 0, 1):
        await created(store, f"day {days}", created_at=NOW + timedelta(days=days))

    assert await shown(queries, **{"from": TODAY}) == ["day 0"]
    assert await shown(queries, **{"from": TODAY + timedelta(days=1)}) == []
    assert await shown(queries) == ["day 1", "day 0", "day -1"]


# ── statistics ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_statistics_carry_every_figure_of_the_store(store: Store, queries: Queries) -> None:
    await created(store, "s1", active_agents=("ceo",))
    await store.create_task(a_task("t1", "s1"), [])
    await store.add_turn(a_message(task_id="t1", session_id="s1", from_role="ceo"), [])
    loaded = an_event(EventKind.MODEL_LOADED, "s1", data={"load_s": 4.5, "evicted": ["a"]})
    await store.append_events([loaded, *(an_event(kind, "s1") for kind in PREFETCHED)])
    used = {
        "gb_seconds": 100.0,
        "all_roles_gb_seconds": 400,
        "money": {"currency": "EUR", "used": {"total": 0.25}, "saved": 0.75},
    }
    await store.end_session("s1", SessionStatus.COMPLETED, NOW + timedelta(seconds=1), None, used, [])

    reply = (await queries.statistics(StatisticsRequest())).model_dump(by_alias=True)

    assert reply.pop("durations")[0] == {"up_to_seconds": 10.0, "sessions": 1}
    assert reply == {
        "from": TODAY,
        "to": TODAY,
        "total_sessions": 1,
        "avg_agents_per_session": 1.0,
        "total_agents_spawned": 1,
        "category_breakdown": {"development": 1},
        "tasks_delegated": 1,
        "completed_sessions": 1,
        "failed_sessions": 0,
        "avg_duration_seconds": 10.0,
        "gb_seconds": 100.0,
        "gb_seconds_saved": 300.0,
        "simulated_sessions": 1,
        "days": [
            {
                "day": TODAY,
                "sessions": 1,
                "agents": 1,
                "gb_seconds": 100,
                "gb_seconds_saved": 300,
                "prompt_tokens": 1_500,
                "reply_tokens": 300,
                "money": [{"currency": "EUR", "used": 0.25, "saved": 0.75}],
            }
        ],
        "roles": [{"role": "ceo", "sessions": 1, "turns": 1, "reply_tokens": 300}],
        "turns": 1,
        "prompt_tokens": 1_500,
        "reply_tokens": 300,
        "loads": 1,
        "load_seconds": 4.5,
        "swaps": 1,
        "resident_hit_ratio": 0.0,
        "prefetch_hit_ratio": 0.5,
        "money": [{"currency": "EUR", "used": 0.25, "saved": 0.75}],
    }


PREFETCHED = (EventKind.MODEL_PREFETCHED, EventKind.MODEL_PREFETCHED, EventKind.PREFETCH_USED)


# ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def read(queries: Queries, **wanted: Any) -> tuple[list[int], int]:
    reply = await queries.events(ListEventsRequest.model_validate(wanted))
    return [event.event_id for event in reply.events], reply.next_after


async def test_every_wish_of_the_events_reaches_the_store(store: Store, queries: Queries) -> None:
    turn, loaded = EventKind.TURN_STARTED, EventKind.MODEL_LOADED
    await store.append_events(
        [
            an_event(loaded, "s1", model="mistral:latest"),
            an_event(turn, "s1", role="ceo", model="Mistral"),
            an_event(turn, "s2", role="cto", model="mistral"),
            an_event(turn, "s2", role="ceo", model="llama3.1:8b"),
        ]
    )

    assert await read(queries, kinds="model_loaded, turn_started", role="ceo") == ([2, 4], 4)
    assert await read(queries, session_id="s2", before=4) == ([3], 3)
    assert await read(queries, model="Mistral") == ([1, 2, 3], 3)
    assert await read(queries, model="mistral:latest") == ([1, 3], 3)
    assert await read(queries, latest=True, limit=2) == ([3, 4], 4)
    assert await read(queries, after=1, limit=1) == ([2], 2)


async def test_whoever_finds_nothing_new_goes_on_where_he_is(store: Store, queries: Queries) -> None:
    await store.append_events([an_event()])

    assert await read(queries, after=1) == ([], 1)
    assert await read(queries, after=1, kinds=["alert_raised"]) == ([], 1)
    with pytest.raises(EventNotFound):
        await read(queries, after=2, latest=True)
