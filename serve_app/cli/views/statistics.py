"""How figures over a range of days look: sums, then bars by day, category, duration, and what each role did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import RenderableType

from delegator.schemas import DayFigures, DurationShare, StatisticsReply
from serve_app.cli.views.layout import Cell, facts, heading, line, table
from serve_app.formats import amount, bar, counted, duration, gigabyte_seconds, percent

MOST_BARS = 31
"""Longest list of days; more of them are shown by month, and more than as many months by year."""


def statistics(reply: StatisticsReply) -> list[RenderableType]:
    """Show the figures of a range of days."""
    days = f"{reply.from_date} to {reply.to_date}" if reply.from_date != reply.to_date else f"{reply.from_date}"
    shown: list[RenderableType] = [heading(f"Sessions of {days}"), facts(_sums(reply))]
    if len(reply.days) > 1 and reply.total_sessions:
        shown += _bars("started", _by_time(reply.days))
    categories = sorted(reply.category_breakdown.items(), key=lambda item: (-item[1], item[0]))
    shown += _bars("category", [(name.replace("_", " "), count) for name, count in categories])
    if any(share.sessions for share in reply.durations):
        shown += _bars("lasted", _spans(reply.durations))
    if reply.roles:
        rows = [(role.role, role.sessions, role.turns, f"{role.reply_tokens:,}") for role in reply.roles]
        shown += [line(), table(("role", ">sessions", ">turns", ">tokens written"), rows)]
    return shown


def _sums(reply: StatisticsReply) -> Iterator[tuple[str, Cell]]:
    yield "sessions", f"{reply.total_sessions} ({reply.completed_sessions} completed, {reply.failed_sessions} failed)"
    yield "agents", f"{reply.total_agents_spawned}, {reply.avg_agents_per_session:.1f} a session"
    yield "tasks", f"{reply.tasks_delegated}, with {counted(reply.turns, 'turn')}"
    if reply.turns:
        yield "tokens", f"{reply.prompt_tokens:,} read, {reply.reply_tokens:,} written"
    yield "lasted", f"{duration(reply.avg_duration_seconds)} on average"
    if reply.loads:
        swaps = counted(reply.swaps, "swap")
        yield "models", f"{counted(reply.loads, 'load')} in {duration(reply.load_seconds)}, {swaps}"
    if reply.resident_hit_ratio is not None:
        yield "in memory", f"{percent(reply.resident_hit_ratio)} of the turns found their model there"
    if reply.prefetch_hit_ratio is not None:
        yield "ahead", f"{percent(reply.prefetch_hit_ratio)} of the models brought in ahead met their turn"
    yield "memory over time", gigabyte_seconds(reply.gb_seconds)
    yield "saved", gigabyte_seconds(reply.gb_seconds_saved)
    for money in reply.money:
        yield "money", f"{amount(money.used, money.currency)}, {amount(money.saved, money.currency)} saved"


def _bars(name: str, counts: Sequence[tuple[str, int]]) -> list[RenderableType]:
    """Return numbers of sessions under their heading, each with its bar; nothing for none."""
    if not counts:
        return []
    most = max(count for _, count in counts)
    rows = [(label, count, line((bar(count, of=most), "cyan"))) for label, count in counts]
    return [line(), table((name, ">sessions", ""), rows)]


def _by_time(days: Sequence[DayFigures]) -> list[tuple[str, int]]:
    """Return the sessions of each day, or of each month or year where there would be too many lines."""
    counts: Counter[str] = Counter()
    for length in (len("2025-11-12"), len("2025-11"), len("2025")):
        counts.clear()
        for day in days:
            counts[day.day.isoformat()[:length]] += day.sessions
        if len(counts) <= MOST_BARS:
            break
    return list(counts.items())


def _spans(durations: Sequence[DurationShare]) -> list[tuple[str, int]]:
    longest = max((share.up_to_seconds or 0 for share in durations), default=0)
    return [
        (f"to {duration(share.up_to_seconds)}" if share.up_to_seconds else f"over {duration(longest)}", share.sessions)
        for share in durations
    ]
