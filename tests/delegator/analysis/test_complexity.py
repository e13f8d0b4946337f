"""Points and levels."""

import pytest

from delegator.analysis.complexity import INDICATORS, ComplexityTable, level_of
from delegator.analysis.words import split_words
from delegator.schemas import TaskType

TABLE = ComplexityTable()


def assess(text, *, context=None, task_type=TaskType.GENERAL):
    return TABLE.assess(split_words(text), context or {}, task_type)


@pytest.mark.parametrize(
    ("points", "level"), [(0, "low"), (1, "low"), (2, "medium"), (3, "high"), (4, "very_high"), (12, "very_high")]
)
def test_points_come_to_a_level(points, level):
    assert level_of(points) == level


@pytest.mark.parametrize("task_type", list(TaskType))
def test_a_type_brings_its_base(task_type):
    base = {"strategic_planning": 2, "architecture": 2, "feature_development": 1, "deployment": 1}

    assert assess("x", task_type=task_type).points == base.get(task_type, 0)


@pytest.mark.parametrize(
    ("text", "indicator"),
    [
        ("Finish it by Friday", "deadline"),
        ("This is urgent", "priority"),
        ("Rework the entire platform", "scope"),
        ("Coordinate it with other teams", "coordination"),
        ("Close the vulnerability", "security"),
        ("Migrate the data to the new cluster", "data_migration"),
        ("It must fit the budget", "money"),
        ("It must be GDPR compliant", "compliance"),
        ("It needs high availability", "scale"),
        ("Change the tax rate in all three systems", "systems"),
        ("The change is irreversible", "risk"),
        ("Talk to the payment provider's third-party service", "integration"),
    ],
)
def test_each_indicator_is_worth_one_point(text, indicator):
    assessment = assess(text)

    assert assessment.indicators == {indicator}
    assert assessment.points == 1


def test_the_examples_cover_every_indicator():
    assert len(INDICATORS) == 12


def test_an_indicator_counts_once_however_often_it_is_told():
    assert assess("urgent, very urgent, by Friday", context={"deadline": "Friday", "priority": "urgent"}).points == 2


@pytest.mark.parametrize("text", ["There is no deadline", "This is not urgent", "Round to a whole number"])
def test_a_denied_indicator_does_not_count(text):
    assert assess(text).points == 0


@pytest.mark.parametrize(
    ("context", "points"),
    [
        ({"deadline": "2025-12-01"}, 1),
        ({"deadline": ""}, 0),
        ({"deadline": None}, 0),
        ({"deadline": "none"}, 0),
        ({"priority": "critical"}, 1),
        ({"priority": "URGENT"}, 1),
        ({"priority": "high"}, 0),
        ({"priority": None}, 0),
        ({"scope": "large"}, 1),
        ({"scope": ["large"]}, 0),
        ({"deadline": "x", "priority": "urgent", "scope": "large"}, 3),
        ({"anything": {"else": 1}}, 0),
    ],
)
def test_the_context_is_counted(context, points):
    assert assess("x", context=context).points == points


def test_a_long_description_counts_as_large_scope():
    assert assess("word " * 149).points == 0
    assert assess("word " * 150).indicators == {"scope"}


def test_every_point_is_told_with_its_words():
    assessment = assess(
        "Fix the security hole urgently", context={"deadline": "2025-12-01"}, task_type=TaskType.DEPLOYMENT
    )

    assert [(part.indicator, part.points, part.words) for part in assessment.parts] == [
        ("base", 1, ()),
        ("deadline", 1, ("deadline: 2025-12-01",)),
        ("priority", 1, ("urgently",)),
        ("security", 1, ("security",)),
    ]
