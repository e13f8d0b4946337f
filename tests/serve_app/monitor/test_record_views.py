"""The views of the record: today is the day on which they are read, and every end of a session concerns them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from delegator.schemas import SESSION_ENDS, TASK_ENDS, Event, EventKind
from serve_app.monitor.view import Sources, View
from serve_app.monitor.views.history import HISTORY
from serve_app.monitor.views.statistics import STATISTICS
from tests.browser.scene import Scene
from tests.serve_app.samples import CannedBackend

EVENING = datetime(2026, 1, 2, 23, 59, 50, tzinfo=UTC)


@pytest.mark.parametrize("view", [HISTORY, STATISTICS], ids=lambda view: view.name)
async def test_a_page_that_stays_open_over_midnight_shows_the_new_day(view: View[Any, Any]) -> None:
    scene = Scene(now=EVENING)
    backend = CannedBackend()
    backend.answers |= scene.answers
    sources = Sources(backend, now=lambda: scene.now)
    choice = view.choice({})

    def asked() -> tuple[object, object]:
        name, request = backend.asked[-1]
        days = request.model_dump(by_alias=True)
        return name, days["date"] if "date" in days else (days["from"], days["to"])

    shown = []
    for day in (EVENING.date(), (EVENING + timedelta(minutes=1)).date()):
        scene.now = datetime(day.year, day.month, day.day, 23, 59, 50, tzinfo=UTC)
        await sources.roles()
        found = await view.read(sources, choice)
        shown.append(found.today)
        assert asked() in (("session_history", day), ("statistics", (day, day)))
    assert shown == ["2026-01-02", "2026-01-03"]


@pytest.mark.parametrize("kind", sorted(SESSION_ENDS | {EventKind.SESSION_ASKED, EventKind.SESSION_CREATED}))
@pytest.mark.parametrize("view", [HISTORY, STATISTICS], ids=lambda view: view.name)
def test_whatever_begins_or_ends_a_session_changes_what_is_shown(view: View[Any, Any], kind: EventKind) -> None:
    assert view.concerned(view.choice({}), Event(event_id=1, at=EVENING, kind=kind, session_id="session_1"))


@pytest.mark.parametrize("kind", sorted(TASK_ENDS))
def test_whatever_ends_a_task_changes_the_figures(kind: EventKind) -> None:
    assert STATISTICS.concerned(STATISTICS.choice({}), Event(event_id=1, at=EVENING, kind=kind, session_id="session_1"))
