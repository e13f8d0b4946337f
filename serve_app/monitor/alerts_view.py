"""What the view *Alerts* shows: what wants attention now, what did, and by which rules. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from delegator.schemas import Alert, ListAlertsReply
from serve_app.formats import counted, duration, gigabytes, moment, one_line, percent
from serve_app.monitor.wording import words

WRITTEN: Final[Mapping[str, Callable[[float], str]]] = {
    "memory": percent,
    "queue_wait": duration,
    "drift": duration,
    "disk": gigabytes,
}
"""How the figures of a rule are written; all others are plain numbers."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """One alert, raised or cleared."""

    key: str
    rule: str
    subject: str
    message: str
    hint: str
    measured: str
    """The figure against its limit; empty where the rule has none."""
    since: str
    lasted: str
    """How long it has been, or was, raised."""
    cleared: str


@dataclass(frozen=True, slots=True)
class AlertsView:
    """All of the view *Alerts*."""

    total: str
    raised: tuple[AlertRow, ...]
    past: tuple[AlertRow, ...]
    rules: tuple[str, ...]
    webhook: str
    webhook_error: str


def alerts_view(reply: ListAlertsReply, *, now: datetime) -> AlertsView:
    """Return what is drawn. `now`: the present moment, for how long something has been raised."""
    return AlertsView(
        total=counted(len(reply.raised), "alert") + " raised" if reply.raised else "Nothing is raised",
        raised=tuple(_row(alert, now) for alert in reply.raised),
        past=tuple(_row(alert, now) for alert in reply.past),
        rules=tuple(one_line(rule) for rule in reply.rules),
        webhook=one_line(reply.webhook or ""),
        webhook_error=one_line(reply.webhook_error or ""),
    )


def _row(alert: Alert, now: datetime) -> AlertRow:
    until = alert.cleared_at or now
    return AlertRow(
        key=f"{alert.rule} {alert.subject} {alert.raised_at.isoformat()}",
        rule=words(alert.rule),
        subject=one_line(alert.subject),
        message=one_line(alert.message),
        hint=one_line(alert.hint),
        measured=_measured(alert),
        since=moment(alert.raised_at),
        lasted=_lasted((until - alert.raised_at).total_seconds()),
        cleared=moment(alert.cleared_at) if alert.cleared_at else "",
    )


def _lasted(seconds: float) -> str:
    """Write it in minutes from one minute on: it is not to change with every look."""
    return duration(int(seconds)) if seconds < 60 else duration(seconds // 60 * 60).removesuffix(" 0s")


def _measured(alert: Alert) -> str:
    write = WRITTEN.get(alert.rule, "{:g}".format)
    if alert.value is None:
        return ""
    return write(alert.value) + (f", limit {write(alert.limit)}" if alert.limit is not None else "")
