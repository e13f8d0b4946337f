"""Electricity: measured where the log carries a measurement that holds, otherwise by the model, and said so."""

from datetime import UTC, datetime

import pytest

from delegator.schemas import Event, EventKind, PowerModel
from delegator.sessions.electricity import Measured, electricity, measured_in, modelled_wh
from delegator.sessions.use import Use

POWER = PowerModel(watts_per_gb=0.5, watts_computing=36)
OWN = Use(gb_seconds=7200, gpu_seconds=0, computing_s=100)
ALL = Use(gb_seconds=72_000, gpu_seconds=0, computing_s=80)
GOOD = {"joules": 3600, "machine_joules": 7200, "counters": ["package-0"]}


def ended(**data):
    return Event(event_id=1, at=datetime.now(UTC), kind=EventKind.SESSION_ENDED, session_id="s", data=data)


def test_the_model_is_watts_by_the_gb_and_watts_by_the_second_of_computing():
    assert modelled_wh(OWN, POWER) == 1 + 1


def test_without_a_measurement_the_model_stands_for_both():
    result = electricity(OWN, ALL, POWER, None)

    assert (result.source, result.watt_hours, result.all_roles_watt_hours) == ("modelled", 2, 10.8)
    assert result.saved_watt_hours == pytest.approx(8.8)
    assert result.saved_ratio == pytest.approx(8.8 / 10.8)
    assert (result.machine_watt_hours, result.counters) == (None, [])


def test_a_measurement_replaces_the_model_and_all_roles_differ_from_it_by_the_model():
    result = electricity(OWN, ALL, POWER, Measured(3600 * 5, 3600 * 9, ("package-0",)))

    assert (result.source, result.watt_hours, result.machine_watt_hours) == ("measured", 5, 9)
    assert result.all_roles_watt_hours == pytest.approx(5 + 8.8)
    assert result.counters == ["package-0"]


def test_all_roles_never_take_less_than_nothing():
    result = electricity(ALL, OWN, POWER, Measured(1, 1, ()))

    assert (result.all_roles_watt_hours, result.saved_ratio) == (0, 0)


def test_with_no_watts_nothing_is_taken_and_nothing_saved():
    result = electricity(OWN, ALL, PowerModel(watts_per_gb=0, watts_computing=0), None)

    assert (result.watt_hours, result.saved_ratio) == (0, 0)


def test_the_event_that_ends_a_session_carries_the_measurement():
    assert measured_in([ended(), ended(energy=GOOD)]) == Measured(3600, 7200, ("package-0",))


@pytest.mark.parametrize(
    "energy",
    [
        None,
        7,
        {},
        GOOD | {"joules": "many"},
        GOOD | {"joules": -1},
        GOOD | {"machine_joules": float("nan")},
        GOOD | {"joules": 8000},
    ],
)
def test_a_measurement_that_cannot_be_is_none(energy):
    assert measured_in([ended(energy=energy)]) is None


def test_a_session_without_an_end_has_no_measurement():
    assert measured_in([]) is None
