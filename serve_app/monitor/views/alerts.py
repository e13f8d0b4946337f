"""The view *Alerts* as a page."""

from __future__ import annotations

from delegator.schemas import Event, EventKind, ListAlertsRequest
from serve_app.monitor.alerts_view import AlertsView, alerts_view
from serve_app.monitor.choices import no_choice
from serve_app.monitor.elements import Board
from serve_app.monitor.view import Sources, View


class AlertsBoard(Board[AlertsView], component="../components/monitor_alerts.vue"):
    """Shows it."""


CHANGES = frozenset({EventKind.ALERT_RAISED, EventKind.ALERT_CLEARED})


async def _read(sources: Sources, _choice: None) -> AlertsView:
    return alerts_view(await sources.backend.list_alerts(ListAlertsRequest()), now=sources.now())


def _concerned(_choice: None, event: Event) -> bool:
    return event.kind in CHANGES


ALERTS = View(
    name="alerts",
    title="Alerts",
    path="/alerts",
    board=AlertsBoard,
    choice=no_choice,
    read=_read,
    concerned=_concerned,
)
