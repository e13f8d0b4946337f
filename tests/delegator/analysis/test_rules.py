"""What texts say, by the tables."""

import pytest

from delegator.analysis.rules import RuleUnderstanding

READINGS = [
    ("Investigate the memory leak in the worker", "bug_fix"),
    ("The total on the invoice is wrong when a discount applies", "bug_fix"),
    ("NullPointerException in OrderService", "bug_fix"),
    ("Login fails with status 500", "bug_fix"),
    ("Add dark mode", "feature_development"),
    ("Users should be able to export invoices as PDF", "feature_development"),
    ("Build a chatbot for customer support", "feature_development"),
    ("Refactor the payment module into smaller services", "refactoring"),
    ("Please could you rename the config module", "refactoring"),
    ("Clean up dead code", "refactoring"),
    ("Increase test coverage of the payment module", "testing"),
    ("Write an end-to-end test for signup", "testing"),
    ("Update the changelog", "documentation"),
    ("Explain the authentication flow in the wiki", "documentation"),
    ("docs: correct the installation steps", "documentation"),
    ("Roll back the last release", "deployment"),
    ("Set up a CI pipeline", "deployment"),
    ("Containerise the billing service", "deployment"),
    ("Choose between Kafka and RabbitMQ for our messaging architecture", "architecture"),
    ("Design a scalable data model for analytics", "architecture"),
    ("Create a wireframe for the dashboard", "ui_design"),
    ("The signup form is confusing, improve its usability", "ui_design"),
    ("Define OKRs for next quarter", "strategic_planning"),
    ("Analyse our competitors and propose a pricing strategy", "strategic_planning"),
    ("Order new laptops for the team", "operations"),
    ("Renew the domain and the SSL certificate", "operations"),
    ("Draft a remote work policy", "hr"),
    ("Prepare performance reviews for the engineering department", "hr"),
    ("What is the weather like?", "general"),
    ("How do I use the search?", "general"),
]


@pytest.fixture(scope="module")
def understanding(echo):
    return RuleUnderstanding(echo)


@pytest.mark.parametrize(("text", "task_type"), READINGS)
def test_a_plain_sentence_is_read_as_what_it_is(understanding, text, task_type):
    assert understanding.read(text).task_type == task_type


@pytest.mark.parametrize("text", ["???", "🚀🔥", "...", "12345", "修复错误", "qwertz asdf"])
def test_a_text_without_known_words_is_general_and_unsure(understanding, text):
    reading = understanding.read(text)

    assert (reading.task_type, reading.confidence) == ("general", "low")


def test_clear_words_are_read_with_high_confidence_and_mixed_ones_are_not(understanding):
    assert understanding.read("Write unit tests for the parser").confidence == "high"
    assert understanding.read("The documentation of the deployment").confidence == "low"


def test_the_words_that_decided_are_kept(understanding):
    reading = understanding.read("Our address book page crashes on save")

    assert "crashes" in reading.words["bug_fix"]
    assert max(reading.scores, key=lambda name: reading.scores[name]) == reading.task_type


def test_only_roles_of_the_catalogue_are_scored_the_strongest_first(understanding, echo):
    roles = understanding.read("Plan the marketing budget and hire a designer for the new website").roles

    assert set(roles) <= set(echo.names)
    assert list(roles.values()) == sorted(roles.values(), reverse=True)


def test_keywords_of_a_catalogue_call_for_their_role(catalogue_of):
    understanding = RuleUnderstanding(catalogue_of({"lawyer": ("non-disclosure agreement",), "baker": ("bread",)}))

    assert list(understanding.read("Check the non-disclosure agreements").roles) == ["lawyer"]


def test_a_keyword_without_any_word_is_passed_over(catalogue_of):
    assert RuleUnderstanding(catalogue_of({"baker": ("!!!", "bread")})).read("!!! bread").roles == {"baker": 2.5}
