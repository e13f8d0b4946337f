"""What people decide themselves stands above the text: the caller first, then standing rules."""

import pytest

from delegator.analysis import Analyzer
from delegator.errors import InvalidInput, UnknownRole
from delegator.schemas import AnalyzeTaskRequest, TaskType
from delegator.settings import ComplexityLimits, StandingRule
from tests.delegator.analysis.readings import Says, reading_of

FIX = Says(reading_of({TaskType.BUG_FIX: 1.0}, {"senior_developer": 1.0}))


@pytest.fixture
def decide(echo):
    """Analyse a text that reads as a small bug fix, under standing rules."""

    def run(text: str = "Fix it", *rules: dict[str, object], **wishes: object):
        standing = [StandingRule.model_validate(rule) for rule in rules]
        analyzer = Analyzer(echo, ComplexityLimits(), understanding=FIX, rules=standing)
        return analyzer.analyze(AnalyzeTaskRequest.model_validate({"task_description": text, **wishes}))

    return run


def test_without_wishes_the_reading_decides(decide):
    assert decide().recommended_agents == ["senior_developer"]


def test_an_included_role_joins_and_its_reason_says_who_wants_it(decide):
    analysis = decide(include_roles=["cto"])

    assert analysis.recommended_agents == ["cto", "senior_developer"]
    assert {need.role: need.because for need in analysis.needs}["cto"] == "the caller wants it in the team"


def test_an_included_role_finds_no_room_where_the_limit_is_reached_but_a_pinned_one_does(decide):
    included = decide(include_roles=["cto", "ceo"])
    pinned = decide(pin_roles=["cto", "ceo"])

    assert included.recommended_agents == ["cto", "senior_developer"]
    assert "Left out, because the limit is 2 agents: ceo." in included.notes
    assert pinned.recommended_agents == ["ceo", "cto", "senior_developer"]
    assert pinned.limits.complexity == "medium"


def test_an_excluded_role_stays_out_and_the_one_above_it_stands_in(decide):
    analysis = decide(exclude_roles=["senior_developer"])

    assert analysis.recommended_agents == ["senior_architect"]
    need = {need.role: need for need in analysis.needs}["senior_developer"]
    assert (need.chosen, need.because) == (False, "the caller keeps it out")


def test_roles_are_taken_from_one_comma_separated_text_too(decide):
    assert decide(include_roles="test_lead, test_lead").recommended_agents == ["senior_developer", "test_lead"]


def test_a_given_type_replaces_the_reading(decide):
    analysis = decide(task_type="hr")

    assert (analysis.task_type, analysis.probability, analysis.confidence) == ("hr", 1.0, "high")
    assert "chro" in analysis.recommended_agents


def test_wishes_hold_beside_a_given_category(decide):
    analysis = decide(task_category="hr", include_roles=["cto"], exclude_roles=["ceo"])

    assert analysis.recommended_agents == ["cto", "chro"]


def test_a_role_that_does_not_exist_is_refused(decide):
    with pytest.raises(UnknownRole):
        decide(include_roles=["wizard"])


def test_a_role_wanted_in_and_out_is_refused(decide):
    with pytest.raises(InvalidInput) as caught:
        decide(pin_roles=["cto"], exclude_roles=["cto"])

    assert caught.value.field == "exclude_roles"


def test_to_exclude_everybody_is_refused(decide, echo):
    with pytest.raises(InvalidInput, match="leaves nobody"):
        decide(exclude_roles=list(echo.names))


@pytest.mark.parametrize(
    ("rule", "text", "team"),
    [
        ({"task_types": ["bug_fix"], "include_roles": ["test_lead"]}, "Fix it", ["senior_developer", "test_lead"]),
        ({"task_types": ["hr"], "include_roles": ["test_lead"]}, "Fix it", ["senior_developer"]),
        ({"words": ["pay roll", "tax"], "pin_roles": ["chro"]}, "Fix the Tax form", ["chro", "senior_developer"]),
        ({"words": ["pay roll", "tax"], "pin_roles": ["chro"]}, "Fix the taxi form", ["senior_developer"]),
        ({"task_category": "operations"}, "Fix it", ["cto", "operations_head"]),
        ({"include_roles": ["wizard"]}, "Fix it", ["senior_developer"]),
    ],
)
def test_a_standing_rule_holds_for_the_tasks_it_names(decide, rule, text, team):
    assert decide(text, rule).recommended_agents == team


def test_the_caller_stands_above_a_rule_and_the_first_rule_above_the_next(decide):
    rules = ({"name": "careful", "include_roles": ["test_lead"]}, {"exclude_roles": ["test_lead"]})

    assert decide("Fix it", *rules).recommended_agents == ["senior_developer", "test_lead"]
    assert decide("Fix it", *rules, exclude_roles=["test_lead"]).recommended_agents == ["senior_developer"]


def test_a_reason_names_the_rule(decide):
    needs = decide("Fix it", {"name": "careful", "include_roles": ["test_lead"]}).needs

    assert {n.role: n.because for n in needs}["test_lead"] == "standing rule careful wants it in the team"
