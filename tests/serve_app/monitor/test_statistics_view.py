"""The view *Statistics*, made from a reply."""

from datetime import date, timedelta
from typing import Any

import pytest

from delegator import schemas as s
from serve_app.monitor.charts import ColumnChart, Row, RowChart
from serve_app.monitor.statistics_view import Figure, StatisticsView, statistics_view
from tests.serve_app.samples import REPLIES

TODAY = date(2026, 1, 2)
ROLES = REPLIES["list_roles"]
NOTHING: dict[str, object] = {
    "days": [],
    "durations": [],
    "roles": [],
    "money": [],
    "resident_hit_ratio": None,
    "prefetch_hit_ratio": None,
}


def view_of(**changes: object) -> StatisticsView:
    sample = REPLIES["statistics"]
    assert isinstance(sample, s.StatisticsReply)
    assert isinstance(ROLES, s.ListRolesReply)
    return statistics_view(sample.model_copy(update={**NOTHING, **changes}), ROLES, today=TODAY)


def days(count: int, **figures: float) -> dict[str, object]:
    """`count` days up to today with the same figures."""
    one = {"sessions": 2, "agents": 5, "gb_seconds": 100.0, "gb_seconds_saved": 300.0, **figures}
    first = TODAY - timedelta(days=count - 1)
    return {
        "from_date": first,
        "to_date": TODAY,
        "days": [s.DayFigures.model_validate({"day": first + timedelta(days=n), **one}) for n in range(count)],
    }


def chart(view: StatisticsView, title: str) -> ColumnChart:
    return next(chart for chart in view.columns if chart.title.startswith(title))


def rows(view: StatisticsView, title: str) -> RowChart:
    return next(chart for chart in view.rows if chart.title == title)


def test_the_figures_of_some_days_are_told_with_their_shares():
    view = view_of(
        total_sessions=1_234,
        total_agents_spawned=3_000,
        avg_agents_per_session=2.43,
        tasks_delegated=1_300,
        completed_sessions=1_200,
        failed_sessions=30,
        avg_duration_seconds=323,
        gb_seconds=500.0,
        gb_seconds_saved=1_500.0,
        turns=5_200,
        prompt_tokens=90_000,
        reply_tokens=10_000,
        loads=41,
        load_seconds=190.0,
        swaps=1,
        money=[
            s.MoneyFigures(currency="EUR", used=0.42, saved=1.3),
            s.MoneyFigures(currency="USD", used=12.5, saved=-0.5),
        ],
    )

    assert (view.first, view.last, view.today, view.days) == ("2026-01-01", "2026-01-02", "2026-01-02", "2 days")
    assert view.figures == (
        Figure("Sessions", "1,234", "", "1,200 completed, 30 failed, 4 other"),
        Figure("Agents per session", "2.4", "", "3,000 in total"),
        Figure("Tasks delegated", "1,300", "", "5,200 turns"),
        Figure("Average duration", "5m 23s", "", ""),
        Figure("Memory used", "500 GB·s", "", "models resident × time"),
        Figure("Memory saved", "1,500 GB·s", "", "75 % of what all roles would have held"),
        Figure("Tokens", "100,000", "", "90,000 read, 10,000 written"),
        Figure("Models loaded", "41", "", "3m 10s loading, 1 swap"),
        Figure("Money (EUR)", "0.42 EUR", "", "1.30 EUR saved against all roles"),
        Figure("Money (USD)", "12.50 USD", "", "-0.50 USD saved against all roles"),
    )


@pytest.mark.parametrize(
    ("simulated", "total", "mark"), [(0, 5, ""), (5, 5, "simulated"), (2, 5, "2 of 5 simulated"), (0, 0, "")]
)
def test_figures_of_simulated_sessions_say_so(simulated, total, mark):
    view = view_of(total_sessions=total, simulated_sessions=simulated, **days(2))

    assert [figure.mark for figure in view.figures] == ["", "", "", mark, mark, mark, mark, mark]
    assert [chart.mark for chart in view.columns] == ["", mark, mark, "", mark]
    assert [chart.mark for chart in view.rows] == ["", mark, mark]


def test_every_day_has_its_column():
    view = view_of(**days(30))
    sessions, memory, agents = (chart(view, title) for title in ("Sessions", "Memory", "Average agents"))

    assert (sessions.title, memory.title) == ("Sessions per day", "Memory per day, in GB·s")
    assert len(sessions.columns) == 30
    assert (sessions.columns[-1].label, sessions.columns[-1].values) == ("2026-01-02", ("2",))
    assert [series.name for series in memory.series] == ["Used", "Saved"]
    assert (memory.columns[0].values, memory.columns[0].heights) == (("100", "300"), (0.25, 0.75))
    assert agents.columns[0].values == ("2.5",)


def test_of_long_ranges_several_days_make_a_column():
    weeks = chart(view_of(**days(120)), "Sessions per 7 days")
    longer = chart(view_of(**days(2_000)), "Sessions per 28 days")

    assert len(weeks.columns) == 18
    assert weeks.columns[0].values == ("14",)
    assert weeks.columns[-1].label == "2026-01-02"
    assert longer.columns[0].values == ("56",)
    assert len(longer.columns) <= 92


def test_tokens_are_a_chart_of_what_was_read_and_what_was_written():
    tokens = chart(view_of(**days(2, prompt_tokens=6_000, reply_tokens=2_000)), "Tokens per day")

    assert [series.name for series in tokens.series] == ["Read", "Written"]
    assert (tokens.columns[0].values, tokens.columns[0].heights) == (("6,000", "2,000"), (0.75, 0.25))


def test_money_is_a_chart_for_each_currency_in_a_unit_of_short_numbers():
    def paid(day: int) -> list[s.MoneyFigures]:
        francs = [s.MoneyFigures(currency="CHF", used=2, saved=6)] if day else []
        return [*francs, s.MoneyFigures(currency="EUR", used=0.0005, saved=0.0015)]

    figures = days(2)
    plain: Any = figures["days"]
    figures["days"] = [day.model_copy(update={"money": paid(n)}) for n, day in enumerate(plain)]
    sums = [s.MoneyFigures(currency=name, used=1, saved=1) for name in ("CHF", "EUR")]
    view = view_of(**figures, money=sums)
    francs, euros = chart(view, "Money per day, in CHF"), chart(view, "Money per day, in thousandths of EUR")

    assert [column.values for column in francs.columns] == [("0.00 CHF", "0.00 CHF"), ("2.00 CHF", "6.00 CHF")]
    assert euros.columns[0].values == ("0.00050 EUR", "0.0015 EUR")
    assert (euros.columns[0].heights, euros.lines[-1].label) == ((0.25, 0.75), "2")
    assert euros.said.endswith("The most on 2026-01-01: spent 0.00050 EUR, saved 0.0015 EUR.")


def test_without_prices_there_is_no_chart_of_money():
    assert [one.title for one in view_of(**days(2)).columns] == [
        "Sessions per day",
        "Memory per day, in GB·s",
        "Tokens per day",
        "Average agents per session, by day",
        "How long sessions took",
    ]


def test_where_a_year_is_crossed_days_are_named_with_it():
    columns = chart(view_of(**days(30)), "Sessions").columns
    this_year = chart(view_of(**days(2)), "Sessions").columns

    assert (columns[0].short, columns[-1].short) == ("4 Dec 2025", "2 Jan 2026")
    assert sum(column.named for column in columns) <= 3
    assert [column.short for column in this_year] == ["1 Jan", "2 Jan"]


def test_a_chart_says_in_a_sentence_what_it_shows():
    figures = days(3)
    figures["days"][1] = figures["days"][1].model_copy(update={"sessions": 9})  # type: ignore[index]
    view = view_of(**figures)

    assert chart(view, "Sessions").said == "Sessions per day, 3 columns. The most on 2026-01-01: sessions 9."
    assert chart(view_of(**days(3, sessions=0)), "Sessions").said.endswith("There is nothing in any of them.")


def test_a_day_that_lost_memory_has_no_column_for_it_but_its_figure():
    column = chart(view_of(**days(1, gb_seconds_saved=-40.0)), "Memory").columns[0]

    assert (column.values, column.heights) == (("100", "-40"), (1.0, 0.0))


def test_durations_are_told_by_their_bounds():
    shares = [
        s.DurationShare(up_to_seconds=30, sessions=0),
        s.DurationShare(up_to_seconds=300, sessions=4),
        s.DurationShare(up_to_seconds=None, sessions=1),
    ]
    drawn = chart(view_of(durations=shares), "How long")

    assert [(column.label, column.short, column.values) for column in drawn.columns] == [
        ("up to 30s", "30s", ("0",)),
        ("up to 5m 0s", "5m", ("4",)),
        ("longer than 5m 0s", "> 5m", ("1",)),
    ]
    assert all(column.named for column in drawn.columns)
    assert drawn.said == "Of 5 ended sessions: 4 up to 5m 0s, 1 longer than 5m 0s."


def test_categories_are_ranked():
    ranked = rows(view_of(category_breakdown={"hr": 300, "quick_fix": 600, "product": 300}), "Sessions by category")

    assert ranked.rows == (
        Row("quick fix", "quick_fix", 1.0, "600", "50 %"),
        Row("hr", "hr", 0.5, "300", "25 %"),
        Row("product", "product", 0.5, "300", "25 %"),
    )


def test_the_most_used_roles_bear_their_titles():
    used = [
        s.RoleFigures(role="ceo", sessions=8, turns=16, reply_tokens=3_200),
        s.RoleFigures(role="gardener", sessions=2, turns=1, reply_tokens=90),
    ]

    assert rows(view_of(roles=used), "Most used roles").rows == (
        Row("CEO", "tone0", 1.0, "8", "16 turns, 3,200 tokens"),
        Row("Gardener", "tone0", 0.25, "2", "1 turn, 90 tokens"),
    )


def test_hit_rates_are_shown_where_there_are_any():
    hits = rows(view_of(resident_hit_ratio=0.83, prefetch_hit_ratio=None), "Models in time")

    assert hits.rows == (Row("Resident", "tone5", 0.83, "83 %", "of the turns found their model in memory"),)


def test_days_without_sessions_say_so():
    view = view_of(total_sessions=0, category_breakdown={}, gb_seconds=0, gb_seconds_saved=0)

    assert [(chart.rows, chart.empty) for chart in view.rows] == [
        ((), "No session in these days."),
        ((), "No role was used in these days."),
        ((), "No turn was taken in these days."),
    ]
    assert view.figures[5] == Figure("Memory saved", "0 GB·s", "", "")
    assert [chart.columns for chart in view.columns] == [()] * 5
    assert chart(view, "How long").said == "No session has ended."
