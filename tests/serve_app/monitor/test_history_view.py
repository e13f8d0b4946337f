"""The view *History*, made from replies."""

from datetime import UTC, date, datetime

from delegator import schemas as s
from serve_app.monitor.history_view import HistoryRow, HistoryView, history_view
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


def view_of(scene: Scene, request: s.SessionHistoryRequest) -> HistoryView:
    answers = scene.answers
    return history_view(
        request, answers["session_history"](request), answers["list_roles"](s.NoInput()), today=AT.date()
    )


def test_a_day_is_shown_newest_first_with_the_time_of_day():
    scene = Scene(now=AT)
    scene.remember(2, per_day=2)
    view = view_of(scene, s.SessionHistoryRequest(date=AT.date()))

    assert (view.day, view.today, view.page, view.pages) == ("2026-01-02", "2026-01-02", 1, 1)
    assert view.total == "2 sessions on 2026-01-02"
    assert view.rows == (
        HistoryRow(
            session_id="session_20260102_060924_10001",
            category="quick_fix",
            category_words="quick fix",
            description="Fix typo in README",
            agents=1,
            team="Senior Developer",
            duration="1m 44s",
            simulated=False,
            status="completed",
            started="06:09:24",
            started_on="2026-01-02 06:09:24",
        ),
        HistoryRow(
            session_id="session_20260102_060211_10000",
            category="development",
            category_words="development",
            description="Add user authentication feature",
            agents=3,
            team="Product Manager, Senior Developer, Test Lead",
            duration="42s",
            simulated=False,
            status="completed",
            started="06:02:11",
            started_on="2026-01-02 06:02:11",
        ),
    )


def test_all_days_are_shown_with_their_dates():
    scene = Scene(now=AT, simulated=True)
    scene.remember(3, per_day=20)
    view = view_of(scene, s.SessionHistoryRequest(page=2))

    assert (view.day, view.page, view.pages, view.total) == ("", 2, 2, "60 sessions on all days")
    assert len(view.rows) == 10
    assert view.rows[-1].started == "2025-12-31 06:02:11"
    assert view.rows[-1].simulated


def test_a_session_that_has_not_ended_has_no_duration():
    scene = Scene(now=AT)
    scene.remember(1, per_day=1)
    running = scene.past[0].model_copy(
        update={"status": s.SessionStatus.ACTIVE, "ended_at": None, "duration_seconds": None}
    )
    reply = s.SessionHistoryReply(sessions=[running], total_sessions=1, page=1, pages=1)
    scene.answers["session_history"] = lambda _: reply
    view = view_of(scene, s.SessionHistoryRequest(date=date(2026, 1, 2)))

    assert view.total == "1 session on 2026-01-02"
    assert (view.rows[0].duration, view.rows[0].status) == ("–", "active")


def test_an_empty_day_has_one_empty_page():
    view = view_of(Scene(now=AT), s.SessionHistoryRequest(date=date(2025, 5, 5)))

    assert view == HistoryView("2025-05-05", "2026-01-02", 1, 1, "0 sessions on 2025-05-05", ())
