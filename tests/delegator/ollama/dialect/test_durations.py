"""`keep_alive` as Ollama reads it (item 7)."""

from __future__ import annotations

from typing import Any

import pytest

from delegator.ollama.dialect.durations import FOREVER, DurationInvalid, read_keep_alive


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), (0, 0.0), (300, 300.0), (1.5, 1.5), (-1, FOREVER), (-0.5, FOREVER), ("0", 0.0), ("10m", 600.0),
        ("1h30m", 5400.0), ("1.5h", 5400.0), ("500ms", 0.5), ("-1s", FOREVER), ("-0", 0.0), (".5s", 0.5),
    ],
)  # fmt: skip
def test_numbers_are_seconds_texts_have_units_and_negatives_are_for_ever(value: Any, seconds: float | None):
    assert read_keep_alive(value) == seconds


@pytest.mark.parametrize("value", ["-1", "5", "5 min", "", "m", "10 m", "1d", True, False, [1], {"s": 1}])
def test_anything_else_is_refused(value: Any):
    with pytest.raises(DurationInvalid):
        read_keep_alive(value)
