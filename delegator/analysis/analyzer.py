"""The analysis of a task from end to end: text and context in, `TaskAnalysis` out.

Owns only the order of the steps: read, count complexity, choose the team, fit the limits, estimate, explain. Each step
lives in a file of its own; the reading can be replaced by anything that keeps `Understanding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from delegator.analysis.alternatives import alternatives_of
from delegator.analysis.category import category_of
from delegator.analysis.complexity import Assessment, ComplexityTable, Signs
from delegator.analysis.estimates import distinct_models, estimated_resources, estimated_time
from delegator.analysis.explanation import needs_told, question_for, reasons_for, summary
from delegator.analysis.gate import Gate, TeamGate
from delegator.analysis.limits import admitting_level, limits_of, notes_on_limits
from delegator.analysis.needs import NEEDED, Need, needs_in
from delegator.analysis.team import Team, choose, within
from delegator.analysis.understanding import Reading, Understanding
from delegator.analysis.wishes import Wishes, ensure_possible, wishes_of
from delegator.analysis.words import Words, split_words
from delegator.errors import InvalidInput
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.task_analysis import AnalyzeTaskRequest, Limits, SecondReading, TaskAnalysis
from delegator.words import Complexity

if TYPE_CHECKING:
    from delegator.settings import ComplexityLimits, StandingRule


class Analyzer:
    """Analyses tasks for one catalogue and one set of limits. Prepares its tables once, then keeps no state."""

    def __init__(
        self,
        catalogue: Catalogue,
        limits: ComplexityLimits,
        *,
        understanding: Understanding | None = None,
        rules: Sequence[StandingRule] = (),
    ) -> None:
        """Build the analyzer; without an `understanding` texts are read by the weights that come with Delegator."""
        self._catalogue = catalogue
        self._limits = limits
        self._understanding = understanding or _learned(catalogue)
        self._rules = rules
        self._complexity = ComplexityTable()
        self._gate = TeamGate()

    def read(self, request: AnalyzeTaskRequest) -> Reading:
        """Return what the text says, whatever its caller knows besides."""
        return self._understanding.read(request.task_description)

    def analyze(self, request: AnalyzeTaskRequest, reading: Reading | None = None) -> TaskAnalysis:
        """Say what the task is, how hard, and whom it needs. Starts nothing; time is bounded by the text's length.

        Args:
            request: the task.
            reading: what its text says, where that is known already.

        Raises:
            UnknownRole, InvalidInput: the wishes about roles cannot be kept.
        """
        ensure_possible(request, self._catalogue)
        reading = reading or self.read(request)
        if request.task_type is not None:
            reading = reading.read_as(request.task_type)
        words = split_words(request.task_description)
        signs = self._complexity.signs(words, request.context)
        decided = self._decide(request, words, signs, reading)
        second = None
        if reading.confidence == "low" and reading.second is not None:
            other = self._decide(request, words, signs, reading.read_as(reading.second))
            second = SecondReading(
                task_type=reading.second,
                probability=reading.chances[reading.second],
                recommended_agents=other.team.roles,
            )
        return self._told(decided, second)

    def _decide(self, request: AnalyzeTaskRequest, words: Words, signs: Signs, reading: Reading) -> _Decided:
        wishes = wishes_of(request, self._rules, reading.task_type, words, self._catalogue)
        assessment = self._complexity.weigh(signs, reading.task_type)
        needs = needs_in(reading, assessment)
        gate = self._gate.decide(words, needs, assessment)
        choice = choose(reading, needs, assessment, gate, wishes, self._catalogue)
        # First the level that admits whom the task needs; who merely joins must find room within it.
        level = admitting_level(assessment.level, self._limits, team_size=len(choice.core))
        team = within(choice, self._limits.of(level).max_agents, self._catalogue)
        return _Decided(reading, assessment, needs, gate, wishes, team, len(choice.core), level)

    def _granted(self, decided: _Decided) -> tuple[Limits, list[str]]:
        """Return the limits that admit the team and its models, and what is to be said of them."""
        team = decided.team
        models = distinct_models(team.roles, self._catalogue)
        largest = max(size for _, size in models)
        level = admitting_level(decided.level, self._limits, team_size=len(team.members), largest_model_bytes=largest)
        limits = limits_of(level, self._limits)
        return limits, notes_on_limits(
            decided.assessment.level, limits, core_size=decided.core_size, models=models, limits=self._limits
        )

    def _told(self, decided: _Decided, second: SecondReading | None) -> TaskAnalysis:
        reading, assessment, needs, gate, wishes, team, _, _ = decided
        limits, limit_notes = self._granted(decided)
        roles = team.roles
        by_role = {need.role: need for need in needs}
        given = None if wishes.category is None else wishes.category[0]
        return TaskAnalysis(
            task_type=reading.task_type,
            task_category=given or category_of(reading.task_type, assessment.level),
            complexity=assessment.level,
            recommended_agents=roles,
            reasoning=summary(reading, assessment, team, wishes),
            estimated_time=estimated_time(reading.task_type, assessment.level),
            confidence=reading.confidence,
            probability=reading.chance,
            complexity_points=assessment.points,
            estimated_resources=estimated_resources(roles, self._catalogue),
            limits=limits,
            models={role: self._catalogue.role(role).model for role in roles},
            reasons=reasons_for(reading, assessment, team, gate, wishes, limits=limits, notes=limit_notes),
            needs=needs_told(self._catalogue.names, reading, by_role, assessment, team, gate, wishes),
            alternatives=alternatives_of(team, needs, second, NEEDED, self._catalogue),
            second_reading=second,
            question=None if second is None else question_for(reading, second.task_type),
            notes=[*team.notes, *limit_notes],
        )


class _Decided(NamedTuple):
    """Everything that was decided about one task under one reading."""

    reading: Reading
    assessment: Assessment
    needs: list[Need]
    gate: Gate
    wishes: Wishes
    team: Team
    core_size: int
    level: Complexity
    """The level whose limit on agents admits the core."""


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


def _learned(catalogue: Catalogue) -> Understanding:
    # Imported here: numpy takes longer to import than all the rest, and whoever brings an understanding needs none.
    from delegator.analysis.learned import LearnedUnderstanding

    return LearnedUnderstanding(catalogue)


@cache
def _default_analyzer() -> Analyzer:
    # Imported here: reading settings brings in far more than the analysis of a text needs.
    from delegator.settings import ComplexityLimits

    return Analyzer(load_catalogue("echo"), ComplexityLimits())
