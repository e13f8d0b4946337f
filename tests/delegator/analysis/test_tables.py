"""The tables themselves: complete, without contradictions, and about things that exist."""

from itertools import pairwise

import pytest

from delegator.analysis.category import CATEGORY_OF_TYPE, TEAM_OF_CATEGORY
from delegator.analysis.complexity import DENIALS, INDICATORS
from delegator.analysis.estimates import estimated_time
from delegator.analysis.gate import SEQUENCE
from delegator.analysis.tables.teams import DOMAIN_ROWS, TEAM_ROWS, TEAMS
from delegator.analysis.words import split_words
from delegator.roles.rank import KNOWN_LEVELS
from delegator.schemas import Complexity, TaskCategory, TaskType
from delegator.settings import ComplexityLimits


def test_there_is_one_team_for_each_type_at_each_level():
    pairs = [(row.task_type, level) for row in TEAM_ROWS for level in row.levels]

    assert len(pairs) == len(set(pairs))
    assert set(TEAMS) == {(task_type, level) for task_type in TaskType for level in Complexity}


@pytest.mark.parametrize("row", TEAM_ROWS, ids=lambda row: f"{row.task_type}-{row.levels[0]}")
def test_a_team_is_made_of_known_roles_and_says_why(row):
    assert set(row.roles) <= set(KNOWN_LEVELS)
    assert len(set(row.roles)) == len(row.roles) > 0
    assert row.why


def test_a_usual_team_fits_the_agents_its_level_allows_unless_the_type_never_comes_at_that_level():
    limits = ComplexityLimits()
    too_large = {pair for pair, row in TEAMS.items() if len(row.roles) > limits.of(pair[1]).max_agents}

    # These begin with two points, so that they are never low.
    assert too_large == {
        (TaskType.ARCHITECTURE, Complexity.LOW),
        (TaskType.STRATEGIC_PLANNING, Complexity.LOW),
    }


def test_a_team_only_grows_with_complexity():
    levels = list(Complexity)
    for task_type in TaskType:
        teams = [set(TEAMS[task_type, level].roles) for level in levels]
        assert all(less <= more for less, more in pairwise(teams))


def test_domain_rows_name_indicators_and_roles_that_exist():
    assert {row.indicator for row in DOMAIN_ROWS} <= {indicator.name for indicator in INDICATORS}
    assert {row.role for row in DOMAIN_ROWS} <= set(KNOWN_LEVELS)


def test_signs_of_a_sequence_are_written_as_texts_are_split():
    for phrase in SEQUENCE.phrases.split(","):
        assert " ".join(split_words(phrase).words) == phrase.strip() != ""


def test_indicators_and_denials_are_written_as_texts_are_split():
    for text in (*(indicator.phrases for indicator in INDICATORS), DENIALS):
        for phrase in text.split(","):
            assert " ".join(split_words(phrase).words) == phrase.strip() != ""


def test_category_tables_are_complete():
    assert set(CATEGORY_OF_TYPE) == set(TaskType)
    assert {category: set(team) for category, team in TEAM_OF_CATEGORY.items()} == {
        TaskCategory.QUICK_FIX: {"senior_developer"},
        TaskCategory.DEVELOPMENT: {"senior_developer", "test_lead"},
        TaskCategory.TECHNICAL: {"cto", "senior_architect", "senior_developer"},
        TaskCategory.STRATEGIC: {"ceo", "cto", "product_manager"},
        TaskCategory.PRODUCT: {"product_manager", "ceo", "uiux_engineer"},
        TaskCategory.OPERATIONS: {"operations_head", "cto"},
        TaskCategory.HR: {"ceo", "chro"},
    }


def test_every_type_has_a_time_at_every_level():
    assert all(estimated_time(task_type, level) for task_type in TaskType for level in Complexity)
    assert estimated_time(TaskType.BUG_FIX, Complexity.LOW) == "5 minutes"
