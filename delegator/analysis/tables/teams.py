"""Which roles a type of task needs at each level of complexity, and which an indicator adds.

Roles of a row stand in order of need: where a limit leaves room for fewer, the last ones are left out. The rows of the
first installation are bug_fix low to high, feature_development low to high, strategic_planning, architecture and
ui_design; the others continue in their spirit: who does the work, then who checks it, then who must agree to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from delegator.words import Complexity, TaskType

LOW, MEDIUM, HIGH, VERY_HIGH = Complexity.LOW, Complexity.MEDIUM, Complexity.HIGH, Complexity.VERY_HIGH
ALL = (LOW, MEDIUM, HIGH, VERY_HIGH)


@dataclass(frozen=True, slots=True)
class TeamRow:
    """The team of one type at some levels."""

    task_type: TaskType
    levels: tuple[Complexity, ...]
    roles: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A role that an indicator of complexity adds to the teams of some types."""

    indicator: str
    types: frozenset[TaskType]
    role: str
    why: str


TEAM_ROWS: tuple[TeamRow, ...] = (
    TeamRow(TaskType.BUG_FIX, (LOW,), ("senior_developer",), "one developer finds and mends a small fault"),
    TeamRow(
        TaskType.BUG_FIX, (MEDIUM,), ("senior_developer", "test_lead"), "a weightier fault also needs a regression test"
    ),
    TeamRow(
        TaskType.BUG_FIX,
        (HIGH,),
        ("senior_developer", "test_lead", "senior_architect"),
        "a fault of this weight may lie in the design",
    ),
    TeamRow(
        TaskType.BUG_FIX,
        (VERY_HIGH,),
        ("senior_developer", "test_lead", "senior_architect", "operations_head"),
        "a fault of this weight reaches production: somebody must run the repair",
    ),
    TeamRow(
        TaskType.FEATURE_DEVELOPMENT, (LOW,), ("senior_developer", "test_lead"), "a small feature is built and tested"
    ),
    TeamRow(
        TaskType.FEATURE_DEVELOPMENT,
        (MEDIUM,),
        ("senior_developer", "test_lead", "product_manager"),
        "a feature of this size needs its requirements settled",
    ),
    TeamRow(
        TaskType.FEATURE_DEVELOPMENT,
        (HIGH,),
        ("senior_developer", "test_lead", "product_manager", "senior_architect"),
        "a feature of this size touches the design of the system",
    ),
    TeamRow(
        TaskType.FEATURE_DEVELOPMENT,
        (VERY_HIGH,),
        ("senior_developer", "test_lead", "product_manager", "senior_architect", "cto"),
        "a feature of this size binds the technology for years",
    ),
    TeamRow(
        TaskType.REFACTORING, (LOW,), ("senior_developer",), "one developer can restructure code and keep its behaviour"
    ),
    TeamRow(
        TaskType.REFACTORING, (MEDIUM,), ("senior_developer", "test_lead"), "tests must hold the behaviour meanwhile"
    ),
    TeamRow(
        TaskType.REFACTORING,
        (HIGH, VERY_HIGH),
        ("senior_developer", "senior_architect", "test_lead"),
        "restructuring on this scale follows a design",
    ),
    TeamRow(TaskType.TESTING, (LOW,), ("test_lead",), "the test lead plans and writes tests alone"),
    TeamRow(
        TaskType.TESTING, (MEDIUM,), ("test_lead", "senior_developer"), "tests of this size need changes in the code"
    ),
    TeamRow(
        TaskType.TESTING,
        (HIGH, VERY_HIGH),
        ("test_lead", "senior_developer", "senior_architect"),
        "tests on this scale follow the boundaries of the system",
    ),
    TeamRow(
        TaskType.ARCHITECTURE,
        (LOW, MEDIUM, HIGH),
        ("senior_architect", "cto", "senior_developer"),
        "the architect designs, the CTO sets the standards, the developer knows what can be built",
    ),
    TeamRow(
        TaskType.ARCHITECTURE,
        (VERY_HIGH,),
        ("senior_architect", "cto", "senior_developer", "operations_head"),
        "a system of this weight must also be run",
    ),
    TeamRow(
        TaskType.STRATEGIC_PLANNING,
        (LOW, MEDIUM, HIGH),
        ("ceo", "product_manager", "operations_head"),
        "the CEO decides, the product manager knows the market, operations knows what it takes",
    ),
    TeamRow(
        TaskType.STRATEGIC_PLANNING,
        (VERY_HIGH,),
        ("ceo", "product_manager", "operations_head", "cto"),
        "a plan of this weight depends on technology as well",
    ),
    TeamRow(
        TaskType.UI_DESIGN,
        (LOW, MEDIUM),
        ("uiux_engineer", "senior_developer"),
        "the designer designs, the developer knows what can be built",
    ),
    TeamRow(
        TaskType.UI_DESIGN,
        (HIGH, VERY_HIGH),
        ("uiux_engineer", "senior_developer", "product_manager"),
        "a design of this size needs its users and goals settled",
    ),
    TeamRow(
        TaskType.DEPLOYMENT,
        (LOW,),
        ("operations_head", "senior_developer"),
        "operations runs the release, the developer knows the build",
    ),
    TeamRow(
        TaskType.DEPLOYMENT,
        (MEDIUM,),
        ("operations_head", "senior_developer", "test_lead"),
        "a release with risk is checked before and after",
    ),
    TeamRow(
        TaskType.DEPLOYMENT,
        (HIGH, VERY_HIGH),
        ("operations_head", "senior_developer", "test_lead", "cto"),
        "a release of this weight needs somebody who answers for its risk",
    ),
    TeamRow(TaskType.DOCUMENTATION, (LOW,), ("senior_developer",), "whoever knows the code writes it down"),
    TeamRow(
        TaskType.DOCUMENTATION,
        (MEDIUM,),
        ("senior_developer", "product_manager"),
        "the product manager knows what readers need",
    ),
    TeamRow(
        TaskType.DOCUMENTATION,
        (HIGH, VERY_HIGH),
        ("senior_developer", "product_manager", "senior_architect"),
        "documentation of this size explains the whole system",
    ),
    TeamRow(TaskType.HR, ALL, ("chro", "ceo"), "the CHRO knows people and law, the CEO approves positions and pay"),
    TeamRow(TaskType.OPERATIONS, (LOW,), ("operations_head",), "operations does it by its own procedures"),
    TeamRow(
        TaskType.OPERATIONS, (MEDIUM,), ("operations_head", "cto"), "a risk for running systems is the CTO's business"
    ),
    TeamRow(
        TaskType.OPERATIONS,
        (HIGH, VERY_HIGH),
        ("operations_head", "cto", "senior_developer"),
        "work of this weight on running systems needs who can change them",
    ),
    TeamRow(
        TaskType.GENERAL,
        (LOW,),
        ("senior_developer",),
        "the text names no kind of work: the developer is the best guess",
    ),
    TeamRow(
        TaskType.GENERAL,
        (MEDIUM, HIGH, VERY_HIGH),
        ("product_manager", "senior_developer"),
        "the text names no kind of work but much weight: somebody must settle what is wanted",
    ),
)

_TECHNICAL = frozenset(
    {TaskType.BUG_FIX, TaskType.FEATURE_DEVELOPMENT, TaskType.REFACTORING, TaskType.TESTING, TaskType.DEPLOYMENT}
)
_BUSINESS = frozenset({TaskType.STRATEGIC_PLANNING, TaskType.OPERATIONS})

DOMAIN_ROWS: tuple[DomainRow, ...] = (
    DomainRow(
        "security", frozenset({TaskType.FEATURE_DEVELOPMENT}), "senior_architect", "security belongs into the design"
    ),
    DomainRow("data_migration", _TECHNICAL, "senior_architect", "moving data needs a plan with a way back"),
    DomainRow("scale", _TECHNICAL, "senior_architect", "load and availability are matters of design"),
    DomainRow(
        "integration",
        frozenset({TaskType.FEATURE_DEVELOPMENT}),
        "senior_architect",
        "an outside system needs a boundary that holds",
    ),
    DomainRow("compliance", frozenset({TaskType.HR}), "ceo", "the company answers for keeping the law"),
    DomainRow("security", _BUSINESS, "cto", "the CTO answers for the security of the company's technology"),
    DomainRow("money", frozenset({TaskType.ARCHITECTURE}), "ceo", "the CEO decides on money of this order"),
)

TEAMS: Mapping[tuple[TaskType, Complexity], TeamRow] = {
    (row.task_type, level): row for row in TEAM_ROWS for level in row.levels
}
"""{(type, level): row}; complete, which a test checks."""
