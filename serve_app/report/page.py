"""The report as one HTML page: whole in one file, without script, fit to print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from delegator.schemas import HistorySession, MoneyFigures, StatisticsReply
from serve_app.formats import (
    amount,
    counted,
    duration,
    gigabyte_seconds,
    moment,
    one_line,
    percent,
    role_name,
)
from serve_app.report.charts import Column, columns, rows
from serve_app.savings import gb_seconds_of, share_saved
from serve_app.scales import money_unit
from serve_app.spans import Span, cross_a_year, each, highest_money, spans_of

MOST_SESSIONS = 500
"""Sessions listed in the page at most; the CSV has them all."""

EXPLAINED = (
    "Memory over time is counted in GB·s: gigabytes held, times seconds. Saved is against all roles kept in memory for "
    "as long."
)

STYLE = """
:root { color-scheme: light dark; --ink: light-dark(#17181c, #eceef2); --quiet: light-dark(#5a6070, #a3a9b8);
  --line: light-dark(#d9dce3, #343946); --t0: light-dark(#2f62c9, #7aa2f7); --t1: light-dark(#8fd0b5, #2f7d62);
  background: light-dark(#ffffff, #131519); }
body { max-width: 960px; margin: 32px auto; padding: 0 20px; color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 26px; margin-bottom: 4px; } h2 { font-size: 18px; margin: 34px 0 8px; } .quiet { color: var(--quiet); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 14px; margin: 20px 0; }
.figures div { padding: 12px 14px; border: 1px solid var(--line); border-radius: 10px; }
.figures strong { display: block; font-size: 22px; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: var(--quiet); } svg .side { text-anchor: end; }
svg line { stroke: var(--line); } .t0 { fill: var(--t0); } .t1 { fill: var(--t1); }
.key i { display: inline-block; width: 10px; height: 10px; margin: 0 4px 0 12px; border-radius: 2px; }
table { width: 100%; border-collapse: collapse; font-size: 13px; } th { text-align: left; }
th, td { padding: 5px 8px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; } td.task { overflow-wrap: anywhere; }
@media print { body { margin: 0; } h2 { break-after: avoid; } tr, svg { break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report is made of.

    Attributes:
        figures: over its days.
        sessions: of its days, the newest first.
        made_at: when, UTC.
    """

    figures: StatisticsReply
    sessions: tuple[HistorySession, ...]
    made_at: datetime


def html_of(report: Report) -> str:
    """Return the page."""
    figures = report.figures
    days = (
        f"{figures.from_date} to {figures.to_date}" if figures.from_date != figures.to_date else f"{figures.from_date}"
    )
    simulated = figures.simulated_sessions
    remark = (
        f"<p><b>{counted(simulated, 'session')} of {figures.total_sessions} ran on simulated models</b>: their "
        "seconds, memory and tokens come from a simulator.</p>"
        if simulated
        else ""
    )
    parts = [
        f"<h1>Delegator, {days}</h1>",
        f'<p class="quiet">Made {moment(report.made_at)} UTC. {EXPLAINED}</p>',
        remark,
        _figures(figures),
        _over_time(figures),
        _lying(
            "By category", [(name.replace("_", " "), n) for name, n in figures.category_breakdown.items()], "session"
        ),
        _lying("How long sessions took", _durations(figures), "session"),
        _lying("Roles", [(role_name(role.role), role.sessions) for role in figures.roles], "session"),
        _sessions(report.sessions),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Delegator, {days}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(filter(None, parts))
        + "\n</main>\n</body>\n</html>\n"
    )


def _figures(figures: StatisticsReply) -> str:
    share = share_saved(figures.gb_seconds, figures.gb_seconds_saved)
    told = [
        ("Sessions", str(figures.total_sessions), f"{figures.failed_sessions} failed"),
        ("Agents", str(figures.total_agents_spawned), f"{figures.avg_agents_per_session:.1f} a session"),
        ("Memory over time", gigabyte_seconds(figures.gb_seconds), ""),
        ("Saved", gigabyte_seconds(figures.gb_seconds_saved), share),
        ("Average duration", duration(figures.avg_duration_seconds), ""),
        ("Turns", f"{figures.turns:,}", ""),
        (
            "Tokens",
            f"{figures.prompt_tokens + figures.reply_tokens:,}",
            f"{figures.prompt_tokens:,} read, {figures.reply_tokens:,} written",
        ),
        (
            "Loads",
            f"{figures.loads:,}",
            f"{duration(figures.load_seconds)} of loading, {counted(figures.swaps, 'swap')}",
        ),
    ]
    if figures.resident_hit_ratio is not None:
        told.append(("Model was there", percent(figures.resident_hit_ratio), "of turns"))
    for money in figures.money:
        saved = f"{amount(money.saved, money.currency)} saved"
        told.append((f"Cost ({money.currency})", amount(money.used, money.currency), saved))
    boxes = "".join(
        f'<div><span class="quiet">{escape(name)}</span><strong>{escape(value)}</strong>'
        f'<span class="quiet">{escape(note)}</span></div>'
        for name, value, note in told
    )
    return f'<div class="figures">{boxes}</div>'


def _over_time(figures: StatisticsReply) -> str:
    """Return the charts over the days; of one day there is nothing to draw."""
    if len(figures.days) < 2:
        return ""
    spans = spans_of(figures.days)
    per = each(spans)
    charts = [
        _chart(
            f"Sessions per {per}", spans, lambda s: (s.sessions,), lambda s: counted(s.sessions, "session"), whole=True
        ),
        _chart(
            f"Memory over time per {per}, GB·s",
            spans,
            lambda s: (s.used, s.saved),
            lambda s: f"{gigabyte_seconds(s.used)} used, {gigabyte_seconds(s.saved)} saved",
            key=("used", "saved"),
        ),
        _chart(
            f"Tokens per {per}",
            spans,
            lambda s: s.tokens,
            lambda s: "{:,} read, {:,} written".format(*s.tokens),
            key=("read", "written"),
            whole=True,
        ),
        *(_money(spans, money, per) for money in figures.money),
    ]
    return "".join(charts)


def _money(spans: Sequence[Span], money: MoneyFigures, per: str) -> str:
    size, unit = money_unit(highest_money(spans, money), one_line(money.currency))

    def told(span: Span) -> str:
        spent, saved = (amount(part, money.currency) for part in span.money(money.currency))
        return f"{spent} spent, {saved} saved"

    return _chart(
        f"Money per {per}, {unit}",
        spans,
        lambda s: tuple(part / size for part in s.money(money.currency)),
        told,
        key=("spent", "saved"),
    )


def _chart(
    title: str,
    spans: Sequence[Span],
    parts: Callable[[Span], tuple[float, ...]],
    told: Callable[[Span], str],
    *,
    key: Sequence[str] = (),
    whole: bool = False,
) -> str:
    named = "%Y-%m-%d" if cross_a_year(spans) else "%m-%d"
    drawn = [Column(f"{span.first:{named}}", parts(span), f"{span.label}: {told(span)}") for span in spans]
    tones = "".join(f'<i style="background:var(--t{tone})"></i>{escape(name)}' for tone, name in enumerate(key))
    below = f'<p class="key quiet">{tones}</p>' if key else ""
    return f"<h2>{escape(title)}</h2>{below}{columns(title, drawn, whole=whole)}"


def _durations(figures: StatisticsReply) -> list[tuple[str, int]]:
    return [
        ("longer" if share.up_to_seconds is None else f"up to {duration(share.up_to_seconds)}", share.sessions)
        for share in figures.durations
    ]


def _lying(title: str, counts: Sequence[tuple[str, int]], noun: str) -> str:
    if not any(count for _, count in counts):
        return ""
    drawn = [(one_line(name), float(count), counted(count, noun)) for name, count in counts]
    return f"<h2>{escape(title)}</h2>{rows(title, drawn)}"


def _sessions(sessions: Sequence[HistorySession]) -> str:
    if not sessions:
        return "<h2>Sessions</h2><p>None.</p>"
    listed = sessions[:MOST_SESSIONS]
    more = (
        f" The first {MOST_SESSIONS} of {len(sessions)}; the CSV has them all." if len(sessions) > MOST_SESSIONS else ""
    )
    body = "".join(_row(session) for session in listed)
    return (
        f'<h2>Sessions</h2><p class="quiet">Newest first.{more}</p><table><thead><tr><th>Started</th>'
        '<th>Category</th><th>Task</th><th>Team</th><th class="n">Took</th><th class="n">GB·s</th>'
        f'<th class="n">Saved</th><th>Status</th></tr></thead><tbody>{body}</tbody></table>'
    )


def _row(session: HistorySession) -> str:
    held, saved = gb_seconds_of(session.resources_used)
    cells = [
        f"<td>{moment(session.started_at)}</td>",
        f"<td>{escape(session.task_category.value.replace('_', ' '))}</td>",
        f'<td class="task">{escape(one_line(session.task_description, at_most=200))}</td>',
        f"<td>{escape(', '.join(role_name(role) for role in session.active_agents))}</td>",
        f'<td class="n">{"–" if session.duration_seconds is None else duration(session.duration_seconds)}</td>',
        f'<td class="n">{"–" if held is None else f"{held:,.0f}"}</td>',
        f'<td class="n">{"–" if saved is None else f"{saved:,.0f}"}</td>',
        f"<td>{escape(session.status.value)}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"
