"""Who is chosen, who joins, who stands in, and who is left out."""

from collections.abc import Mapping

import pytest

from delegator.analysis import Analyzer
from delegator.schemas import AnalyzeTaskRequest, TaskCategory
from delegator.settings import ComplexityLimit, ComplexityLimits

TIGHT = ComplexityLimits(
    low=ComplexityLimit(max_agents=1, max_memory_gb=10),
    medium=ComplexityLimit(max_agents=1, max_memory_gb=25),
    high=ComplexityLimit(max_agents=2, max_memory_gb=40),
    very_high=ComplexityLimit(max_agents=2, max_memory_gb=50),
)


@pytest.fixture(scope="module")
def with_roles(catalogue_of):
    """Analyse with a catalogue of {role: keywords}."""

    def run(text: str, roles: Mapping[str, tuple[str, ...]], limits: ComplexityLimits | None = None, **fields: object):
        analyzer = Analyzer(catalogue_of(roles), limits or ComplexityLimits())
        return analyzer.analyze(AnalyzeTaskRequest.model_validate({"task_description": text, **fields}))

    return run


@pytest.mark.parametrize(
    ("category", "team"),
    [
        ("quick_fix", ["senior_developer"]),
        ("development", ["senior_developer", "test_lead"]),
        ("technical", ["cto", "senior_architect", "senior_developer"]),
        ("strategic", ["ceo", "cto", "product_manager"]),
        ("product", ["ceo", "product_manager", "uiux_engineer"]),
        ("operations", ["cto", "operations_head"]),
        ("hr", ["ceo", "chro"]),
    ],
)
def test_a_given_category_has_its_team_while_the_text_keeps_its_type(analyse, category, team):
    analysis = analyse("Fix typo in README", task_category=category)

    assert analysis.recommended_agents == team
    assert (analysis.task_type, analysis.complexity, analysis.task_category) == (
        "bug_fix",
        "low",
        TaskCategory(category),
    )


def test_a_category_larger_than_the_level_allows_raises_the_limits_and_says_so(analyse):
    analysis = analyse("Fix typo in README", task_category="strategic")

    assert analysis.limits.complexity == "medium"
    assert any("3 agents (limit 2)" in note for note in analysis.notes)


@pytest.mark.parametrize(
    ("text", "context", "category"),
    [
        ("Fix typo in README", {}, "quick_fix"),
        ("Fix the urgent security hole", {}, "development"),
        ("Write the onboarding guide", {}, "quick_fix"),
        ("Rename prefix of metrics", {}, "development"),
        ("Write unit tests for the parser", {}, "development"),
        ("Design the event-driven architecture for billing", {}, "technical"),
        ("Plan Q2 roadmap and budget allocation", {}, "strategic"),
        ("Design a new checkout screen", {}, "product"),
        ("Deploy the latest build", {}, "operations"),
        ("Rotate the TLS certificates on all servers", {}, "operations"),
        ("Hire two backend engineers", {}, "hr"),
        ("xyzzy", {}, "development"),
    ],
)
def test_without_a_category_it_follows_from_type_and_complexity(analyse, text, context, category):
    assert analyse(text, context=context).task_category == category


def test_words_for_another_role_bring_it_in_where_the_limit_leaves_room(analyse):
    analysis = analyse("Document the hiring process and the salary bands for new employees")

    assert "chro" in analysis.recommended_agents


def test_a_single_word_for_another_role_does_not(analyse):
    assert analyse("Write the onboarding guide").recommended_agents == ["senior_developer"]


def test_a_role_of_the_catalogue_joins_by_one_of_its_keywords(with_roles):
    analysis = with_roles("Fix the crash in the tax module", {"senior_developer": (), "tax_adviser": ("tax",)})

    assert sorted(analysis.recommended_agents) == ["senior_developer", "tax_adviser"]


def test_who_joins_is_left_out_before_who_is_needed_and_it_is_told(with_roles):
    roles = {"senior_developer": (), "test_lead": (), "tax_adviser": ("tax",)}
    analysis = with_roles("Add a tax report feature", roles)

    assert analysis.recommended_agents == ["senior_developer", "test_lead"]
    assert "Left out, because the limit is 2 agents: tax_adviser." in analysis.notes


def test_limits_smaller_than_the_team_shorten_it_by_need(with_roles):
    roles = {"product_manager": (), "senior_architect": (), "senior_developer": (), "test_lead": ()}
    whole = with_roles("Add user authentication feature", roles)
    analysis = with_roles("Add user authentication feature", roles, TIGHT)

    assert len(whole.recommended_agents) == 4
    assert set(analysis.recommended_agents) == {need.role for need in whole.needs[:2]}
    assert analysis.limits.max_agents == 2
    assert any(note.startswith("Left out") for note in analysis.notes)


def test_a_role_the_catalogue_lacks_is_stood_in_for_by_the_next_above(with_roles):
    analysis = with_roles("Fix the crash", {"cto": (), "ceo": ()})

    assert analysis.recommended_agents == ["cto"]
    assert "The catalogue has no senior_developer: cto stands in." in analysis.notes


def test_a_stand_in_for_several_is_in_the_team_once(with_roles):
    analysis = with_roles("Design the event-driven architecture", {"cto": ()})

    assert analysis.recommended_agents == ["cto"]


def test_in_a_catalogue_of_strangers_the_one_with_the_fitting_keyword_takes_the_task(with_roles):
    analysis = with_roles("Fix the crash in the bread oven", {"butcher": ("meat",), "baker": ("bread",)})

    assert analysis.recommended_agents == ["baker"]
    assert any("None of the usual roles" in note for note in analysis.notes)


def test_in_a_catalogue_of_strangers_without_a_fitting_one_the_first_takes_the_task(with_roles):
    assert with_roles("Fix the crash", {"butcher": (), "baker": ()}).recommended_agents == ["butcher"]
    assert with_roles("x", {"butcher": (), "baker": ()}, task_category="hr").recommended_agents == ["butcher"]
