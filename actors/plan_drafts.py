"""What a session for a task would be given now: the analysis, the team with its models and places, or the refusal.

Used by whoever plans and by whoever creates, so that both decide the same way. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from actors.parts import Parts
from actors.placing import Placed
from actors.second_opinions import SecondOpinions
from actors.team_fitting import TeamAsked, TeamFitting, TeamGiven
from delegator.errors import MemoryExceeded
from delegator.schemas import (
    AnalyzeTaskRequest,
    CreateSessionRequest,
    PlanSessionRequest,
    Rung,
    TaskAnalysis,
    TeamWishes,
)
from delegator.settings import GB

PLANNED = "planned"
"""Stands for the session while it has no id."""


@dataclass(frozen=True, slots=True)
class TaskAsked:
    """A task as a caller gave it."""

    description: str
    context: dict[str, Any]
    wishes: TeamWishes
    degradation: tuple[Rung, ...] | None

    @classmethod
    def of(cls, request: PlanSessionRequest | CreateSessionRequest) -> TaskAsked:
        """Return the task of a request that names one."""
        return cls(request.task_description or "", request.context, request.wishes, request.degradation)

    @property
    def for_analysis(self) -> AnalyzeTaskRequest:
        """Return what is asked of the analysis."""
        wishes = {name: getattr(self.wishes, name) for name in TeamWishes.model_fields}
        return AnalyzeTaskRequest(task_description=self.description, context=self.context, **wishes)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it; `from_json` reads it again."""
        return {
            "task_description": self.description,
            "context": self.context,
            "wishes": self.wishes.model_dump(mode="json"),
            "degradation": None if self.degradation is None else list(self.degradation),
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> TaskAsked:
        """Read what `as_json` has said."""
        rungs = told["degradation"]
        wishes = told.get("wishes", {"task_category": told.get("task_category")})  # plans older than the wishes
        return cls(
            told["task_description"],
            told["context"],
            TeamWishes.model_validate(wishes),
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
        self._opinions = SecondOpinions(parts)

    async def make(self, task: TaskAsked, *, opinion: bool = True) -> Draft:
        """Return what a session for this task would be given now; with `opinion` a model may be asked what it is.

        Raises:
            ModelMissing, ModelLoadFailed, OllamaUnavailable, DeadlineExceeded: nothing can be said.
        """
        request, analyzer = task.for_analysis, self._parts.analyzer
        analysis = await self._opinions.analyze(request) if opinion else analyzer.analyze(request)
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
