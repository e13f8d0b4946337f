"""What a backend says of past sessions, computed from a list of them: the history and the figures over days."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from delegator import schemas as s

DURATIONS_S = (10, 30, 60, 120, 300, 600, 1800)


def used(session: s.HistorySession) -> float:
    return float((session.resources_used or {}).get("gb_seconds", 0.0))


def saved(session: s.HistorySession) -> float:
    return float((session.resources_used or {}).get("all_roles_gb_seconds", 0.0)) - used(session)


SORT_KEYS: dict[str, Callable[[s.HistorySession], Any]] = {
    "started": lambda session: session.started_at,
    "duration": lambda session: session.duration_seconds or 0,
    "agents": lambda session: session.total_agents_spawned,
    "category": lambda session: session.task_category.value,
    "status": lambda session: session.status.value,
    "gb_seconds": used,
    "saved": saved,
}


def between(past: Sequence[s.HistorySession], first: date, last: date) -> list[s.HistorySession]:
    return [session for session in past if first <= session.started_at.date() <= last]


def history_reply(
    past: Sequence[s.HistorySession], request: s.SessionHistoryRequest, *, today: date
) -> s.SessionHistoryReply:
    """Filter, sort and cut into pages as the store does."""
    first, last = request.date or request.from_date, request.date or request.to_date or today
    found = list(past) if first is None else between(past, first, last)
    found = [session for session in found if _fits(session, request)]
    found.sort(key=SORT_KEYS[request.sort], reverse=request.descending)
    begin = (request.page - 1) * request.page_size
    return s.SessionHistoryReply(
        sessions=found[begin : begin + request.page_size],
        total_sessions=len(found),
        page=request.page,
        pages=math.ceil(len(found) / request.page_size),
    )


def _fits(session: s.HistorySession, request: s.SessionHistoryRequest) -> bool:
    words = (request.text or "").casefold()
    return (
        request.category in (None, session.task_category)
        and request.status in (None, session.status)
        and (words in session.task_description.casefold() or words in session.session_id)
    )


def statistics_reply(past: Sequence[s.HistorySession], first: date, last: date) -> s.StatisticsReply:
    """Sum up as the store does; every session has made two turns an agent."""
    found = between(past, first, last)
    agents = sum(session.total_agents_spawned for session in found)
    days = [_day(found, first + timedelta(days=n)) for n in range((last - first).days + 1)]
    paid = sum(bool(day.money) for day in days)
    seconds = [session.duration_seconds for session in found if session.duration_seconds is not None]
    return s.StatisticsReply(
        from_date=first,
        to_date=last,
        total_sessions=len(found),
        avg_agents_per_session=agents / len(found) if found else 0,
        total_agents_spawned=agents,
        category_breakdown=Counter(session.task_category.value for session in found),
        tasks_delegated=sum(session.tasks_delegated for session in found),
        completed_sessions=sum(session.status == "completed" for session in found),
        failed_sessions=sum(session.status == "failed" for session in found),
        avg_duration_seconds=sum(seconds) / len(seconds) if seconds else 0,
        gb_seconds=sum(map(used, found)),
        gb_seconds_saved=sum(map(saved, found)),
        simulated_sessions=sum(session.simulated for session in found),
        days=days,
        durations=_durations(seconds),
        roles=_roles(found),
        turns=2 * agents,
        prompt_tokens=900 * agents,
        reply_tokens=400 * agents,
        loads=len(found),
        load_seconds=4.5 * len(found),
        swaps=len(found) // 4,
        resident_hit_ratio=0.83 if found else None,
        prefetch_hit_ratio=0.71 if found else None,
        money=[s.MoneyFigures(currency="EUR", used=0.42 * paid, saved=1.3 * paid)] if paid else [],
    )


def _day(found: Sequence[s.HistorySession], day: date) -> s.DayFigures:
    of_day = between(found, day, day)
    agents = sum(session.total_agents_spawned for session in of_day)
    return s.DayFigures(
        day=day,
        sessions=len(of_day),
        agents=agents,
        gb_seconds=sum(map(used, of_day)),
        gb_seconds_saved=sum(map(saved, of_day)),
        prompt_tokens=900 * agents,
        reply_tokens=400 * agents,
        money=[s.MoneyFigures(currency="EUR", used=0.42, saved=1.3)] if of_day else [],
    )


def _durations(seconds: Sequence[float]) -> list[s.DurationShare]:
    bounds = (0, *DURATIONS_S, math.inf)
    return [
        s.DurationShare(
            up_to_seconds=None if high == math.inf else high, sessions=sum(low < value <= high for value in seconds)
        )
        for low, high in pairwise(bounds)
    ]


def _roles(found: Sequence[s.HistorySession]) -> list[s.RoleFigures]:
    counts = Counter(role for session in found for role in session.active_agents)
    return [
        s.RoleFigures(role=role, sessions=count, turns=2 * count, reply_tokens=400 * count)
        for role, count in counts.most_common()
    ]
