from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from delegator.schemas import SessionStatus, TaskCategory
from delegator.store.records import StatisticsRow
from delegator.store.store import Store
from tests.delegator.store.make import a_session, a_task, team_of

DAY = date(2025, 11, 12)
MIDNIGHT = datetime(2025, 11, 12, tzinfo=UTC)


async def ended(store: Store, session_id: str, created_at: datetime, *, used: Any = None, **changes: Any) -> None:
    """Store a session of a team of four that took 30 real seconds on a clock ten times as fast."""
    session = a_session(session_id, created_at=created_at, **changes)
    await store.create_session(session, team_of(session), [])
    ends = created_at + timedelta(seconds=30)
    await store.end_session(session_id, SessionStatus.COMPLETED, ends, None, used, [])


async def test_a_day_has_its_sessions_newest_first_from_midnight_to_midnight_utc(store: Store) -> None:
    moments = {"before": -1, "first": 0, "noon": 43_200_000_000, "last": 86_400_000_000 - 1, "after": 86_400_000_000}
    for name, microseconds in moments.items():
        created_at = MIDNIGHT + timedelta(microseconds=microseconds)
        await store.create_session(a_session(name, created_at=created_at), [], [])

    records, total = await store.history(DAY, 1)

    assert ([record.session_id for record in records], total) == (["last", "noon", "first"], 3)


async def test_history_comes_in_pages_that_cover_every_session_once(store: Store) -> None:
    for number in range(7):
        # Several of one moment: their order must be the same on every page.
        await store.create_session(a_session(f"s{number}", created_at=MIDNIGHT + timedelta(hours=number // 3)), [], [])

    pages = [await store.history(None, page, page_size=3) for page in (1, 2, 3, 4)]

    assert [len(records) for records, _ in pages] == [3, 3, 1, 0]
    assert [total for _, total in pages] == [7, 7, 7, 7]
    shown = [record for records, _ in pages for record in records]
    assert len({record.session_id for record in shown}) == 7
    assert [record.created_at for record in shown] == sorted((r.created_at for r in shown), reverse=True)


async def test_a_day_without_sessions_is_an_empty_page(store: Store) -> None:
    assert await store.history(DAY, 1) == ([], 0)
    assert await store.history(date.max, 1) == ([], 0)
    assert await store.history(date.min, 1) == ([], 0)


async def test_statistics_sum_up_the_days_both_included(store: Store) -> None:
    used = {"gb_seconds": 100.5, "all_roles_gb_seconds": 1000}
    await ended(store, "a", MIDNIGHT, used=used)
    await ended(store, "b", MIDNIGHT + timedelta(days=1), used=used, task_category=TaskCategory.HR, clock_scale=1.0)
    failed = a_session("c", created_at=MIDNIGHT, active_agents=("ceo",))
    await store.create_session(failed, team_of(failed), [])
    await store.end_session("c", SessionStatus.FAILED, MIDNIGHT + timedelta(seconds=9), None, {"gb_seconds": "?"}, [])
    running = a_session("d", created_at=MIDNIGHT, active_agents=("ceo",))
    await store.create_session(running, team_of(running), [])
    await store.create_task(a_task(session_id="d"), [])
    await ended(store, "too early", MIDNIGHT - timedelta(microseconds=1))
    await ended(store, "too late", MIDNIGHT + timedelta(days=2))

    assert await store.statistics(DAY, DAY + timedelta(days=1)) == StatisticsRow(
        from_day=DAY,
        to_day=DAY + timedelta(days=1),
        total_sessions=4,
        total_agents_spawned=10,
        avg_agents_per_session=2.5,
        category_breakdown={"development": 3, "hr": 1},
        tasks_delegated=1,
        completed_sessions=2,
        failed_sessions=1,
        avg_duration_seconds=140.0,  # (300 + 30 + 90) / 3: the second ran on a clock of its own,
        gb_seconds=201.0,
        gb_seconds_saved=1799.0,
        simulated_sessions=4,
    )


async def test_statistics_of_nothing_are_zeros(store: Store) -> None:
    assert await store.statistics(DAY, DAY) == StatisticsRow(DAY, DAY, 0, 0, 0.0, {}, 0, 0, 0, 0.0, 0.0, 0.0, 0)


async def test_a_session_that_ended_before_it_began_counts_no_time(store: Store) -> None:
    """The clock of a machine may be set back."""
    await store.create_session(a_session(created_at=MIDNIGHT), [], [])
    back = MIDNIGHT - timedelta(hours=1)
    await store.end_session("session_1", SessionStatus.COMPLETED, back, None, None, [])

    assert (await store.statistics(DAY, DAY)).avg_duration_seconds == 0
