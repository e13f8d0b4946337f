"""Whether a task should be a team's."""

import pytest

from delegator.analysis import Analyzer
from delegator.schemas import AnalyzeTaskRequest, TaskType
from delegator.settings import ComplexityLimits
from tests.delegator.analysis.readings import Says, reading_of

FEATURE = Says(reading_of({TaskType.FEATURE_DEVELOPMENT: 1.0}, {"senior_developer": 1.0}))


@pytest.fixture(scope="module")
def decide(echo):
    """Analyse a text that reads as a feature, whose usual team is two or more."""

    def run(text: str, **wishes: object):
        analyzer = Analyzer(echo, ComplexityLimits(), understanding=FEATURE)
        return analyzer.analyze(AnalyzeTaskRequest.model_validate({"task_description": text, **wishes}))

    return run


def about_the_team(analysis):
    return next(reason for reason in analysis.reasons if reason.about == "team")


def test_strictly_sequential_work_gets_one_role_and_says_why(decide):
    analysis = decide("First read the file, then convert it, finally upload it")

    assert analysis.recommended_agents == ["senior_developer"]
    assert about_the_team(analysis).words == ["first", "then", "finally"]
    assert "each step waits" in about_the_team(analysis).because


@pytest.mark.parametrize(
    "text",
    [
        "Read the file, then convert it",  # one 'then' is how people talk
        "First coordinate with the other teams, then convert it, finally upload it",
        "First rewrite the entire platform, then convert it, finally upload it",
    ],
)
def test_work_side_by_side_gets_its_team(decide, text):
    assert len(decide(text).recommended_agents) > 1


def test_weighty_work_gets_its_team_however_it_is_told(decide):
    text = "First encrypt it by Friday, then migrate the data, finally upload it, it is urgent"

    assert len(decide(text).recommended_agents) > 2


def test_who_is_wanted_joins_sequential_work_too(decide):
    text = "First read the file, then convert it, finally upload it"

    assert decide(text, include_roles=["test_lead"]).recommended_agents == ["senior_developer", "test_lead"]


def test_work_of_one_craft_gets_one_role_and_says_so(echo):
    one = Says(reading_of({TaskType.TESTING: 1.0}, {"test_lead": 1.0}))
    analysis = Analyzer(echo, ComplexityLimits(), understanding=one).analyze(
        AnalyzeTaskRequest(task_description="Test")
    )

    assert analysis.recommended_agents == ["test_lead"]
    assert about_the_team(analysis).because.startswith("one craft is called for")
