"""How much each role is needed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.analysis.complexity import ComplexityTable
from delegator.analysis.needs import NEEDED, needs_of
from delegator.analysis.tables.teams import TEAMS
from delegator.analysis.words import split_words
from delegator.roles.rank import KNOWN_LEVELS
from delegator.words import TaskType

TABLE = ComplexityTable()


def assess(text: str, task_type: TaskType):
    return TABLE.assess(split_words(text), {}, task_type)


@pytest.mark.parametrize("task_type", list(TaskType))
def test_a_certain_type_brings_its_whole_usual_team(task_type):
    assessment = assess("x", task_type)
    needs = needs_of({task_type: 1.0}, {}, assessment)

    assert {need.role for need in needs if need.is_needed} == set(TEAMS[task_type, assessment.level].roles)


def test_an_open_type_brings_whoever_the_words_call_for():
    chances = {TaskType.OPERATIONS: 0.4, TaskType.HR: 0.3, TaskType.GENERAL: 0.3}
    needs = needs_of(chances, {"cto": 0.9}, assess("x", TaskType.OPERATIONS))

    assert [need.role for need in needs if need.is_needed] == ["cto"]


def test_the_level_of_every_type_counts_from_its_own_base():
    needs = needs_of({TaskType.BUG_FIX: 0.5, TaskType.ARCHITECTURE: 0.5}, {}, assess("urgent", TaskType.BUG_FIX))

    # One further point: a bug fix stays low (its developer alone), architecture is high (three roles).
    assert {need.role: need.usual for need in needs} == {
        "senior_developer": 1.0,
        "senior_architect": 0.5,
        "cto": 0.5,
    }


CHANCES = st.dictionaries(st.sampled_from(list(TaskType)), st.floats(0.01, 1), min_size=1).map(
    lambda found: {name: chance / sum(found.values()) for name, chance in found.items()}
)
OWN = st.dictionaries(st.sampled_from(list(KNOWN_LEVELS)), st.floats(0, 1))


@given(CHANCES, OWN)
def test_needs_are_shares_in_falling_order(chances, own):
    needs = needs_of(chances, own, assess("x", next(iter(chances))))
    totals = [need.total for need in needs]

    assert totals == sorted(totals, reverse=True)
    assert all(0 <= total <= 1 + 1e-9 for total in totals)
    assert {need.role for need in needs} >= set(own)
    assert all(need.is_needed == (need.total >= NEEDED) for need in needs)
