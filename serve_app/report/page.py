"""The report as one HTML page: whole in one file, without script, fit to print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from delegator.schemas import DayFigures, HistorySession, StatisticsReply
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
        _days(figures.days),
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
    told = [
        ("Sessions", str(figures.total_sessions), f"{figures.failed_sessions} failed"),
        ("Agents", str(figures.total_agents_spawned), f"{figures.avg_agents_per_session:.1f} a session"),
        ("Memory over time", gigabyte_seconds(figures.gb_seconds), ""),
        ("Saved", gigabyte_seconds(figures.gb_seconds_saved), _share_saved(figures)),
        ("Average duration", duration(figures.avg_duration_seconds), ""),
        ("Turns", f"{figures.turns:,}", f"{figures.reply_tokens:,} tokens written"),
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


def _share_saved(figures: StatisticsReply) -> str:
    whole = figures.gb_seconds + figures.gb_seconds_saved
    return f"{percent(figures.gb_seconds_saved / whole)} of all roles resident" if whole > 0 else ""


def _days(days: Sequence[DayFigures]) -> str:
    if len(days) < 2:
        return ""
    count = [
        Column(f"{day.day:%m-%d}", (day.sessions,), f"{day.day}: {counted(day.sessions, 'session')}") for day in days
    ]
    held = [
        Column(
            f"{day.day:%m-%d}",
            (max(0.0, day.gb_seconds), max(0.0, day.gb_seconds_saved)),
            f"{day.day}: {gigabyte_seconds(day.gb_seconds)} used, {gigabyte_seconds(day.gb_seconds_saved)} saved",
        )
        for day in days
    ]
    key = '<p class="key quiet"><i style="background:var(--t0)"></i>used<i style="background:var(--t1)"></i>saved</p>'
    return (
        f"<h2>Sessions a day</h2>{columns('Sessions a day', count)}"
        f"<h2>Memory over time a day, GB·s</h2>{key}{columns('GB-seconds used and saved a day', held)}"
    )


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
    used = session.resources_used or {}
    held, saved = used.get("gb_seconds"), used.get("gb_seconds_saved")
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
