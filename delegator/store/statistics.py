"""Figures over past sessions: four queries, however many sessions there are.

All figures are of the sessions that were created in the range, also where a turn or a load of theirs came later. What
the receipts hold (memory over time, money) counts once a session has ended; turns, tokens and loads count as they come.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Double, Row, Select, case, cast, column, func, literal, select, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from delegator.schemas import DayFigures, DurationShare, EventKind, MoneyFigures, RoleFigures, SessionStatus
from delegator.store.history import duration_s, number_in
from delegator.store.records import StatisticsRow
from delegator.store.sessions import created_between
from delegator.store.tables import agents, events, messages, sessions

DURATIONS_S = (10, 30, 60, 120, 300, 600, 1800)
"""Ends of the spans by which ended sessions are counted, in model seconds; what lasted longer is one span more."""

Rows = Sequence[Row[Any]]


async def over(connection: AsyncConnection, from_day: date, to_day: date) -> StatisticsRow:
    """Sum up the sessions created from one UTC day to another, both included."""
    chosen = created_between(from_day, to_day)
    groups = (await connection.execute(_groups(chosen))).all()
    teams = {row.role: row.sessions for row in await connection.execute(_teams(chosen))}
    turns = (await connection.execute(_turns(chosen))).all()
    happened = {row.kind: row for row in await connection.execute(_happened(chosen))}
    total, ended, said = _sum(groups, "total"), _sum(groups, "ended"), _sum(turns, "turns")
    loads = happened.get(EventKind.MODEL_LOADED)
    prefetches, met = (_count(happened, kind) for kind in (EventKind.MODEL_PREFETCHED, EventKind.PREFETCH_USED))
    return StatisticsRow(
        from_day=from_day,
        to_day=to_day,
        total_sessions=total,
        total_agents_spawned=_sum(groups, "agents"),
        avg_agents_per_session=_sum(groups, "agents") / total if total else 0.0,
        category_breakdown={name: _sum(rows, "total") for name, rows in sorted(_by(groups, "category").items())},
        tasks_delegated=_sum(groups, "tasks"),
        completed_sessions=_sum(groups, "completed"),
        failed_sessions=_sum(groups, "failed"),
        avg_duration_seconds=_sum_float(groups, "duration_s") / ended if ended else 0.0,
        gb_seconds=_sum_float(groups, "gb_seconds"),
        gb_seconds_saved=_sum_float(groups, "saved"),
        simulated_sessions=_sum(groups, "simulated"),
        days=_days(groups, turns, from_day, to_day),
        durations=_durations(groups),
        roles=_roles(teams, turns),
        turns=said,
        prompt_tokens=_sum(turns, "prompt_tokens"),
        reply_tokens=_sum(turns, "reply_tokens"),
        loads=loads.times if loads else 0,
        load_seconds=loads.load_s if loads else 0.0,
        swaps=loads.evicted if loads else 0,
        resident_hit_ratio=_sum(turns, "found") / said if said else None,
        prefetch_hit_ratio=min(1.0, met / prefetches) if prefetches else None,
        money=_money(groups),
    )


# ── the queries ───────────────────────────────────────────────────────────────────────────────────────────────────


def _groups(chosen: ColumnElement[bool]) -> Select[Any]:
    """Sessions by day, category, span of duration and currency, for the sums over each of these to be made from."""
    used = sessions.c.resources_used
    # Unpacked once a session: each look into the column itself would unpack the whole receipt again.
    receipt = (
        func.jsonb_to_record(case((func.jsonb_typeof(used) == "object", used), else_=literal({}, JSONB)))
        .table_valued(column("gb_seconds", JSONB), column("all_roles_gb_seconds", JSONB), column("money", JSONB))
        .render_derived(name="receipt", with_types=True)
    )
    held, money, lasted = number_in(receipt.c.gb_seconds), receipt.c.money, duration_s()
    groups = {
        "day": _created_on(),
        "category": sessions.c.task_category,
        "span": case(*((lasted <= end, index) for index, end in enumerate(DURATIONS_S)), else_=len(DURATIONS_S)),
        "currency": money["currency"].astext,
    }
    sums = {
        "agents": func.sum(sessions.c.total_agents_spawned),
        "tasks": func.sum(sessions.c.tasks_delegated),
        "completed": func.count().filter(sessions.c.status == SessionStatus.COMPLETED.value),
        "failed": func.count().filter(sessions.c.status == SessionStatus.FAILED.value),
        "simulated": func.count().filter(sessions.c.simulated),
        "ended": func.count(sessions.c.ended_at),
        "duration_s": func.sum(lasted),
        "gb_seconds": func.sum(held),
        "saved": func.sum(number_in(receipt.c.all_roles_gb_seconds) - held),
        "money_used": func.sum(number_in(money["used"]["total"])),
        "money_saved": func.sum(number_in(money["saved"])),
    }
    columns = [value.label(name) for name, value in (groups | sums).items()]
    return (
        select(*columns, func.count().label("total"))
        .select_from(sessions.join(receipt, true()))
        .where(chosen)
        .group_by(*columns[: len(groups)])
    )


def _created_on() -> ColumnElement[Any]:
    return cast(func.timezone("UTC", sessions.c.created_at), Date)


def _teams(chosen: ColumnElement[bool]) -> Select[Any]:
    """In how many sessions each role was."""
    number = func.count(agents.c.session_id.distinct()).label("sessions")
    return select(agents.c.role, number).select_from(agents.join(sessions)).where(chosen).group_by(agents.c.role)


def _turns(chosen: ColumnElement[bool]) -> Select[Any]:
    """What each role said for the sessions of each day; `found`: turns for which no model was loaded."""
    role, day = messages.c.from_role.label("role"), _created_on().label("day")
    return (
        select(
            role,
            day,
            func.count().label("turns"),
            func.sum(messages.c.prompt_tokens).label("prompt_tokens"),
            func.sum(messages.c.reply_tokens).label("reply_tokens"),
            func.count().filter(messages.c.load_seconds == 0).label("found"),
        )
        .select_from(messages.join(sessions, messages.c.session_id == sessions.c.session_id))
        .where(chosen)
        .group_by(role, day)
    )


def _happened(chosen: ColumnElement[bool]) -> Select[Any]:
    """How often models were loaded and prefetched for the sessions; for loads what they took, and what had to leave.

    A load that found its model there was none, as the metrics have it too; what left for it has left all the same.
    """
    kinds = (EventKind.MODEL_LOADED, EventKind.MODEL_PREFETCHED, EventKind.PREFETCH_USED)
    evicted = events.c.data["evicted"]
    brought_in = events.c.data["was_there"].astext.is_distinct_from("true")
    load_s = func.sum(number_in(events.c.data["load_s"])).filter(brought_in)
    left = case((func.jsonb_typeof(evicted) == "array", func.jsonb_array_length(evicted)), else_=0)
    return (
        select(
            events.c.kind,
            func.count().filter(brought_in).label("times"),
            cast(func.coalesce(load_s, 0), Double).label("load_s"),
            func.sum(left).label("evicted"),
        )
        .select_from(events.join(sessions, events.c.session_id == sessions.c.session_id))
        .where(chosen, events.c.kind.in_([kind.value for kind in kinds]))
        .group_by(events.c.kind)
    )


# ── what they come to ─────────────────────────────────────────────────────────────────────────────────────────────


def _days(groups: Rows, turns: Rows, from_day: date, to_day: date) -> list[DayFigures]:
    found, said = _by(groups, "day"), _by(turns, "day")
    days = [from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1)]
    return [_day(day, found.get(day, ()), said.get(day, ())) for day in days]


def _day(day: date, rows: Rows, turns: Rows) -> DayFigures:
    return DayFigures(
        day=day,
        sessions=_sum(rows, "total"),
        agents=_sum(rows, "agents"),
        gb_seconds=_sum_float(rows, "gb_seconds"),
        gb_seconds_saved=_sum_float(rows, "saved"),
        prompt_tokens=_sum(turns, "prompt_tokens"),
        reply_tokens=_sum(turns, "reply_tokens"),
        money=_money(rows),
    )


def _durations(groups: Rows) -> list[DurationShare]:
    spans = _by(groups, "span")
    return [
        DurationShare(up_to_seconds=end, sessions=_sum(spans.get(index, ()), "ended"))
        for index, end in enumerate((*DURATIONS_S, None))
    ]


def _roles(teams: dict[str, int], turns: Rows) -> list[RoleFigures]:
    said = _by(turns, "role")
    figures = [
        RoleFigures(
            role=role,
            sessions=teams.get(role, 0),
            turns=_sum(said.get(role, ()), "turns"),
            reply_tokens=_sum(said.get(role, ()), "reply_tokens"),
        )
        for role in teams.keys() | said.keys()
    ]
    return sorted(figures, key=lambda role: (-role.sessions, -role.turns, role.role))


def _money(groups: Rows) -> list[MoneyFigures]:
    currencies = _by([row for row in groups if row.currency is not None], "currency")
    return [
        MoneyFigures(currency=currency, used=_sum_float(rows, "money_used"), saved=_sum_float(rows, "money_saved"))
        for currency, rows in sorted(currencies.items())
    ]


def _count(happened: dict[str, Row[Any]], kind: EventKind) -> int:
    return happened[kind].times if kind in happened else 0


def _by(rows: Rows, name: str) -> dict[Any, list[Row[Any]]]:
    found: dict[Hashable, list[Row[Any]]] = {}
    for row in rows:
        found.setdefault(getattr(row, name), []).append(row)
    return found


def _sum(rows: Iterable[Row[Any]], name: str) -> int:
    return sum(int(getattr(row, name)) for row in rows)


def _sum_float(rows: Iterable[Row[Any]], name: str) -> float:
    return sum((getattr(row, name) or 0.0 for row in rows), 0.0)
