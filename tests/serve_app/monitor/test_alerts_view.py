"""The view *Alerts*, made from a reply."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from delegator import schemas as s
from serve_app.monitor.alerts_view import AlertRow, AlertsView, alerts_view

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


def alert(**changes: Any) -> s.Alert:
    facts = {
        "rule": "memory",
        "subject": "ollama",
        "message": "The models on ollama take 62.5 of 64.0 GB.",
        "hint": "End sessions that are not needed.",
        "value": 0.9766,
        "limit": 0.95,
        "raised_at": AT - timedelta(minutes=7, seconds=20),
    }
    return s.Alert.model_validate({**facts, **changes})


def view_of(**changes: Any) -> AlertsView:
    facts: dict[str, Any] = {"raised": [], "past": [], "rules": []}
    return alerts_view(s.ListAlertsReply.model_validate({**facts, **changes}), now=AT)


def test_what_is_raised_is_told_with_its_figure_and_since_when():
    view = view_of(raised=[alert()])

    assert view.total == "1 alert raised"
    assert view.raised == (
        AlertRow(
            key="memory ollama 2026-01-02T14:22:40+00:00",
            rule="memory",
            subject="ollama",
            message="The models on ollama take 62.5 of 64.0 GB.",
            hint="End sessions that are not needed.",
            measured="98 %, limit 95 %",
            since="2026-01-02 14:22:40",
            lasted="7m",
            cleared="",
        ),
    )


def test_past_alerts_tell_how_long_they_lasted():
    past = alert(raised_at=AT - timedelta(hours=3), cleared_at=AT - timedelta(hours=1, minutes=30))
    row = view_of(past=[past]).past[0]

    assert (row.cleared, row.lasted) == ("2026-01-02 13:00:00", "1h 30m")


@pytest.mark.parametrize(
    ("rule", "value", "limit", "measured"),
    [
        ("queue_wait", 412.0, 300.0, "6m 52s, limit 5m 0s"),
        ("crash_loop", 3, 3, "3, limit 3"),
        ("disk", 1.44, 2.0, "1.4 GB, limit 2.0 GB"),
        ("drift", 75.0, None, "1m 15s"),
        ("suspect_host", None, None, ""),
    ],
)
def test_figures_are_written_in_the_unit_of_their_rule(rule, value, limit, measured):
    assert view_of(raised=[alert(rule=rule, value=value, limit=limit)]).raised[0].measured == measured


@pytest.mark.parametrize(("seconds", "lasted"), [(0.4, "0s"), (59, "59s"), (60, "1m"), (125, "2m"), (3_700, "1h 1m")])
def test_how_long_changes_once_a_minute(seconds, lasted):
    assert view_of(raised=[alert(raised_at=AT - timedelta(seconds=seconds))]).raised[0].lasted == lasted


def test_without_alerts_nothing_is_raised():
    view = view_of(rules=["memory: models take more than 95 % of an endpoint"], webhook="hooks.example.com")

    assert view == AlertsView(
        total="Nothing is raised",
        raised=(),
        past=(),
        rules=("memory: models take more than 95 % of an endpoint",),
        webhook="hooks.example.com",
        webhook_error="",
    )


def test_texts_of_others_come_on_one_line_without_what_moves_a_cursor():
    row = view_of(raised=[alert(subject="a\nb", message="x\x1b[31mred\u202e")]).raised[0]

    assert (row.subject, row.message) == ("a b", "xred")
