"""What would flip a decision: what is said happens when it is tried."""

import re

import pytest

from delegator.analysis import Analyzer
from delegator.analysis.corpus import read_corpus
from delegator.analysis.needs import NEEDED
from delegator.analysis.tokens import text_without
from delegator.schemas import AnalyzeTaskRequest
from delegator.settings import ComplexityLimits

TEXTS = [row.text for row in read_corpus() if row.part == "held_back" and row.style in ("request", "duty")][::23]
"""Some hundred texts that the weights have not seen."""


def by_points(one, other) -> bool:
    """Say whether a word counted as a point too: what is left is then weighed at another level."""
    return bool(one.complexity_points != other.complexity_points)


def by_role(analysis):
    return {need.role: need for need in analysis.needs}


def test_every_role_of_the_catalogue_has_a_reason_and_a_flip(analyse, echo):
    for text in TEXTS:
        analysis = analyse(text)

        assert sorted(by_role(analysis)) == sorted(echo.names)
        assert {role for role, need in by_role(analysis).items() if need.chosen} == set(analysis.recommended_agents)
        assert all(need.because and need.flip for need in analysis.needs)
        chosen = [need.chosen for need in analysis.needs]
        assert chosen == sorted(chosen, reverse=True)


def test_a_role_that_would_join_at_another_level_does_when_points_are_added(analyse):
    tried = 0
    for text in TEXTS:
        for role, need in by_role(analyse(text)).items():
            told = re.match(r"At (.+) complexity it would join: (\d+) points? more", need.flip)
            if told and int(told[2]) <= 2 and not need.chosen:
                context = {"priority": "urgent", "deadline": "tomorrow"}
                weightier = analyse(text, context=context)
                if weightier.complexity_points - analyse(text).complexity_points >= int(told[2]):
                    row_level = told[1].replace(" ", "_")
                    if weightier.complexity == row_level and analyse(text).probability > 0.9:
                        tried += 1
                        assert role in weightier.recommended_agents or any("Left out" in n for n in weightier.notes)
    assert tried


def test_without_the_word_that_is_named_the_role_stays_out(analyse):
    tried = 0
    for text in TEXTS:
        for role, need in by_role(analyse(text)).items():
            told = re.match(r"Without '([^']+)' it would stay out", need.flip)
            if told and need.chosen:
                tried += 1
                rest = text_without(text, [told[1]])
                assert by_role(analyse(rest or "."))[role].need < NEEDED or by_points(analyse(rest), analyse(text))
    assert tried > 10


def test_exclusion_and_inclusion_are_named_where_people_decided(analyse):
    needs = by_role(analyse("Fix typo in README", include_roles=["ceo"], exclude_roles=["test_lead"]))

    assert "include_roles" in needs["ceo"].flip
    assert "exclude_roles" in needs["test_lead"].flip


@pytest.mark.parametrize("category", ["hr", "operations"])
def test_a_given_category_says_that_the_text_would_decide(analyse, category):
    needs = by_role(analyse("Fix typo in README", task_category=category))

    assert all("given category" in need.flip for need in needs.values())


def test_a_domain_addition_flips_with_its_word(echo):
    analyzer = Analyzer(echo, ComplexityLimits())
    asked = AnalyzeTaskRequest(task_description="Add user authentication feature")
    need = by_role(analyzer.analyze(asked))["senior_architect"]

    assert need.flip == "Without 'authentication' it would stay out."
    without = analyzer.analyze(AnalyzeTaskRequest(task_description="Add user feature"))
    assert "senior_architect" not in without.recommended_agents
