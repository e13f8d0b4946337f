"""How values are written, and that nothing a terminal would obey is left in a text."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve_app import formats


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.04, "0s"),
        (2.44, "2.4s"),
        (9.97, "10s"),
        (45, "45s"),
        (59.6, "1m 0s"),
        (323, "5m 23s"),
        (3599.4, "59m 59s"),
        (7440, "2h 4m"),
        (90_000, "25h 0m"),
    ],
)
def test_durations_read_as_people_say_them(seconds: float, written: str) -> None:
    assert formats.duration(seconds) == written


@pytest.mark.parametrize(
    ("hostile", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("\x1bPdevice\x1b\\after", "after"),
        ("a\rb\x08c\x7f", "abc"),
        ("one\r\ntwo\tthree", "one\ntwo    three"),
        ("\u202egnp.exe", "gnp.exe"),
        ("half \ud800 pair", "half ? pair"),
        ("[bold]stays[/bold]", "[bold]stays[/bold]"),
        ("grüße 你好 👋", "grüße 你好 👋"),
        ("\x1b", ""),
        ("\x1b]never ended", ""),
    ],
)
def test_clean_text_keeps_what_is_read_and_drops_what_is_obeyed(hostile: str, plain: str) -> None:
    assert formats.clean(hostile) == plain


@given(st.text())
def test_clean_text_holds_no_control_character_but_line_feeds(text: str) -> None:
    left = {unicodedata.category(character) for character in formats.clean(text) if character != "\n"}

    assert not left & {"Cc", "Cs", "Zl", "Zp"}


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_one_line_is_one_line_and_no_longer_than_asked(text: str, at_most: int) -> None:
    line = formats.one_line(text, at_most=at_most)

    assert "\n" not in line
    assert len(line) <= at_most


@pytest.mark.parametrize(
    ("value", "of", "cells"), [(0, 10, 0), (0.01, 10, 1), (5, 10, 15), (10, 10, 30), (20, 10, 30), (1, 0, 0)]
)
def test_a_bar_shows_anything_above_nothing_and_never_overflows(value: float, of: float, cells: int) -> None:
    assert formats.bar(value, of=of, width=30) == "█" * cells


def test_values_carry_their_units() -> None:
    assert formats.gigabytes(32.46) == "32.5 GB"
    assert formats.gigabyte_seconds(1480.2) == "1,480 GB·s"
    assert formats.gigabyte_seconds(3_600_000) == "1,000.0 GB·h"
    assert formats.percent(0.634) == "63 %"
    assert formats.moment(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02 03:04:05"
    elsewhere = timezone(timedelta(hours=2))
    assert formats.moment(datetime(2026, 1, 2, 0, 30, 5, tzinfo=elsewhere)) == "2026-01-01 22:30:05"
    assert formats.moment(None) == "–"
    assert formats.counted(1, "agent") == "1 agent"
    assert formats.counted(2, "agent") == "2 agents"
    assert formats.role_name("senior_developer") == "Senior developer"
    assert formats.role_name("ceo") == "CEO"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0.00 EUR"),
        (0.0000004, "0.00 EUR"),
        (0.00004321, "0.000043 EUR"),
        (0.0123, "0.012 EUR"),
        (0.5, "0.50 EUR"),
        (-0.0123, "-0.012 EUR"),
        (12.345, "12.35 EUR"),
        (1234.5, "1,234.50 EUR"),
    ],
)
def test_money_keeps_two_digits_that_count(value: float, written: str) -> None:
    assert formats.amount(value, "EUR") == written


@pytest.mark.parametrize(
    ("value", "written"), [(0, "0.00 Wh"), (0.0456, "0.046 Wh"), (12.3, "12.30 Wh"), (1500, "1.50 kWh")]
)
def test_electricity_is_told_in_the_unit_that_reads_easier(value: float, written: str) -> None:
    assert formats.watt_hours(value) == written
