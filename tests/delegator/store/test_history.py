from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest

from delegator.schemas import HistorySort, SessionStatus, TaskCategory
from delegator.store.records import HistoryQuery
from delegator.store.store import Store
from tests.delegator.store.make import a_session, an_agent

DAY = date(2025, 11, 12)
MIDNIGHT = datetime(2025, 11, 12, tzinfo=UTC)


async def started(store: Store, session_id: str, **changes: Any) -> None:
    await store.create_session(a_session(session_id, **changes), [], [])


async def found(store: Store, **wanted: Any) -> list[str]:
    """The ids of the sessions that are wanted, all of them on one page."""
    records, total = await store.history(HistoryQuery(**wanted), 1)
    assert total == len(records)
    return [record.session_id for record in records]


# ── which sessions ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_day_has_its_sessions_newest_first_from_midnight_to_midnight_utc(store: Store) -> None:
    moments = {"before": -1, "first": 0, "noon": 43_200_000_000, "last": 86_400_000_000 - 1, "after": 86_400_000_000}
    for name, microseconds in moments.items():
        await started(store, name, created_at=MIDNIGHT + timedelta(microseconds=microseconds))

    assert await found(store, from_day=DAY, to_day=DAY) == ["last", "noon", "first"]
    assert await found(store, from_day=DAY) == ["after", "last", "noon", "first"]
    assert await found(store, to_day=DAY) == ["last", "noon", "first", "before"]


async def test_a_day_without_sessions_is_an_empty_page(store: Store) -> None:
    for day in (DAY, date.max, date.min):
        assert await store.history(HistoryQuery(from_day=day, to_day=day), 1) == ([], 0)


async def test_what_is_wanted_of_a_session_must_all_hold(store: Store) -> None:
    await started(store, "hr ended", task_category=TaskCategory.HR)
    await started(store, "hr open", task_category=TaskCategory.HR)
    await started(store, "other", task_category=TaskCategory.PRODUCT)
    for name in ("hr ended", "other"):
        await store.end_session(name, SessionStatus.FAILED, MIDNIGHT, None, None, [])

    assert await found(store, category=TaskCategory.HR) == ["hr open", "hr ended"]
    assert await found(store, status=SessionStatus.FAILED) == ["other", "hr ended"]
    assert await found(store, category=TaskCategory.HR, status=SessionStatus.FAILED) == ["hr ended"]
    assert await found(store, category=TaskCategory.HR, status=SessionStatus.COMPLETED) == []


@pytest.mark.parametrize(
    ("text", "sessions"),
    [
        ("übersicht", ["s1"]),
        ("ÜBERSICHT", ["s1"]),
        ("100%", ["s1"]),
        ("%", ["s1"]),
        ("a_b", ["s2"]),
        ("\\", ["s2"]),
        ("S2", ["s2"]),
        ("' OR '1'='1", []),
        ("a%b", []),
        ("", ["s3", "s2", "s1"]),
    ],
)
async def test_a_text_is_looked_for_as_it_is_in_any_case(store: Store, text: str, sessions: list[str]) -> None:
    tasks = ("Die Übersicht zeigt 100% zu viel", r"Rename a_b to C:\d", "Rename aXb")
    for number, task in enumerate(tasks, start=1):
        await started(store, f"s{number}", task_description=task)

    assert await found(store, text=text) == sessions


# ── in which order ────────────────────────────────────────────────────────────────────────────────────────────────

SORTED: dict[HistorySort, list[str]] = {
    "started": ["c", "a", "d", "b"],
    "duration": ["c", "b", "a", "d"],
    "agents": ["d", "b", "a", "c"],
    "category": ["d", "c", "b", "a"],
    "status": ["a", "c", "b", "d"],
    "gb_seconds": ["b", "c", "a", "d"],
    "saved": ["c", "b", "a", "d"],
}
"""The smallest first. d is open; the receipt of a says nothing."""


@pytest.fixture
async def various(store: Store) -> Store:
    """Four sessions that differ in everything they can be sorted by; `ended`: hour, real seconds, clock, receipt."""
    open_one = {"created_at": MIDNIGHT + timedelta(hours=3), "task_category": TaskCategory.DEVELOPMENT}
    ended: dict[str, tuple[int, float, float, dict[str, Any] | None]] = {
        "a": (2, 20, 10, {"gb_seconds": "?", "all_roles_gb_seconds": None}),
        "b": (4, 50, 1, {"gb_seconds": 5, "all_roles_gb_seconds": 500.5}),
        "c": (1, -9, 1, {"gb_seconds": 60.5, "all_roles_gb_seconds": 70}),
    }
    teams = {"a": ("ceo", "cto"), "b": ("ceo",), "c": ("ceo", "cto", "chro"), "d": ()}
    kinds = {"a": TaskCategory.TECHNICAL, "b": TaskCategory.STRATEGIC, "c": TaskCategory.HR}
    for name, (hour, lasted_s, scale, used) in ended.items():
        at = MIDNIGHT + timedelta(hours=hour)
        record = a_session(name, created_at=at, clock_scale=scale, task_category=kinds[name])
        await store.create_session(record, [an_agent(name, role) for role in teams[name]], [])
        status = SessionStatus.FAILED if name == "b" else SessionStatus.COMPLETED
        await store.end_session(name, status, at + timedelta(seconds=lasted_s), None, used, [])
    await started(store, "d", **open_one)
    return store


@pytest.mark.parametrize("sort", get_args(HistorySort))
async def test_sessions_are_sorted_both_ways_and_what_has_no_figure_comes_last(
    various: Store, sort: HistorySort
) -> None:
    without = {"duration": 1, "gb_seconds": 2, "saved": 2}.get(sort, 0)
    rising = SORTED[sort]
    falling = [*reversed(rising[: 4 - without]), *reversed(rising[4 - without :])]

    assert await found(various, sort=sort, descending=False) == rising
    assert await found(various, sort=sort, descending=True) == falling


@pytest.mark.parametrize("sort", get_args(HistorySort))
async def test_pages_cover_every_session_once_whatever_they_are_sorted_by(store: Store, sort: HistorySort) -> None:
    for number in range(7):  # alike in all that they can be sorted by
        await started(store, f"s{number}")

    pages = [await store.history(HistoryQuery(sort=sort), page, page_size=3) for page in (1, 2, 3, 4)]

    assert [total for _, total in pages] == [7, 7, 7, 7]
    shown = [[record.session_id for record in records] for records, _ in pages]
    assert shown == [["s6", "s5", "s4"], ["s3", "s2", "s1"], ["s0"], []]
