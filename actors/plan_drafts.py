"""What a session for a task would be given now: the analysis, the team with its models and places, or the refusal.

Used by whoever plans and by whoever creates, so that both decide the same way. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.parts import Parts
from actors.placing import Placed
from actors.team_fitting import TeamAsked, TeamFitting, TeamGiven
from delegator.errors import MemoryExceeded
from delegator.schemas import AnalyzeTaskRequest, Rung, TaskAnalysis, TaskCategory
from delegator.settings import GB

PLANNED = "planned"
"""Stands for the session while it has no id."""


@dataclass(frozen=True, slots=True)
class TaskAsked:
    """A task as a caller gave it."""

    description: str
    context: dict[str, Any]
    category: TaskCategory | None
    degradation: tuple[Rung, ...] | None

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it; `from_json` reads it again."""
        return {
            "task_description": self.description,
            "context": self.context,
            "task_category": self.category,
            "degradation": None if self.degradation is None else list(self.degradation),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> TaskAsked:
        """Read what `as_json` has said."""
        category, rungs = told["task_category"], told["degradation"]
        return cls(
            told["task_description"],
            told["context"],
            None if category is None else TaskCategory(category),
            None if rungs is None else tuple(Rung(rung) for rung in rungs),
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What a session for a task would be. Exactly one of `given` and `refusal` is there."""

    task: TaskAsked
    analysis: TaskAnalysis
    given: TeamGiven | None
    refusal: MemoryExceeded | None

    def require(self) -> TeamGiven:
        """Return what the team is given, or raise why it is given nothing."""
        if self.given is None:
            raise self.refusal or RuntimeError("a draft without an outcome")
        return self.given

    @property
    def models(self) -> dict[str, str]:
        """Return `{role: model}` of what is given; where that is nothing, of what is wanted."""
        return dict(self.analysis.models) if self.given is None else models_of(self.given.places)


class Drafts:
    """Makes drafts."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts
        self._fitting = TeamFitting(parts)

    async def make(self, task: TaskAsked) -> Draft:
        """Return what a session for this task would be given now.

        Raises:
            ModelMissing, ModelLoadFailed, OllamaUnavailable, DeadlineExceeded: nothing can be said.
        """
        analysis = self._parts.analyzer.analyze(
            AnalyzeTaskRequest(task_description=task.description, context=task.context, task_category=task.category)
        )
        team = self._parts.catalogue.in_rank_order(analysis.recommended_agents)
        asked = TeamAsked(PLANNED, tuple(team), limit_bytes_of(analysis), self._rungs(task))
        try:
            return Draft(task, analysis, await self._fitting.fit(asked), None)
        except MemoryExceeded as refusal:
            return Draft(task, analysis, None, refusal)

    def _rungs(self, task: TaskAsked) -> Sequence[Rung]:
        return self._parts.settings.degradation if task.degradation is None else task.degradation


def limit_bytes_of(analysis: TaskAnalysis) -> int:
    """Return the most a session may hold at one time."""
    return round(analysis.limits.max_memory_gb * GB)


def models_of(places: Mapping[str, Placed]) -> dict[str, str]:
    """Return `{role: model}`."""
    return {role: place.model for role, place in places.items()}
