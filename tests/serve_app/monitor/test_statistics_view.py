"""The view *Statistics*, made from a reply."""

from datetime import date

import pytest

from delegator import schemas as s
from serve_app.monitor.statistics_view import CategoryBar, Figure, StatisticsView, statistics_view
from tests.serve_app.samples import REPLIES

TODAY = date(2026, 1, 2)


def reply(**changes: object) -> s.StatisticsReply:
    sample = REPLIES["statistics"]
    assert isinstance(sample, s.StatisticsReply)
    return sample.model_copy(update=changes)


def test_the_figures_of_some_days_are_told_with_their_shares():
    view = statistics_view(
        reply(
            total_sessions=1_234,
            total_agents_spawned=3_000,
            avg_agents_per_session=2.43,
            tasks_delegated=1_300,
            completed_sessions=1_200,
            failed_sessions=30,
            avg_duration_seconds=323,
            gb_seconds=500.0,
            gb_seconds_saved=1_500.0,
            category_breakdown={"hr": 300, "quick_fix": 600, "product": 300},
        ),
        today=TODAY,
    )

    assert view == StatisticsView(
        first="2026-01-01",
        last="2026-01-02",
        today="2026-01-02",
        days="2 days",
        figures=(
            Figure("Sessions", "1,234", "", "1200 completed, 30 failed, 4 other"),
            Figure("Agents per session", "2.4", "", "3,000 in total"),
            Figure("Tasks delegated", "1,300", "", ""),
            Figure("Average duration", "5m 23s", "", ""),
            Figure("Memory used", "500 GB·s", "", "models resident × time"),
            Figure("Memory saved", "1,500 GB·s", "", "75 % of what all roles would have held"),
        ),
        categories=(
            CategoryBar("quick_fix", "quick fix", 600, 1.0, "50 %"),
            CategoryBar("hr", "hr", 300, 0.5, "25 %"),
            CategoryBar("product", "product", 300, 0.5, "25 %"),
        ),
    )


@pytest.mark.parametrize(
    ("simulated", "total", "mark"), [(0, 5, ""), (5, 5, "simulated"), (2, 5, "2 of 5 simulated"), (0, 0, "")]
)
def test_figures_of_simulated_sessions_say_so(simulated, total, mark):
    view = statistics_view(reply(total_sessions=total, simulated_sessions=simulated), today=TODAY)

    assert [figure.mark for figure in view.figures] == ["", "", "", mark, mark, mark]


def test_days_without_sessions_have_no_bars_and_no_share():
    view = statistics_view(
        reply(total_sessions=0, category_breakdown={}, gb_seconds=0, gb_seconds_saved=0), today=TODAY
    )

    assert view.categories == ()
    assert view.figures[-1] == Figure("Memory saved", "0 GB·s", "", "")
