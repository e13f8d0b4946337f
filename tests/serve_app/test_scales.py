"""Scales with round lines, short numbers, and units in which money is a short number."""

import math

import pytest

from serve_app.scales import Line, money_unit, scale, short_number


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


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (2.5, "2.5"), (9_000, "9000"), (12_500, "12.5k"), (2e6, "2M"), (5e9, "5G")]
)
def test_numbers_of_a_scale_are_short(value, text):
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("highest", "unit"),
    [
        (0.0, (1.0, "EUR")),
        (250.0, (1.0, "EUR")),
        (0.1, (1.0, "EUR")),
        (0.09, (1e-3, "thousandths of EUR")),
        (0.0001, (1e-3, "thousandths of EUR")),
        (0.00002, (1e-6, "millionths of EUR")),
    ],
)
def test_money_has_a_unit_in_which_the_numbers_of_its_scale_are_short(highest, unit):
    size, _ = unit
    _, lines = scale(highest / size)

    assert money_unit(highest, "EUR") == unit
    assert all(len(line.label) <= 5 for line in lines)
