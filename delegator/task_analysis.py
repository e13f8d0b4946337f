"""The analysis of a task in the public vocabulary: what is asked, and all that is answered.

A module of its own so that `delegator.analysis` is imported without the rest of the vocabulary.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from delegator.fields import Context, Gigabytes, Ratio, Reply, Request, RoleNames, Text
from delegator.words import Complexity, TaskCategory, TaskType


class Resources(Reply):
    """Memory and processor need. Estimates unless the field's name says measured."""

    memory_gb: Gigabytes
    cpu_cores: float


class Limits(Reply):
    """What a session may use: agents in its team, and GB of models resident at one time."""

    complexity: Complexity = Field(description="The level whose limits apply; may be above the task's own.")
    max_agents: int
    max_memory_gb: Gigabytes


class TeamWishes(Request):
    """What a caller decides about the reading and the team; it stands above the text and above standing rules."""

    task_category: TaskCategory | None = Field(None, description="Fixes the team, whatever the text says.")
    task_type: TaskType | None = Field(None, description="What kind of work it is, where the caller knows better.")
    include_roles: RoleNames = Field((), description="Roles that join the team where its limit leaves room.")
    exclude_roles: RoleNames = Field((), description="Roles that stay out of the team.")
    pin_roles: RoleNames = Field((), description="Roles that are in the team whatever the limit on agents.")

    @property
    def wishes(self) -> TeamWishes:
        """These alone, without what a request has besides."""
        return TeamWishes(**{name: getattr(self, name) for name in TeamWishes.model_fields})


class AnalyzeTaskRequest(TeamWishes):
    """A task to look at without starting anything."""

    task_description: Text = Field(description="What is to be done, in plain words.")
    context: Context = Field(
        default_factory=dict, description="priority, deadline, existing_code and any further facts."
    )
    analyze_only: bool = Field(True, description="Accepted for compatibility; this operation never starts anything.")


class Reason(Reply):
    """Why one thing was decided."""

    about: str = Field(description="task_type, complexity, team, limits, or a role.")
    because: str
    words: list[str] = Field(default_factory=list, description="The words of the task that decided it.")


class RoleNeed(Reply):
    """Whether one role is needed, why, and what would change that."""

    role: str
    chosen: bool
    need: Ratio = Field(description="How much the reading calls for it, 0 to 1.")
    because: str = Field(description="One sentence.")
    words: list[str] = Field(default_factory=list, description="The words of the task that decided it.")
    flip: str = Field(description="One sentence: what would bring it in, or keep it out.")


class SecondReading(Reply):
    """What a task may mean instead."""

    task_type: TaskType
    probability: Ratio
    recommended_agents: list[str]


class Alternative(Reply):
    """Another team for the same task, and what it would cost."""

    change: str = Field(description="In words, such as: without senior_architect: 20.0 GB less.")
    team: list[str]
    memory_gb: Gigabytes
    difference_gb: float = Field(description="GB more than the recommended team; below 0 less.")
    because: str = Field(description="What is given up or won by it.")


class TaskAnalysis(Reply):
    """What a task is and whom it needs."""

    task_type: TaskType
    task_category: TaskCategory
    complexity: Complexity
    recommended_agents: list[str] = Field(
        description="The team in the order in which the work needs them: who frames it first. `needs` weighs them."
    )
    reasoning: str
    estimated_time: str
    confidence: Literal["low", "medium", "high"] = Field(
        description="low: the text can well be read in two ways; see second_reading and question."
    )
    probability: Ratio = Field(1.0, description="Calibrated chance that task_type is right.")
    complexity_points: int
    estimated_resources: Resources
    limits: Limits
    models: dict[str, str] = Field(description="Model of each recommended role.")
    reasons: list[Reason]
    needs: list[RoleNeed] = Field(
        default_factory=list, description="Every role of the catalogue, chosen or not, the most needed first."
    )
    alternatives: list[Alternative] = Field(default_factory=list, description="Other teams and what they would cost.")
    second_reading: SecondReading | None = Field(None, description="With confidence low: what it may mean instead.")
    question: str | None = Field(None, description="With confidence low: the one question that would settle it.")
    notes: list[str] = Field(
        default_factory=list, description="What a caller should know, such as models taking turns."
    )
