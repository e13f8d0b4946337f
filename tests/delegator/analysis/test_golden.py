"""The sentences whose reading is promised: those of the first installation, and those its patterns got wrong."""

import pytest

FOUR = ["product_manager", "senior_architect", "senior_developer", "test_lead"]

EXACT = [
    # (text, context, type, complexity, team; None: not promised)
    ("Fix typo in README", {}, "bug_fix", "low", ["senior_developer"]),
    ("Add user authentication feature", {}, "feature_development", "medium", FOUR),
    (
        "Implement user authentication",
        {"priority": "high", "deadline": "2025-12-01"},
        "feature_development",
        "high",
        FOUR,
    ),
    (
        "Plan Q2 roadmap and budget allocation",
        {},
        "strategic_planning",
        "high",
        ["ceo", "product_manager", "operations_head"],
    ),
    ("Design a new checkout screen", {}, "ui_design", "low", ["uiux_engineer", "senior_developer"]),
    ("Write the onboarding guide", {}, "documentation", "low", ["senior_developer"]),
    ("Rename prefix of metrics", {}, "refactoring", "low", ["senior_developer"]),
    ("Our address book page crashes on save", {}, "bug_fix", "low", ["senior_developer"]),
    ("Hire two backend engineers", {}, "hr", None, ["ceo", "chro"]),
    ("Adjust salaries after the annual review", {}, "hr", None, ["ceo", "chro"]),
    (
        "Design the event-driven architecture for billing",
        {},
        "architecture",
        None,
        ["cto", "senior_architect", "senior_developer"],
    ),
]

WITH_ROLE = [
    # (text, type, complexity; None: not promised, a role of the team)
    ("Deploy the latest build", "deployment", "low", "operations_head"),
    ("Should we acquire Acme?", "strategic_planning", None, "ceo"),
    ("The site is down, customers cannot log in", "operations", None, "operations_head"),
    ("Rotate the TLS certificates on all servers", "operations", None, "operations_head"),
    ("Write unit tests for the parser", "testing", "low", "test_lead"),
]


@pytest.mark.parametrize(("text", "context", "task_type", "complexity", "team"), EXACT)
def test_a_golden_sentence_gets_its_type_complexity_and_team(analyse, text, context, task_type, complexity, team):
    analysis = analyse(text, context=context)

    assert analysis.task_type == task_type
    assert complexity is None or analysis.complexity == complexity
    assert analysis.recommended_agents == team


@pytest.mark.parametrize(("text", "task_type", "complexity", "role"), WITH_ROLE)
def test_a_golden_sentence_gets_its_type_and_a_team_with_the_role(analyse, text, task_type, complexity, role):
    analysis = analyse(text)

    assert analysis.task_type == task_type
    assert complexity is None or analysis.complexity == complexity
    assert role in analysis.recommended_agents


def test_a_given_category_fixes_the_team_whatever_the_text_says(analyse):
    analysis = analyse("Test monitoring", task_category="quick_fix")

    assert analysis.recommended_agents == ["senior_developer"]
    assert analysis.task_category == "quick_fix"
