"""Days as columns: one each, or several together where there are many."""

from datetime import date, timedelta

import pytest

from delegator.schemas import DayFigures, MoneyFigures
from serve_app.spans import MOST_COLUMNS, cross_a_year, each, highest_money, spans_of

LAST = date(2026, 1, 9)


def days(count: int) -> list[DayFigures]:
    return [
        DayFigures(
            day=LAST - timedelta(days=count - 1 - n),
            sessions=n,
            agents=2,
            gb_seconds=10,
            gb_seconds_saved=30,
            prompt_tokens=7,
            reply_tokens=3,
            money=[MoneyFigures(currency="EUR", used=0.5, saved=1 if n % 2 else -1)],
        )
        for n in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "columns", "what"),
    [(0, 0, "day"), (1, 1, "day"), (92, 92, "day"), (93, 14, "7 days"), (700, 25, "28 days"), (3_660, 92, "40 days")],
)
def test_there_are_never_more_columns_than_there_is_room_for(count, columns, what):
    spans = spans_of(days(count))

    assert (len(spans), each(spans)) == (columns, what)
    assert columns <= MOST_COLUMNS
    assert [day for span in spans for day in span.days] == days(count)


def test_a_column_is_the_sum_of_its_days():
    first, *_, last = spans_of(days(100))

    assert (first.sessions, first.agents, first.used, first.saved) == (21, 14, 70, 210)
    assert first.tokens == (49, 21)
    assert first.money("EUR") == (3.5, -1)
    assert first.money("CHF") == (0, 0)
    assert (first.label, last.label) == ("2025-10-02 to 2025-10-08", "2026-01-08 to 2026-01-09")


@pytest.mark.parametrize(("count", "crosses"), [(0, False), (9, False), (10, True), (366, True)])
def test_whether_a_day_and_a_month_say_enough(count, crosses):
    assert cross_a_year(spans_of(days(count))) is crosses


def test_losses_add_no_height():
    assert highest_money(spans_of(days(1)), MoneyFigures(currency="EUR", used=9, saved=9)) == 0.5
    assert highest_money(spans_of(days(2)), MoneyFigures(currency="EUR", used=9, saved=9)) == 1.5
    assert highest_money((), MoneyFigures(currency="EUR", used=9, saved=9)) == 0
