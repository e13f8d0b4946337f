"""What the view *Statistics* shows: figures and charts over a range of days. Pure: no NiceGUI, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from delegator.schemas import ListRolesReply, MoneyFigures, StatisticsReply
from serve_app.formats import amount, counted, duration, gigabyte_seconds, one_line, percent
from serve_app.monitor.charts import LABELS, ColumnChart, Row, RowChart, Series, Values, columns
from serve_app.monitor.wording import SIMULATED, role_label, words
from serve_app.savings import share_saved
from serve_app.scales import money_unit
from serve_app.spans import Span, cross_a_year, each, highest_money, spans_of

LABELS_WITH_YEAR = 3
"""Columns named by a day and its year at most, on a phone too."""

MOST_ROLES = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, what it is, and a remark below it."""

    title: str
    value: str
    mark: str
    note: str


@dataclass(frozen=True, slots=True)
class StatisticsView:
    """All of the view *Statistics*."""

    first: str
    last: str
    today: str
    days: str
    figures: tuple[Figure, ...]
    columns: tuple[ColumnChart, ...]
    rows: tuple[RowChart, ...]


def statistics_view(reply: StatisticsReply, roles: ListRolesReply, *, today: date) -> StatisticsView:
    """Return what is drawn. `today`: the present UTC day."""
    days = (reply.to_date - reply.from_date).days + 1
    mark = _mark(reply)
    return StatisticsView(
        first=reply.from_date.isoformat(),
        last=reply.to_date.isoformat(),
        today=today.isoformat(),
        days=counted(days, "day"),
        figures=_figures(reply, mark),
        columns=_column_charts(reply, mark),
        rows=(_categories(reply), _roles(reply, roles, mark), _hits(reply, mark)),
    )


def _mark(reply: StatisticsReply) -> str:
    """Say how much of what came of models is simulated."""
    if 0 < reply.simulated_sessions < reply.total_sessions:
        return f"{reply.simulated_sessions} of {reply.total_sessions} {SIMULATED}"
    return SIMULATED if reply.simulated_sessions else ""


def _figures(reply: StatisticsReply, mark: str) -> tuple[Figure, ...]:
    still_open = reply.total_sessions - reply.completed_sessions - reply.failed_sessions
    share = share_saved(reply.gb_seconds, reply.gb_seconds_saved)
    return (
        Figure(
            "Sessions",
            f"{reply.total_sessions:,}",
            "",
            f"{reply.completed_sessions:,} completed, {reply.failed_sessions:,} failed, {still_open:,} other",
        ),
        Figure(
            "Agents per session", f"{reply.avg_agents_per_session:.1f}", "", f"{reply.total_agents_spawned:,} in total"
        ),
        Figure("Tasks delegated", f"{reply.tasks_delegated:,}", "", f"{reply.turns:,} turns"),
        Figure("Average duration", duration(reply.avg_duration_seconds), mark, ""),
        Figure("Memory used", gigabyte_seconds(reply.gb_seconds), mark, "models resident × time"),
        Figure("Memory saved", gigabyte_seconds(reply.gb_seconds_saved), mark, share),
        Figure(
            "Tokens",
            f"{reply.prompt_tokens + reply.reply_tokens:,}",
            mark,
            f"{reply.prompt_tokens:,} read, {reply.reply_tokens:,} written",
        ),
        Figure(
            "Models loaded",
            f"{reply.loads:,}",
            mark,
            f"{duration(reply.load_seconds)} loading, {counted(reply.swaps, 'swap')}",
        ),
        *(
            Figure(
                f"Money ({money.currency})",
                amount(money.used, money.currency),
                mark,
                f"{amount(money.saved, money.currency)} saved against all roles",
            )
            for money in reply.money
        ),
    )


# ── columns ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _column_charts(reply: StatisticsReply, mark: str) -> tuple[ColumnChart, ...]:
    spans = spans_of(reply.days)
    per = each(spans)
    return (
        _over_days(
            f"Sessions per {per}", spans, (Series("Sessions", "tone0"),), lambda s: (s.sessions,), _count, whole=True
        ),
        _over_days(
            f"Memory per {per}, in GB·s",
            spans,
            (Series("Used", "tone1"), Series("Saved", "tone5")),
            lambda s: (s.used, s.saved),
            _count,
            mark=mark,
            note="Saved: what all roles would have held, less what was used.",
        ),
        _over_days(
            f"Tokens per {per}",
            spans,
            (Series("Read", "tone1"), Series("Written", "tone2")),
            lambda s: s.tokens,
            _count,
            whole=True,
            mark=mark,
        ),
        *(_money(spans, money, per, mark) for money in reply.money),
        _over_days(
            f"Average agents per session, by {per}",
            spans,
            (Series("Agents per session", "tone2"),),
            lambda s: (s.agents / s.sessions if s.sessions else 0.0,),
            lambda value: f"{value:.1f}",
        ),
        _durations(reply, mark),
    )


def _money(spans: Sequence[Span], money: MoneyFigures, per: str, mark: str) -> ColumnChart:
    size, unit = money_unit(highest_money(spans, money), one_line(money.currency))
    return _over_days(
        f"Money per {per}, in {unit}",
        spans,
        (Series("Spent", "tone1"), Series("Saved", "tone5")),
        lambda s: tuple(part / size for part in s.money(money.currency)),
        lambda value: amount(value * size, money.currency),
        mark=mark,
        note="Saved: what all roles would have cost, less what was spent.",
    )


def _over_days(
    title: str,
    spans: Sequence[Span],
    series: tuple[Series, ...],
    parts: Callable[[Span], tuple[float, ...]],
    write: Callable[[float], str],
    *,
    whole: bool = False,
    mark: str = "",
    note: str = "",
) -> ColumnChart:
    years = cross_a_year(spans)
    values = [Values(span.label, _short(span, year=years), parts(span)) for span in spans]
    drawn, lines = columns(values, write=write, whole=whole, labels=LABELS_WITH_YEAR if years else LABELS)
    most = max(spans, key=lambda span: sum(parts(span)), default=None)
    highest = ", ".join(
        f"{one.name.lower()} {write(value)}" for one, value in zip(series, parts(most) if most else (), strict=False)
    )
    said = f"{title}, {counted(len(spans), 'column')}."
    if most is not None:
        said += (
            f" The most on {most.label}: {highest}." if sum(parts(most)) > 0 else " There is nothing in any of them."
        )
    return ColumnChart(title, note, mark, said, "Days" if "days" in title else "Day", series, lines, drawn)


def _short(span: Span, *, year: bool) -> str:
    return f"{span.first.day} {span.first:%b %Y}" if year else f"{span.first.day} {span.first:%b}"


def _durations(reply: StatisticsReply, mark: str) -> ColumnChart:
    values, below = [], 0.0
    for share in reply.durations:
        if share.up_to_seconds is None:
            label, short = f"longer than {duration(below)}", f"> {_bound(below)}"
        else:
            label, short = f"up to {duration(share.up_to_seconds)}", _bound(share.up_to_seconds)
            below = share.up_to_seconds
        values.append(Values(label, short, (share.sessions,)))
    drawn, lines = columns(values, write=_count, whole=True, labels=len(values) or 1)
    ended = sum(share.sessions for share in reply.durations)
    told = ", ".join(f"{share.parts[0]:,.0f} {share.label}" for share in values if share.parts[0])
    return ColumnChart(
        "How long sessions took",
        "Ended sessions by their duration.",
        mark,
        f"Of {counted(ended, 'ended session')}: {told}." if told else "No session has ended.",
        "Duration",
        (Series("Sessions", "tone7"),),
        lines,
        drawn,
    )


def _bound(seconds: float) -> str:
    """Write a round duration as short as can be: 30s, 5m, 2h."""
    for size, letter in ((3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:g}{letter}"
    return f"{seconds:g}s"


def _count(value: float) -> str:
    return f"{value:,.0f}"


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _categories(reply: StatisticsReply) -> RowChart:
    longest = max(reply.category_breakdown.values(), default=0) or 1
    total = sum(reply.category_breakdown.values()) or 1
    ranked = sorted(reply.category_breakdown.items(), key=lambda item: (-item[1], item[0]))
    return RowChart(
        "Sessions by category",
        "",
        "",
        "No session in these days.",
        tuple(Row(words(name), name, count / longest, f"{count:,}", percent(count / total)) for name, count in ranked),
    )


def _roles(reply: StatisticsReply, roles: ListRolesReply, mark: str) -> RowChart:
    titles: Mapping[str, str] = {role.role: role.title for role in roles.roles}
    longest = max((role.sessions for role in reply.roles), default=0) or 1
    return RowChart(
        "Most used roles",
        "Sessions whose team had the role; its turns and written tokens.",
        mark,
        "No role was used in these days.",
        tuple(
            Row(
                role_label(role.role, titles.get(role.role)),
                "tone0",
                role.sessions / longest,
                f"{role.sessions:,}",
                f"{counted(role.turns, 'turn')}, {role.reply_tokens:,} tokens",
            )
            for role in reply.roles[:MOST_ROLES]
        ),
    )


def _hits(reply: StatisticsReply, mark: str) -> RowChart:
    rates = (
        ("Resident", "tone5", reply.resident_hit_ratio, "of the turns found their model in memory"),
        ("Prefetched", "tone7", reply.prefetch_hit_ratio, "of the models brought in ahead met their turn"),
    )
    return RowChart(
        "Models in time",
        "",
        mark,
        "No turn was taken in these days.",
        tuple(Row(label, tone, ratio, percent(ratio), note) for label, tone, ratio, note in rates if ratio is not None),
    )
