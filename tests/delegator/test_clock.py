"""The clock: model seconds run by the scale, time stamps do not."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from delegator.clock import Clock

NOON = datetime(2025, 11, 12, 12, tzinfo=UTC)


def test_time_stamps_are_the_present_in_utc():
    before = datetime.now(UTC)

    now = Clock(scale=10).now()

    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


@pytest.mark.parametrize(("scale", "model_s"), [(1.0, 30.0), (10.0, 300.0), (0.5, 15.0)])
def test_durations_are_in_model_seconds(scale, model_s):
    clock = Clock(scale)

    assert clock.between_s(NOON, NOON + timedelta(seconds=30)) == model_s
    assert clock.real_s(model_s) == 30.0


def test_a_duration_is_never_negative():
    assert Clock().between_s(NOON, NOON - timedelta(seconds=1)) == 0


def test_zones_do_not_change_a_duration():
    there = (NOON + timedelta(seconds=5)).astimezone(timezone(timedelta(hours=9)))

    assert Clock().between_s(NOON, there) == 5


def test_elapsed_time_runs_by_the_scale_on_the_monotonic_clock(monkeypatch):
    monkeypatch.setattr(time, "monotonic", iter([100.0, 102.5]).__next__)
    clock = Clock(scale=4)

    mark = clock.mark()

    assert clock.elapsed_s(mark) == 10.0


def test_elapsed_time_never_runs_backwards():
    clock = Clock(scale=3)
    mark = clock.mark()

    assert 0 <= clock.elapsed_s(mark) <= clock.elapsed_s(mark)
