"""The rules that Delegator's first description gives, written anew after it: patterns for types, teams by type.

The first pattern that the text holds decides, wherever in a word it stands. The description counts complexity from the
context and from two questions about the text whose answers it leaves open; a text alone therefore is of low complexity.
It gives no teams for some types: these get the developer here, which is kind to it.
"""

from __future__ import annotations

import re

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (task_type, re.compile(pattern, re.IGNORECASE))
    for task_type, pattern in (
        ("bug_fix", "bug|fix|error|issue"),
        ("feature_development", "feature|add|implement|create"),
        ("refactoring", "refactor|cleanup|optimize"),
        ("testing", "test|qa|quality"),
        ("architecture", "design|architecture|system"),
        ("strategic_planning", "plan|strategy|roadmap|budget"),
        ("ui_design", "ui|ux|interface|design"),
        ("deployment", "deploy|release|production"),
    )
)

NO_PATTERN = "general"

TEAMS: dict[str, tuple[str, ...]] = {
    "bug_fix": ("senior_developer",),
    "feature_development": ("senior_developer", "test_lead"),
    "strategic_planning": ("ceo", "product_manager", "operations_head"),
    "architecture": ("cto", "senior_architect", "senior_developer"),
    "ui_design": ("uiux_engineer", "senior_developer"),
}
"""{type: team at low complexity}."""

NO_TEAM = ("senior_developer",)


def type_of(text: str) -> str:
    return next((task_type for task_type, pattern in PATTERNS if pattern.search(text)), NO_PATTERN)


def team_of(task_type: str) -> tuple[str, ...]:
    return TEAMS.get(task_type, NO_TEAM)
