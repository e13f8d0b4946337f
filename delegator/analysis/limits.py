"""Which limits a session gets: those of its complexity, or of the next level that admits the team.

Owns that escalation and its notes. Enforcing the limits while a session runs is the business of those who run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from delegator.task_analysis import Limits
from delegator.words import Complexity

if TYPE_CHECKING:
    from delegator.settings import ComplexityLimits

LEVELS_UPWARDS = (Complexity.LOW, Complexity.MEDIUM, Complexity.HIGH, Complexity.VERY_HIGH)

_BYTES_PER_GB = 1_000_000_000


def admitting_level(
    level: Complexity, limits: ComplexityLimits, *, team_size: int, largest_model_bytes: int = 0
) -> Complexity:
    """Return the lowest level, from `level` upwards, that admits so many agents and a model of that size.

    Where no level does, the one that comes nearest: most of the agents first, then most memory, then the highest.
    """
    candidates = LEVELS_UPWARDS[LEVELS_UPWARDS.index(level) :]
    for candidate in candidates:
        limit = limits.of(candidate)
        if team_size <= limit.max_agents and largest_model_bytes <= limit.max_memory_gb * _BYTES_PER_GB:
            return candidate

    def admitted(candidate: Complexity) -> tuple[int, float]:
        limit = limits.of(candidate)
        return min(team_size, limit.max_agents), limit.max_memory_gb

    return max(reversed(candidates), key=admitted)


def limits_of(level: Complexity, limits: ComplexityLimits) -> Limits:
    """Return the limits of one level as callers see them."""
    limit = limits.of(level)
    return Limits(complexity=level, max_agents=limit.max_agents, max_memory_gb=limit.max_memory_gb)


def notes_on_limits(
    task_level: Complexity,
    granted: Limits,
    *,
    core_size: int,
    models: Sequence[tuple[str, int]],
    limits: ComplexityLimits,
) -> list[str]:
    """Say what the limits changed: another level, a model too large for any, models that take turns.

    Args:
        core_size: agents the task needs at least.
        models: (name, bytes) of each distinct model of the team.
    """
    notes: list[str] = []
    own = limits.of(task_level)
    name, largest = max(models, key=lambda model: model[1])
    if granted.complexity is not task_level:
        reasons = []
        if core_size > own.max_agents:
            reasons.append(f"{core_size} agents (limit {own.max_agents})")
        if largest > own.max_memory_gb * _BYTES_PER_GB:
            reasons.append(f"{name} with {largest / _BYTES_PER_GB:.1f} GB (limit {own.max_memory_gb:g} GB)")
        notes.append(
            f"The limits of {granted.complexity.value} apply, because those of {task_level.value} "
            f"do not admit {' and '.join(reasons)}."
        )
    total = sum(size for _, size in models)
    if largest > granted.max_memory_gb * _BYTES_PER_GB:
        notes.append(
            f"{name} needs {largest / _BYTES_PER_GB:.1f} GB, more than the {granted.max_memory_gb:g} GB "
            "that the limits allow at one time."
        )
    elif total > granted.max_memory_gb * _BYTES_PER_GB:
        notes.append(
            f"The team's models need {total / _BYTES_PER_GB:.1f} GB together and {granted.max_memory_gb:g} GB may be "
            "in memory at one time: they take turns."
        )
    return notes
