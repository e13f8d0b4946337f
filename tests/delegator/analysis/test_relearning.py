"""What retraining would change, measured on what it has not seen; and the guards that refuse it."""

from __future__ import annotations

from functools import cache

import pytest

from delegator.analysis import Analyzer
from delegator.analysis.corpus import Row, read_corpus
from delegator.analysis.correction import Learned
from delegator.analysis.examples import Example
from delegator.analysis.judging import judge
from delegator.analysis.learned import LearnedUnderstanding
from delegator.analysis.learned_reading import LearnedReader
from delegator.analysis.learning import learn
from delegator.analysis.relearning import MEASURED_TEXTS, Evaluation, HistoryFit, Relearning
from delegator.analysis.weights import shipped_weights
from delegator.errors import DeadlineExceeded
from delegator.roles.catalogue import load_catalogue
from delegator.settings import ComplexityLimits
from delegator.words import TaskType

WEIGHTS = shipped_weights()
CATALOGUE = load_catalogue("echo")
ROTATING = [f"Rotate the signing keys of the {name} gateway" for name in ("payment", "mail", "order", "login", "file")]


@cache
def held_back() -> list[Row]:
    return [row for row in read_corpus() if row.part == "held_back"][:250]


def analyzer_of(learned: Learned | None) -> Analyzer:
    understanding = LearnedUnderstanding(CATALOGUE, WEIGHTS, learned)
    return Analyzer(CATALOGUE, ComplexityLimits(), understanding=understanding)


def evaluate(examples: list[Example], present: Learned | None = None, *, rows: list[Row] | None = None) -> Evaluation:
    return Relearning(WEIGHTS, rows or held_back(), analyzer_of).evaluate(examples, present)


def test_lessons_that_agree_are_found_to_help_on_texts_they_were_not_learned_from() -> None:
    examples = [Example(text, TaskType.HR, {"chro": 1.0}, {"senior_developer": 1.0}) for text in ROTATING] * 2

    found = evaluate(examples)

    assert (found.folds, found.texts, found.refused) == (5, 5, None)
    assert found.before.types_right == found.now.types_right == 0
    assert found.after.types_right > found.before.types_right
    assert (found.after.types_given, found.after.wanted, found.after.unwanted) == (10, 10, 10)
    assert found.after.wanted_there > found.before.wanted_there
    assert {change.text for change in found.changes} == set(ROTATING)
    assert all(change.then.task_type is TaskType.HR and "chro" in change.then.team for change in found.changes)


def test_what_is_in_use_already_changes_nothing_when_learned_again() -> None:
    examples = [Example(text, TaskType.HR) for text in ROTATING] * 2

    found = evaluate(examples, learn(WEIGHTS, examples))

    assert found.changes == ()
    assert found.now.types_right == found.now.types_given == 10


def test_lessons_that_contradict_each_other_are_refused() -> None:
    """Texts that are read right are confirmed, and near ones called something else, each something different."""
    reader = LearnedUnderstanding(CATALOGUE, WEIGHTS)
    rows = [row for row in held_back() if reader.read(row.text).task_type is row.task_type][:19]
    types = list(TaskType)
    examples = [Example(row.text, row.task_type) for row in rows]
    for number, row in enumerate(rows):
        wrong = types[(types.index(row.task_type) + 1 + number % 11) % 12]
        examples += [Example(f"{row.text} again", wrong)] * 4

    found = evaluate(examples)

    assert found.after.types_right < found.before.types_right
    assert found.refused is not None
    assert found.refused.startswith("Texts it has not seen would be read worse")


def test_a_correction_that_costs_other_texts_is_refused() -> None:
    rows = [row for row in held_back() if row.task_type is not TaskType.HR]
    examples = [Example(row.text, TaskType.HR) for row in rows[:120]]

    found = evaluate(examples, rows=held_back())

    assert found.corpus_before.type_right - found.corpus_after.type_right > 0.01
    assert found.refused is not None
    assert found.refused.startswith("Other texts would suffer: right types")


def test_roles_learned_everywhere_cost_right_roles_and_are_refused() -> None:
    rows = [row for row in held_back() if row.roles[0] != "chro"]
    examples = [Example(row.text, None, {"chro": 1.0, "ceo": 1.0, "uiux_engineer": 1.0}) for row in rows[:90]] * 5

    found = evaluate(examples)

    assert found.corpus_before.role_in_two - found.corpus_after.role_in_two > 0.01
    assert (found.refused or "").startswith("Other texts would suffer: right roles")


@pytest.mark.parametrize("examples", [[], [Example(ROTATING[0], None, {"chief_of_magic": 1.0})]])
def test_without_anything_to_learn_it_is_refused(examples: list[Example]) -> None:
    found = evaluate(examples)

    assert (found.folds, found.before, found.after) == (0, HistoryFit(), HistoryFit())
    assert found.refused is not None
    assert found.refused.startswith("There is nothing to learn")
    assert found.corpus_before == found.corpus_after == judge(LearnedReader(WEIGHTS), held_back())


def test_texts_that_differ_in_signs_alone_are_never_on_both_sides() -> None:
    examples = [Example(text, TaskType.HR) for text in (ROTATING[0], f"{ROTATING[0]}!", ROTATING[0].upper())]

    assert evaluate(examples).folds == 0


def test_figures_are_of_the_newest_texts() -> None:
    old = [Example(f"Old text number {number}", TaskType.HR) for number in range(5)]
    newer = [Example(f"Task {number}", None, {"cto": 1.0}) for number in range(MEASURED_TEXTS)]

    found = evaluate([*old, *newer], rows=held_back()[:20])

    assert (found.texts, found.now.types_given, found.now.wanted) == (MEASURED_TEXTS, 0, MEASURED_TEXTS)


def test_it_ends_when_its_time_is_over() -> None:
    left = [20]

    def ensure_time() -> None:
        left[0] -= 1
        if not left[0]:
            raise DeadlineExceeded("learning", 1)

    with pytest.raises(DeadlineExceeded):
        Relearning(WEIGHTS, held_back(), analyzer_of).evaluate(
            [Example(text, TaskType.HR) for text in ROTATING], None, ensure_time=ensure_time
        )


def test_a_fit_adds_up() -> None:
    assert HistoryFit(1, 2, 3, 4, 5, 6) + HistoryFit(1, 1, 1, 1, 1, 1) == HistoryFit(2, 3, 4, 5, 6, 7)
