"""What an address or a field asks for, as a request."""

from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from serve_app.monitor.choices import history_choice, statistics_choice

ANY_DAY = date(2026, 1, 9)


def test_without_words_both_views_show_the_day_on_which_they_are_read():
    history, statistics = history_choice({"status": "failed"}), statistics_choice({})

    for day in (ANY_DAY, ANY_DAY + timedelta(days=1)):
        asked, figures = history.on(day), statistics.on(day)
        assert (asked.date, asked.status, asked.page) == (day, "failed", 1)
        assert (figures.from_date, figures.to_date) == (day, day)


@pytest.mark.parametrize("asked", [{"day": "2026-01-02"}, {"day": "all"}, {"from": "2026-01-02"}])
def test_days_that_are_named_stay_what_they_are(asked):
    choice = history_choice(asked)

    assert choice.on(ANY_DAY) == choice.request
    assert choice.request.date != ANY_DAY


@pytest.mark.parametrize(
    ("asked", "day", "page"),
    [
        ({"day": "2026-01-02"}, date(2026, 1, 2), 1),
        ({"day": "2026-01-02", "page": "3"}, date(2026, 1, 2), 3),
        ({"day": "all", "page": 2}, None, 2),
    ],
)
def test_a_history_is_asked_for_by_day_and_page(asked, day, page):
    choice = history_choice(asked).on(ANY_DAY)

    assert (choice.date, choice.page) == (day, page)


def test_a_history_is_asked_for_by_range_filters_and_order():
    choice = history_choice(
        {
            "from": "2026-01-02",
            "to": "2026-01-05",
            "category": "quick_fix",
            "status": "failed",
            "text": "typo",
            "sort": "duration",
            "order": "up",
            "page": "2",
        }
    )

    assert choice.on(ANY_DAY).model_dump(exclude={"page_size"}) == {
        "date": None,
        "from": date(2026, 1, 2),
        "to": date(2026, 1, 5),
        "category": "quick_fix",
        "status": "failed",
        "text": "typo",
        "sort": "duration",
        "descending": False,
        "page": 2,
    }


def test_empty_words_ask_for_nothing():
    words = ("from", "to", "category", "status", "text", "sort", "order", "page")

    assert history_choice({"day": "2026-01-02", **dict.fromkeys(words, "")}) == history_choice({"day": "2026-01-02"})


@pytest.mark.parametrize(
    "asked",
    [
        {"to": "2026-01-02"},
        {"from": "2026-01-05", "to": "2026-01-02"},
        {"category": "none"},
        {"status": ["failed"]},
        {"sort": "task"},
        {"text": "x" * 2_001},
        {"text": {"a": 1}},
    ],
)
def test_a_wrong_range_filter_or_order_is_refused(asked):
    with pytest.raises(ValidationError):
        history_choice(asked)


def test_statistics_are_asked_for_by_range_and_the_last_day_may_be_left_out():
    both = statistics_choice({"from": "2026-01-02", "to": "2026-01-05"}).on(ANY_DAY)
    one = statistics_choice({"from": "2026-01-02", "to": ""}).on(ANY_DAY)

    assert (both.from_date, both.to_date) == (date(2026, 1, 2), date(2026, 1, 5))
    assert (one.from_date, one.to_date) == (date(2026, 1, 2), date(2026, 1, 2))


@pytest.mark.parametrize(
    "asked",
    [{"day": "yesterday"}, {"day": 5}, {"day": ["2026-01-02"]}, {"day": "all", "page": 0}, {"day": "all", "page": "x"}],
)
def test_a_wrong_day_or_page_is_refused(asked):
    with pytest.raises(ValidationError):
        history_choice(asked)


@pytest.mark.parametrize(
    "asked",
    [{"from": "2026-01-05", "to": "2026-01-02"}, {"to": "2026-01-02"}, {"from": "<script>"}, {"from": {"a": 1}}],
)
def test_a_wrong_range_is_refused(asked):
    with pytest.raises(ValidationError):
        statistics_choice(asked)
