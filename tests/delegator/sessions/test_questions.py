"""What a session asks, and what it takes for an answer."""

from __future__ import annotations

from typing import Any

import pytest

from delegator.errors import InvalidInput
from delegator.schemas import (
    Complexity,
    Limits,
    Question,
    Resources,
    SecondReading,
    TaskAnalysis,
    TaskCategory,
    TaskType,
)
from delegator.sessions.questions import MEANING, question_of, understood

SECOND = SecondReading(
    task_type=TaskType.FEATURE_DEVELOPMENT, probability=0.4, recommended_agents=["product_manager", "senior_developer"]
)


def analysis(**changes: Any) -> TaskAnalysis:
    fields: dict[str, Any] = {
        "task_type": TaskType.BUG_FIX,
        "task_category": TaskCategory.QUICK_FIX,
        "complexity": Complexity.LOW,
        "recommended_agents": ["senior_developer"],
        "reasoning": "A fix.",
        "estimated_time": "5 minutes",
        "confidence": "low",
        "probability": 0.5,
        "complexity_points": 0,
        "estimated_resources": Resources(memory_gb=8, cpu_cores=2),
        "limits": Limits(complexity=Complexity.LOW, max_agents=2, max_memory_gb=10),
        "models": {"senior_developer": "deepseek-coder:6.7b"},
        "reasons": [],
        "second_reading": SECOND,
        "question": "Is this a bug fix, or rather feature development?",
    }
    return TaskAnalysis.model_validate(fields | changes)


def the_question() -> Question:
    question = question_of(analysis())
    assert question is not None
    return question


def test_an_unsure_analysis_asks_which_of_its_two_readings_is_meant() -> None:
    question = the_question()

    assert question.question == "Is this a bug fix, or rather feature development?"
    assert [(o.answer, o.probability, o.recommended_agents) for o in question.options] == [
        (TaskType.BUG_FIX, 0.5, ["senior_developer"]),
        (TaskType.FEATURE_DEVELOPMENT, 0.4, ["product_manager", "senior_developer"]),
    ]
    assert question.options[0].meaning == MEANING[TaskType.BUG_FIX]


@pytest.mark.parametrize("changes", [{"confidence": "medium"}, {"second_reading": None}, {"question": None}], ids=str)
def test_where_there_is_nothing_to_choose_nothing_is_asked(changes: dict[str, Any]) -> None:
    assert question_of(analysis(**changes)) is None


def test_every_task_type_has_a_meaning_in_one_sentence() -> None:
    assert set(MEANING) == set(TaskType)
    assert all(told.endswith(".") and "\n" not in told for told in MEANING.values())


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("yes", TaskType.BUG_FIX),
        (" Yes ", TaskType.BUG_FIX),
        ("feature_development", TaskType.FEATURE_DEVELOPMENT),
        ("Feature  Development", TaskType.FEATURE_DEVELOPMENT),
        ("UI-design", TaskType.UI_DESIGN),
        ("hr", TaskType.HR),
    ],
)
def test_an_answer_is_a_type_however_it_is_written_or_yes(answer: str, meant: TaskType) -> None:
    assert understood(answer, the_question()) is meant


@pytest.mark.parametrize("answer", ["no", "", "bug", "bugfix", "1", "yes please", "feature_development; hr"])
def test_anything_else_is_refused_with_the_options(answer: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        understood(answer, the_question())

    assert raised.value.field == "answer"
    assert "bug_fix, feature_development; yes means bug_fix" in raised.value.advice
    assert "hr" in raised.value.advice
