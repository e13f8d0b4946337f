from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from delegator.schemas import (
    DayFigures,
    DurationShare,
    EventKind,
    MoneyFigures,
    RoleFigures,
    SessionStatus,
    TaskCategory,
)
from delegator.store.records import StatisticsRow
from delegator.store.store import Store
from tests.delegator.store.make import a_message, a_session, a_task, an_agent, an_event, team_of

DAY = date(2025, 11, 12)
MIDNIGHT = datetime(2025, 11, 12, tzinfo=UTC)
ROLES = [("ceo", 2), ("product_manager", 2), ("senior_architect", 2), ("senior_developer", 2), ("test_lead", 2)]


def spans(sessions: dict[int | None, int]) -> list[DurationShare]:
    """Every span of durations, with these numbers of sessions."""
    ends = (10, 30, 60, 120, 300, 600, 1800, None)
    return [DurationShare(up_to_seconds=end, sessions=sessions.get(end, 0)) for end in ends]


async def ended(store: Store, session_id: str, created_at: datetime, *, used: Any = None, **changes: Any) -> None:
    """Store a session of a team of four that took 30 real seconds on a clock ten times as fast."""
    session = a_session(session_id, created_at=created_at, **changes)
    await store.create_session(session, team_of(session), [])
    ends = created_at + timedelta(seconds=30)
    await store.end_session(session_id, SessionStatus.COMPLETED, ends, None, used, [])


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
        days=[
            DayFigures(day=DAY, sessions=3, agents=6, gb_seconds=100.5, gb_seconds_saved=899.5),
            DayFigures(day=DAY + timedelta(days=1), sessions=1, agents=4, gb_seconds=100.5, gb_seconds_saved=899.5),
        ],
        durations=spans({30: 1, 120: 1, 300: 1}),
        roles=[RoleFigures(role=role, sessions=sessions, turns=0, reply_tokens=0) for role, sessions in ROLES],
        turns=0,
        prompt_tokens=0,
        reply_tokens=0,
        loads=0,
        load_seconds=0.0,
        swaps=0,
        resident_hit_ratio=None,
        prefetch_hit_ratio=None,
        money=[],
    )


async def test_statistics_of_nothing_are_zeros(store: Store) -> None:
    nothing = DayFigures(day=DAY, sessions=0, agents=0, gb_seconds=0, gb_seconds_saved=0)

    row = await store.statistics(DAY, DAY)

    assert row == StatisticsRow(
        DAY, DAY, 0, 0, 0.0, {}, 0, 0, 0, 0.0, 0.0, 0.0, 0, [nothing], spans({}), [], 0, 0, 0, 0, 0.0, 0, None, None, []
    )  # fmt: skip


async def test_every_day_of_the_range_has_its_line_also_those_without_sessions(store: Store) -> None:
    await ended(store, "a", MIDNIGHT + timedelta(days=2, microseconds=-1))

    days = (await store.statistics(DAY, DAY + timedelta(days=3))).days

    assert [(day.day, day.sessions) for day in days] == [
        (DAY + timedelta(days=number), 1 if number == 1 else 0) for number in range(4)
    ]


async def test_durations_are_counted_by_spans_that_include_their_end(store: Store) -> None:
    for number, seconds in enumerate((0, 10, 10.01, 30, 1800, 1801, 90_000)):
        session = a_session(f"s{number}", created_at=MIDNIGHT, clock_scale=2.0)
        await store.create_session(session, [], [])
        ends = MIDNIGHT + timedelta(seconds=seconds / 2)
        await store.end_session(f"s{number}", SessionStatus.COMPLETED, ends, None, None, [])
    await store.create_session(a_session("open", created_at=MIDNIGHT), [], [])

    assert (await store.statistics(DAY, DAY)).durations == spans({10: 2, 30: 2, 1800: 1, None: 2})


@pytest.fixture
async def at_work(store: Store) -> Store:
    """Two sessions of the day, one open, that took turns and had models loaded; and one of the day before."""
    for number, created_at in enumerate((MIDNIGHT, MIDNIGHT, MIDNIGHT - timedelta(seconds=1))):
        name = f"s{number}"
        session = a_session(name, created_at=created_at, active_agents=("ceo", "cto", "chro")[number:])
        await store.create_session(session, team_of(session), [])
        await store.create_task(a_task(f"t{number}", name), [])
        for turn, (role, load_s) in enumerate([("cto", 0.0), ("cto", 4.5), ("ceo", 0.0)][: 3 - number]):
            told = a_message(turn, task_id=f"t{number}", session_id=name, from_role=role, load_seconds=load_s)
            await store.add_turn(told, [])
        loaded, prefetched = EventKind.MODEL_LOADED, EventKind.MODEL_PREFETCHED
        await store.append_events(
            [
                an_event(loaded, name, data={"load_s": 4.5, "evicted": ["a", "b"]}),
                an_event(loaded, name, data={"load_s": "?", "evicted": "none"}),
                *(an_event(prefetched, name) for _ in range(2)),
                an_event(EventKind.PREFETCH_USED if number else EventKind.PREFETCH_WASTED, name),
                an_event(loaded, None, data={"load_s": 1_000}),  # for nobody's session
            ]
        )
    await store.end_session("s0", SessionStatus.COMPLETED, MIDNIGHT + timedelta(seconds=1), None, None, [])
    return store


async def test_turns_and_loads_are_those_of_the_sessions_of_the_range_open_or_ended(at_work: Store) -> None:
    row = await at_work.statistics(DAY, DAY)

    assert (row.turns, row.prompt_tokens, row.reply_tokens) == (5, 7_500, 1_500)
    assert (row.loads, row.load_seconds, row.swaps) == (4, 9.0, 4)
    assert row.resident_hit_ratio == 0.6  # three of the five turns waited for no load
    assert row.prefetch_hit_ratio == 0.25


async def test_a_load_that_found_its_model_there_is_none_but_what_left_for_it_has_left(at_work: Store) -> None:
    there = {"load_s": 60.0, "evicted": ["a"], "was_there": True}
    brought_in = {"load_s": 0.5, "evicted": [], "was_there": False}
    await at_work.append_events([an_event(EventKind.MODEL_LOADED, "s0", data=data) for data in (there, brought_in)])

    row = await at_work.statistics(DAY, DAY)

    assert (row.loads, row.load_seconds, row.swaps) == (5, 9.5, 5)


async def test_tokens_and_money_count_on_the_day_their_session_began(at_work: Store) -> None:
    def money(currency: str, used: float) -> dict[str, Any]:
        return {"money": {"currency": currency, "used": {"total": used}, "saved": 2 * used}}

    await ended(at_work, "a", MIDNIGHT, used=money("EUR", 0.25))
    await ended(at_work, "b", MIDNIGHT, used=money("EUR", 0.5), task_category=TaskCategory.HR)
    await ended(at_work, "c", MIDNIGHT - timedelta(hours=1), used=money("CHF", 3))

    row = await at_work.statistics(DAY - timedelta(days=1), DAY + timedelta(days=1))

    assert [(day.prompt_tokens, day.reply_tokens) for day in row.days] == [(1_500, 300), (7_500, 1_500), (0, 0)]
    assert [day.money for day in row.days] == [
        [MoneyFigures(currency="CHF", used=3, saved=6)],
        [MoneyFigures(currency="EUR", used=0.75, saved=1.5)],
        [],
    ]
    assert (row.prompt_tokens, sum(role.turns for role in row.roles), row.turns) == (9_000, 6, 6)


async def test_the_role_in_most_sessions_comes_first(at_work: Store) -> None:
    await at_work.end_agent("s0", "chro", MIDNIGHT, [], active_agents=["ceo", "cto"])
    await at_work.add_agent(an_agent("s0", "chro"), [], active_agents=["ceo", "cto", "chro"])  # a second stay

    assert (await at_work.statistics(DAY, DAY)).roles == [
        RoleFigures(role="cto", sessions=2, turns=4, reply_tokens=1_200),
        RoleFigures(role="chro", sessions=2, turns=0, reply_tokens=0),
        RoleFigures(role="ceo", sessions=1, turns=1, reply_tokens=300),
    ]


async def test_money_is_summed_up_by_currency_out_of_the_receipts(store: Store) -> None:
    def money(currency: str, used: Any, saved: Any) -> dict[str, Any]:
        return {"money": {"currency": currency, "used": {"total": used}, "saved": saved}}

    await ended(store, "a", MIDNIGHT, used=money("EUR", 0.25, 1))
    await ended(store, "b", MIDNIGHT, used=money("EUR", 0.5, -0.5))
    await ended(store, "c", MIDNIGHT, used=money("CHF", 3, "?"))
    await ended(store, "former form", MIDNIGHT, used={"gb_seconds": 1, "money": None})
    await ended(store, "nothing", MIDNIGHT)

    assert (await store.statistics(DAY, DAY)).money == [
        MoneyFigures(currency="CHF", used=3, saved=0),
        MoneyFigures(currency="EUR", used=0.75, saved=0.5),
    ]


async def test_a_session_that_ended_before_it_began_counts_no_time(store: Store) -> None:
    """The clock of a machine may be set back."""
    await store.create_session(a_session(created_at=MIDNIGHT), [], [])
    back = MIDNIGHT - timedelta(hours=1)
    await store.end_session("session_1", SessionStatus.COMPLETED, back, None, None, [])

    assert (await store.statistics(DAY, DAY)).avg_duration_seconds == 0
