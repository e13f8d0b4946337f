"""The question a session asks where its analysis is unsure, and how an answer to it is understood.

Owns what is asked and what is taken for an answer. Whether there is something to ask the analysis has decided; when a
session asks, and what follows from the answer, is not here.
"""

from __future__ import annotations

import re

from delegator.errors import InvalidInput
from delegator.schemas import Question, QuestionOption, TaskAnalysis, TaskType

BEST_READING = "yes"
"""Stands for the first option: go ahead as you have read it."""

MEANING: dict[TaskType, str] = {
    TaskType.BUG_FIX: "Something that is there does not work and is to be mended.",
    TaskType.FEATURE_DEVELOPMENT: "Something new is to be built, or something there is to do more.",
    TaskType.REFACTORING: "Code is to be rewritten so that it does the same as before.",
    TaskType.TESTING: "Something is to be tested, or tests are to be written.",
    TaskType.ARCHITECTURE: "It is to be decided how a system is built.",
    TaskType.STRATEGIC_PLANNING: "It is to be decided where the company goes and what it spends.",
    TaskType.UI_DESIGN: "It is to be decided how something looks and is used.",
    TaskType.DEPLOYMENT: "Something finished is to be brought to where it runs.",
    TaskType.DOCUMENTATION: "Something is to be written for people to read.",
    TaskType.HR: "It is about people: hiring, pay, reviews, the team itself.",
    TaskType.OPERATIONS: "Something that runs is to be kept running.",
    TaskType.GENERAL: "It is none of the other kinds of work.",
}
"""{type: what is said about a task by it, in a sentence}."""


def question_of(analysis: TaskAnalysis) -> Question | None:
    """Return what an analysis would ask; None where it is sure, or knows of no second reading."""
    second = analysis.second_reading
    if analysis.confidence != "low" or second is None or analysis.question is None:
        return None
    return Question(
        question=analysis.question,
        options=[
            _option(analysis.task_type, analysis.recommended_agents, analysis.probability),
            _option(second.task_type, second.recommended_agents, second.probability),
        ],
    )


def understood(answer: str, question: Question) -> TaskType:
    """Return the task type that an answer means: an option, any other type, or with `yes` the first option.

    Capitals do not matter, blanks and dashes are underscores.

    Raises:
        InvalidInput: it means none of them; names the options.
    """
    word = re.sub(r"[\s_-]+", "_", answer.strip().lower())
    if word == BEST_READING:
        return question.options[0].answer
    if word in tuple(TaskType):
        return TaskType(word)
    options = [option.answer for option in question.options]
    others = [task_type for task_type in TaskType if task_type not in options]
    raise InvalidInput(
        "answer",
        "is no task type, nor yes",
        f"The options are: {', '.join(options)}; yes means {options[0]}. "
        f"Any other type is taken, too: {', '.join(others)}.",
    )


def _option(task_type: TaskType, team: list[str], probability: float) -> QuestionOption:
    return QuestionOption(
        answer=task_type, meaning=MEANING[task_type], recommended_agents=team, probability=probability
    )
