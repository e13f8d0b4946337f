"""Charts as they are drawn: scales with round lines, columns with their heights and words."""

import math

import pytest

from serve_app.monitor.charts import Line, Values, columns, scale, short_number


@pytest.mark.parametrize(
    ("highest", "whole", "labels"),
    [
        (9, True, ["0", "3", "6", "9"]),
        (17, True, ["0", "5", "10", "15", "20"]),
        (1, True, ["0", "1"]),
        (2, True, ["0", "1", "2"]),
        (2.7, False, ["0", "1", "2", "3"]),
        (0.3, False, ["0", "0.1", "0.2", "0.3"]),
        (188_000, False, ["0", "50k", "100k", "150k", "200k"]),
        (100, False, ["0", "25", "50", "75", "100"]),
        (3_400_000, False, ["0", "1M", "2M", "3M", "4M"]),
    ],
)
def test_a_scale_has_round_lines_and_room_for_the_highest(highest, whole, labels):
    top, lines = scale(highest, whole=whole)

    assert [line.label for line in lines] == labels
    assert top >= highest
    assert (lines[0].at, lines[-1].at) == (0.0, 1.0)


@pytest.mark.parametrize("highest", [0, -3, math.nan, math.inf])
def test_without_anything_to_show_a_scale_is_the_ground_alone(highest):
    assert scale(highest) == (1.0, (Line(0.0, "0"),))


@pytest.mark.parametrize("highest", [10.0**power * digit for power in range(-3, 12) for digit in (1, 1.3, 4, 7.7, 9.9)])
def test_no_scale_is_crowded_or_mostly_empty(highest):
    top, lines = scale(highest)

    assert 2 <= len(lines) <= 5
    assert highest <= top * (1 + 1e-9)
    assert highest > top * 0.5


def test_columns_are_measured_against_the_highest_and_losses_have_no_height():
    drawn, _ = columns([Values("a", "a", (4.0, 6.0)), Values("b", "b", (5.0, -2.0))], write="{:.0f}".format)

    assert [column.heights for column in drawn] == [(0.4, 0.6), (0.5, 0.0)]
    assert [column.values for column in drawn] == [("4", "6"), ("5", "-2")]


@pytest.mark.parametrize(("count", "named"), [(1, 1), (6, 6), (7, 4), (30, 6), (90, 6)])
def test_few_columns_are_named_and_the_last_one_always(count, named):
    drawn, _ = columns([Values(str(n), str(n), (1.0,)) for n in range(count)], write=str)

    assert sum(column.named for column in drawn) == named
    assert drawn[-1].named


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (2.5, "2.5"), (9_000, "9000"), (12_500, "12.5k"), (2e6, "2M"), (5e9, "5G")]
)
def test_numbers_of_a_scale_are_short(value, text):
    assert short_number(value) == text
