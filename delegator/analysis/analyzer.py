"""The analysis of a task from end to end: text and context in, `TaskAnalysis` out.

Owns only the order of the steps: read, count complexity, choose the team, fit the limits, estimate, explain. Each step
lives in a file of its own; the reading can be replaced by anything that keeps `Understanding`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from delegator.analysis.category import category_of
from delegator.analysis.complexity import ComplexityTable
from delegator.analysis.estimates import distinct_models, estimated_resources, estimated_time
from delegator.analysis.explanation import reasons_for, summary
from delegator.analysis.limits import admitting_level, limits_of, notes_on_limits
from delegator.analysis.rules import RuleUnderstanding
from delegator.analysis.team import choose, within
from delegator.analysis.understanding import Understanding
from delegator.analysis.words import split_words
from delegator.errors import InvalidInput
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.schemas import AnalyzeTaskRequest, TaskAnalysis

if TYPE_CHECKING:
    from delegator.settings import ComplexityLimits


class Analyzer:
    """Analyses tasks for one catalogue and one set of limits. Prepares its tables once, then keeps no state."""

    def __init__(
        self, catalogue: Catalogue, limits: ComplexityLimits, *, understanding: Understanding | None = None
    ) -> None:
        """Build the analyzer; without an `understanding` texts are read by rules."""
        self._catalogue = catalogue
        self._limits = limits
        self._understanding = understanding or RuleUnderstanding(catalogue)
        self._complexity = ComplexityTable()

    def analyze(self, request: AnalyzeTaskRequest) -> TaskAnalysis:
        """Say what the task is, how hard, and whom it needs. Starts nothing; time is bounded by the text's length."""
        given = request.task_category
        text = request.task_description
        reading = self._understanding.read(text)
        assessment = self._complexity.assess(split_words(text), request.context, reading.task_type)
        choice = choose(reading, assessment, given=given, catalogue=self._catalogue)
        # First the level that admits whom the task needs; who merely joins must find room within it.
        level = admitting_level(assessment.level, self._limits, team_size=len(choice.core))
        team = within(choice, self._limits.of(level).max_agents, self._catalogue)
        roles = [member.role for member in team.members]
        models = distinct_models(roles, self._catalogue)
        level = admitting_level(
            level, self._limits, team_size=len(roles), largest_model_bytes=max(size for _, size in models)
        )
        limits = limits_of(level, self._limits)
        limit_notes = notes_on_limits(
            assessment.level, limits, core_size=len(choice.core), models=models, limits=self._limits
        )
        return TaskAnalysis(
            task_type=reading.task_type,
            task_category=given or category_of(reading.task_type, assessment.level),
            complexity=assessment.level,
            recommended_agents=roles,
            reasoning=summary(reading, assessment, team, given=given),
            estimated_time=estimated_time(reading.task_type, assessment.level),
            confidence=reading.confidence,
            complexity_points=assessment.points,
            estimated_resources=estimated_resources(roles, self._catalogue),
            limits=limits,
            models={role: self._catalogue.role(role).model for role in roles},
            reasons=reasons_for(reading, assessment, team, given=given, limits=limits, notes=limit_notes),
            notes=[*team.notes, *limit_notes],
        )


def analyze(text: str, context: dict[str, Any] | None = None, task_category: str | None = None) -> dict[str, Any]:
    """Analyse one task with the echo catalogue and the default limits; the JSON-ready reply of `analyze_task`.

    Raises:
        InvalidInput: the text is empty, too long or no text, the context too large, or the category unknown.
    """
    try:
        request = AnalyzeTaskRequest.model_validate(
            {"task_description": text, "context": context or {}, "task_category": task_category}
        )
    except ValidationError as exc:
        found = exc.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in found["loc"])
        raise InvalidInput(field, found["msg"].removeprefix("Value error, "), "Give a task in plain words.") from exc
    return _default_analyzer().analyze(request).model_dump(mode="json")


@cache
def _default_analyzer() -> Analyzer:
    # Imported here: reading settings brings in far more than the analysis of a text needs.
    from delegator.settings import ComplexityLimits

    return Analyzer(load_catalogue("echo"), ComplexityLimits())
