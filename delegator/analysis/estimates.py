"""What a task will take: time by type and complexity, memory and cores by its team.

Owns both estimates; they are guesses for people and are called so. What was really used is measured elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from delegator.roles.catalogue import Catalogue
from delegator.task_analysis import Resources
from delegator.words import Complexity, TaskType

GB = 1_000_000_000

_LEVELS = (Complexity.LOW, Complexity.MEDIUM, Complexity.HIGH, Complexity.VERY_HIGH)

_TIMES: Mapping[TaskType, tuple[str, str, str, str]] = {
    TaskType.BUG_FIX: ("5 minutes", "1 hour", "4 hours", "2 days"),
    TaskType.FEATURE_DEVELOPMENT: ("2 hours", "1 day", "3 days", "2 weeks"),
    TaskType.REFACTORING: ("30 minutes", "4 hours", "2 days", "1 week"),
    TaskType.TESTING: ("30 minutes", "3 hours", "1 day", "3 days"),
    TaskType.ARCHITECTURE: ("2 hours", "4 hours", "2 days", "1 week"),
    TaskType.STRATEGIC_PLANNING: ("1 hour", "3 hours", "1 day", "3 days"),
    TaskType.UI_DESIGN: ("1 hour", "4 hours", "2 days", "1 week"),
    TaskType.DEPLOYMENT: ("15 minutes", "1 hour", "4 hours", "1 day"),
    TaskType.DOCUMENTATION: ("15 minutes", "2 hours", "1 day", "3 days"),
    TaskType.HR: ("1 hour", "3 hours", "1 day", "1 week"),
    TaskType.OPERATIONS: ("15 minutes", "1 hour", "4 hours", "1 day"),
    TaskType.GENERAL: ("10 minutes", "1 hour", "4 hours", "1 day"),
}
"""{type: time at low, medium, high, very high}: working time of the team, with a person reading along."""


def estimated_time(task_type: TaskType, complexity: Complexity) -> str:
    """Return a rough working time as text, such as '2 hours'."""
    return _TIMES[task_type][_LEVELS.index(complexity)]


def distinct_models(roles: Sequence[str], catalogue: Catalogue) -> list[tuple[str, int]]:
    """Return (name, estimated bytes) of each model of the team once, in the order the team speaks."""
    known, models = catalogue.roles, catalogue.models
    names = dict.fromkeys([known[role].model for role in roles])
    return [(name, models[name].memory_bytes) for name in names]


def memory_bytes_of(roles: Sequence[str], catalogue: Catalogue) -> int:
    """Return the estimated memory of a team with all its models resident, each counted once."""
    return sum([size for _, size in distinct_models(roles, catalogue)])


def estimated_resources(roles: Sequence[str], catalogue: Catalogue) -> Resources:
    """Return what the team needs with all its models resident, each counted once, and its cores."""
    cores = sum([catalogue.roles[role].cpu for role in roles])
    return Resources(memory_gb=memory_bytes_of(roles, catalogue) / GB, cpu_cores=round(cores, 2))
