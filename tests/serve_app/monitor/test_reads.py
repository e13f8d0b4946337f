"""Which operations make a view, and how often they are asked."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from delegator import schemas as s
from delegator.errors import SystemNotRunning
from serve_app.monitor.reads import Reads
from serve_app.operations import BY_NAME
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


@pytest.fixture
def scene() -> Scene:
    scene = Scene(now=AT)
    scene.remember(3, per_day=4)
    scene.open_session(0, running_s=323)
    return scene


def reads_of(scene: Scene, *, fresh_s: float = 60.0) -> Reads:
    return Reads(scene, fresh_s=fresh_s, now=lambda: AT)


async def test_many_looks_at_now_ask_each_operation_once(scene):
    reads = reads_of(scene)
    views = [await reads.present() for _ in range(10)]

    assert Counter(name for name, _ in scene.asked) == {
        "list_active_sessions": 1,
        "list_active_agents": 1,
        "resource_summary": 1,
        "statistics": 1,
        "list_roles": 1,
    }
    assert all(view is views[0] for view in views)
    assert views[0].cards[2].notes == ("4 in total today",)


async def test_the_agents_of_all_sessions_are_asked_for(scene):
    scene.open_session(1, running_s=5)
    await reads_of(scene).present()

    assert ("list_active_agents", s.ListAgentsRequest(all_sessions=True)) in scene.asked


async def test_choices_are_read_apart_and_shared(scene):
    reads = reads_of(scene)
    day, everything = s.SessionHistoryRequest(date=AT.date()), s.SessionHistoryRequest()
    totals = [(await reads.history(request)).total for request in (day, everything, day)]

    assert totals == ["4 sessions on 2026-01-02", "12 sessions on all days", "4 sessions on 2026-01-02"]
    assert [request for name, request in scene.asked if name == "session_history"] == [day, everything]


async def test_statistics_of_a_range_are_read(scene):
    view = await reads_of(scene).statistics(s.StatisticsRequest(from_date=date(2026, 1, 1), to_date=date(2026, 1, 2)))

    assert (view.days, view.figures[0].value) == ("2 days", "8")


async def test_the_roles_are_read_once_however_old_they_are(scene):
    reads = reads_of(scene, fresh_s=0.0)
    for _ in range(3):
        await reads.present()

    assert Counter(name for name, _ in scene.asked)["list_roles"] == 1


async def test_an_error_of_the_backend_comes_through(scene):
    scene.answers["resource_summary"] = SystemNotRunning("actor session-manager")

    with pytest.raises(SystemNotRunning):
        await reads_of(scene).present()


async def test_nothing_but_reading_operations_is_used(scene):
    reads = reads_of(scene)
    await reads.present()
    await reads.history(s.SessionHistoryRequest())
    await reads.statistics(s.StatisticsRequest())

    assert all(BY_NAME[name].read_only for name, _ in scene.asked)
