"""Which limits apply."""

import pytest

from delegator.analysis.limits import admitting_level, limits_of, notes_on_limits
from delegator.schemas import Complexity
from delegator.settings import ComplexityLimit, ComplexityLimits

GB = 1_000_000_000
LIMITS = ComplexityLimits()


@pytest.mark.parametrize(
    ("level", "team_size", "largest_gb", "admitting"),
    [
        ("low", 2, 10, "low"),
        ("low", 3, 0, "medium"),
        ("low", 1, 11.1, "medium"),
        ("low", 5, 0, "high"),
        ("low", 2, 30, "high"),
        ("low", 9, 50, "very_high"),
        ("high", 1, 1, "high"),
        ("medium", 4, 25, "medium"),
        ("low", 20, 0, "very_high"),
        ("low", 1, 500, "very_high"),
    ],
)
def test_the_next_level_applies_only_where_the_own_one_does_not_admit_the_team(level, team_size, largest_gb, admitting):
    found = admitting_level(Complexity(level), LIMITS, team_size=team_size, largest_model_bytes=round(largest_gb * GB))

    assert found == admitting


def test_where_no_level_admits_the_team_the_nearest_applies():
    limits = ComplexityLimits(
        low=ComplexityLimit(max_agents=3, max_memory_gb=10),
        medium=ComplexityLimit(max_agents=3, max_memory_gb=25),
        high=ComplexityLimit(max_agents=1, max_memory_gb=80),
        very_high=ComplexityLimit(max_agents=1, max_memory_gb=50),
    )

    assert admitting_level(Complexity.LOW, limits, team_size=5) == "medium"


def test_limits_that_admit_everything_need_no_note():
    granted = limits_of(Complexity.LOW, LIMITS)

    assert (
        notes_on_limits(Complexity.LOW, granted, core_size=2, models=[("a", 4 * GB), ("b", 6 * GB)], limits=LIMITS)
        == []
    )


def test_a_raised_level_is_told_with_every_reason():
    granted = limits_of(Complexity.MEDIUM, LIMITS)
    (note,) = notes_on_limits(Complexity.LOW, granted, core_size=3, models=[("big:1", 21 * GB)], limits=LIMITS)

    assert "limits of medium apply" in note
    assert "3 agents (limit 2)" in note
    assert "big:1 with 21.0 GB (limit 10 GB)" in note


def test_models_that_do_not_fit_together_are_told_to_take_turns():
    granted = limits_of(Complexity.LOW, LIMITS)
    (note,) = notes_on_limits(
        Complexity.LOW, granted, core_size=2, models=[("a", 6 * GB), ("b", 6 * GB)], limits=LIMITS
    )

    assert "take turns" in note
    assert "12.0 GB" in note


def test_a_model_beyond_every_limit_is_told():
    granted = limits_of(Complexity.VERY_HIGH, LIMITS)
    (note,) = notes_on_limits(Complexity.VERY_HIGH, granted, core_size=1, models=[("a", 60 * GB)], limits=LIMITS)

    assert "60.0 GB, more than the 50 GB" in note
