"""The view *History*, made from replies."""

from datetime import UTC, date, datetime

import pytest

from delegator import schemas as s
from serve_app.monitor.history_view import HEADS, Chosen, HistoryRow, HistoryView, history_view
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)
TODAY = Chosen("2026-01-02", "", "", "", "", "started", descending=True)


def view_of(scene: Scene, request: s.SessionHistoryRequest) -> HistoryView:
    answers = scene.answers
    return history_view(
        request, answers["session_history"](request), answers["list_roles"](s.NoInput()), today=AT.date()
    )


def test_a_day_is_shown_newest_first():
    scene = Scene(now=AT)
    scene.remember(2, per_day=2)
    view = view_of(scene, s.SessionHistoryRequest(date=AT.date()))

    assert (view.chosen, view.today, view.page, view.pages, view.empty) == (TODAY, "2026-01-02", 1, 1, "")
    assert view.total == "2 sessions on 2026-01-02"
    assert view.rows == (
        HistoryRow(
            session_id="session_20260102_060924_10001",
            started="2026-01-02 06:09:24",
            category="quick_fix",
            category_words="quick fix",
            description="Fix typo in README",
            team="Senior Developer",
            agents="1",
            duration="1m 44s",
            mark="",
            used="2,215",
            saved="6,117",
            status="completed",
        ),
        HistoryRow(
            session_id="session_20260102_060211_10000",
            started="2026-01-02 06:02:11",
            category="development",
            category_words="development",
            description="Add user authentication feature",
            team="Product Manager, Senior Developer, Test Lead",
            agents="3",
            duration="42s",
            mark="",
            used="899",
            saved="2,482",
            status="completed",
        ),
    )


def test_all_days_come_in_pages_and_simulated_sessions_say_so():
    scene = Scene(now=AT, simulated=True)
    scene.remember(3, per_day=20)
    view = view_of(scene, s.SessionHistoryRequest(page=2))

    assert (view.chosen.first, view.page, view.pages, view.total) == ("", 2, 2, "60 sessions on all days")
    assert len(view.rows) == 10
    assert view.rows[-1].mark == "simulated"


def test_a_range_with_filters_is_told_as_it_was_chosen():
    scene = Scene(now=AT)
    scene.remember(5, per_day=8)
    request = s.SessionHistoryRequest.model_validate(
        {
            "from": "2025-12-31",
            "category": "technical",
            "status": "completed",
            "text": "BILLING",
            "sort": "saved",
            "descending": False,
        }
    )
    view = view_of(scene, request)

    assert view.chosen == Chosen(
        "2025-12-31", "2026-01-02", "technical", "completed", "BILLING", "saved", descending=False
    )
    assert view.total == "3 sessions from 2025-12-31 to 2026-01-02"
    assert {row.category for row in view.rows} == {"technical"}
    saved = [int(row.saved.replace(",", "")) for row in view.rows]
    assert saved == sorted(saved)


def test_a_range_that_goes_on_to_today_holds_its_last_day_too():
    """Or the next filter, which asks for what the fields hold, would ask for its first day alone."""
    for first, last in (("2025-12-31", "2026-01-02"), ("2026-01-02", "2026-01-02"), ("2026-01-05", "2026-01-05")):
        chosen = view_of(Scene(now=AT), s.SessionHistoryRequest.model_validate({"from": first})).chosen

        assert (chosen.first, chosen.last) == (first, last)


def test_a_session_that_has_not_ended_has_no_figures():
    scene = Scene(now=AT)
    scene.remember(1, per_day=1)
    scene.past[0] = scene.past[0].model_copy(
        update={"status": s.SessionStatus.ACTIVE, "ended_at": None, "duration_seconds": None, "resources_used": None}
    )
    row = view_of(scene, s.SessionHistoryRequest(date=date(2026, 1, 2))).rows[0]

    assert (row.duration, row.used, row.saved, row.status) == ("–", "–", "–", "active")


@pytest.mark.parametrize("receipt", [{}, {"gb_seconds": "many"}, {"gb_seconds": True}, {"all_roles_gb_seconds": 5}])
def test_a_receipt_without_its_figures_shows_none(receipt):
    scene = Scene(now=AT)
    scene.remember(1, per_day=1)
    scene.past[0] = scene.past[0].model_copy(update={"resources_used": receipt})
    row = view_of(scene, s.SessionHistoryRequest()).rows[0]

    assert (row.used, row.saved) == ("–", "–")


def test_a_session_that_used_more_than_all_roles_shows_the_loss():
    scene = Scene(now=AT)
    scene.remember(1, per_day=1)
    receipt = {"gb_seconds": 1_500.0, "all_roles_gb_seconds": 400.0}
    scene.past[0] = scene.past[0].model_copy(update={"resources_used": receipt})

    assert view_of(scene, s.SessionHistoryRequest()).rows[0].saved == "-1,100"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"date": "2025-05-05"}, "No session on this day."),
        ({"from": "2025-05-05", "to": "2025-05-06"}, "No session in these days."),
        ({"text": "nowhere"}, "No session fits these filters."),
        ({"status": "hibernated", "date": "2026-01-02"}, "No session fits these filters."),
        ({"page": 7}, "There is no page 7; the last one is 1."),
    ],
)
def test_why_there_is_nothing_is_told(asked, says):
    scene = Scene(now=AT)
    scene.remember(1, per_day=3)
    view = view_of(scene, s.SessionHistoryRequest.model_validate(asked))

    assert (view.empty, view.rows) == (says, ())


def test_before_the_first_session_there_is_one_empty_page():
    view = view_of(Scene(now=AT), s.SessionHistoryRequest())

    assert (view.empty, view.page, view.pages, view.total) == ("No session yet.", 1, 1, "0 sessions on all days")


def test_every_column_that_sorts_is_one_the_history_can_be_sorted_by():
    sorts = [head.sort for head in HEADS if head.sort]

    assert [s.SessionHistoryRequest.model_validate({"sort": name}).sort for name in sorts] == sorts


def test_every_category_and_status_can_be_chosen():
    view = view_of(Scene(now=AT), s.SessionHistoryRequest())

    assert [option.value for option in view.categories] == ["", *(category.value for category in s.TaskCategory)]
    assert [option.value for option in view.statuses] == ["", *(status.value for status in s.SessionStatus)]
