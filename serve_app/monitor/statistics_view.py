"""What the view *Statistics* shows: figures over a range of days. Pure: no NiceGUI, no waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from delegator.schemas import StatisticsReply
from serve_app.formats import counted, duration, gigabyte_seconds, percent
from serve_app.monitor.wording import SIMULATED, words


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, what it is, and a remark below it."""

    title: str
    value: str
    mark: str
    note: str


@dataclass(frozen=True, slots=True)
class CategoryBar:
    """How many sessions one category had; `share` of the longest bar, 0 to 1."""

    category: str
    category_words: str
    sessions: int
    share: float
    of_all: str


@dataclass(frozen=True, slots=True)
class StatisticsView:
    """All of the view *Statistics*."""

    first: str
    last: str
    today: str
    days: str
    figures: tuple[Figure, ...]
    categories: tuple[CategoryBar, ...]


def statistics_view(reply: StatisticsReply, *, today: date) -> StatisticsView:
    """Return what is drawn. `today`: the present UTC day."""
    days = (reply.to_date - reply.from_date).days + 1
    return StatisticsView(
        first=reply.from_date.isoformat(),
        last=reply.to_date.isoformat(),
        today=today.isoformat(),
        days=counted(days, "day"),
        figures=_figures(reply),
        categories=_bars(reply),
    )


def _figures(reply: StatisticsReply) -> tuple[Figure, ...]:
    mark = SIMULATED if reply.simulated_sessions else ""
    if 0 < reply.simulated_sessions < reply.total_sessions:
        mark = f"{reply.simulated_sessions} of {reply.total_sessions} {SIMULATED}"
    still_open = reply.total_sessions - reply.completed_sessions - reply.failed_sessions
    everyone = reply.gb_seconds + reply.gb_seconds_saved
    share = f"{percent(reply.gb_seconds_saved / everyone)} of what all roles would have held" if everyone > 0 else ""
    return (
        Figure(
            "Sessions",
            f"{reply.total_sessions:,}",
            "",
            f"{reply.completed_sessions} completed, {reply.failed_sessions} failed, {still_open} other",
        ),
        Figure(
            "Agents per session", f"{reply.avg_agents_per_session:.1f}", "", f"{reply.total_agents_spawned:,} in total"
        ),
        Figure("Tasks delegated", f"{reply.tasks_delegated:,}", "", ""),
        Figure("Average duration", duration(reply.avg_duration_seconds), mark, ""),
        Figure("Memory used", gigabyte_seconds(reply.gb_seconds), mark, "models resident × time"),
        Figure("Memory saved", gigabyte_seconds(reply.gb_seconds_saved), mark, share),
    )


def _bars(reply: StatisticsReply) -> tuple[CategoryBar, ...]:
    longest = max(reply.category_breakdown.values(), default=0) or 1
    total = sum(reply.category_breakdown.values()) or 1
    ranked = sorted(reply.category_breakdown.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        CategoryBar(name, words(name), count, count / longest, percent(count / total)) for name, count in ranked
    )
