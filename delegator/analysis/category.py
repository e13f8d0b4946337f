"""The seven categories: which one a task falls into, and the team a caller fixes by naming one.

Owns both tables. How a team without a given category is chosen is `team.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from delegator.words import Complexity, TaskCategory, TaskType

CATEGORY_OF_TYPE: Mapping[TaskType, TaskCategory] = {
    TaskType.BUG_FIX: TaskCategory.DEVELOPMENT,
    TaskType.FEATURE_DEVELOPMENT: TaskCategory.DEVELOPMENT,
    TaskType.REFACTORING: TaskCategory.DEVELOPMENT,
    TaskType.TESTING: TaskCategory.DEVELOPMENT,
    TaskType.DOCUMENTATION: TaskCategory.DEVELOPMENT,
    TaskType.GENERAL: TaskCategory.DEVELOPMENT,
    TaskType.ARCHITECTURE: TaskCategory.TECHNICAL,
    TaskType.STRATEGIC_PLANNING: TaskCategory.STRATEGIC,
    TaskType.UI_DESIGN: TaskCategory.PRODUCT,
    TaskType.DEPLOYMENT: TaskCategory.OPERATIONS,
    TaskType.OPERATIONS: TaskCategory.OPERATIONS,
    TaskType.HR: TaskCategory.HR,
}

QUICK_WHEN_LOW = frozenset({TaskType.BUG_FIX, TaskType.DOCUMENTATION})
"""Types that are a quick fix while their complexity is low."""

TEAM_OF_CATEGORY: Mapping[TaskCategory, tuple[str, ...]] = {
    TaskCategory.QUICK_FIX: ("senior_developer",),
    TaskCategory.DEVELOPMENT: ("senior_developer", "test_lead"),
    TaskCategory.TECHNICAL: ("senior_architect", "cto", "senior_developer"),
    TaskCategory.STRATEGIC: ("ceo", "product_manager", "cto"),
    TaskCategory.PRODUCT: ("product_manager", "uiux_engineer", "ceo"),
    TaskCategory.OPERATIONS: ("operations_head", "cto"),
    TaskCategory.HR: ("chro", "ceo"),
}
"""The team of a category that a caller names, the most needed role first."""


def category_of(task_type: TaskType, complexity: Complexity) -> TaskCategory:
    """Return the category a task falls into when its caller named none."""
    if task_type in QUICK_WHEN_LOW and complexity is Complexity.LOW:
        return TaskCategory.QUICK_FIX
    return CATEGORY_OF_TYPE[task_type]
