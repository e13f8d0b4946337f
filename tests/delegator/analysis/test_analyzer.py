"""The whole analysis: what its reply holds, and what always holds for it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.analysis import Analyzer, Reading, analyze
from delegator.analysis.category import TEAM_OF_CATEGORY
from delegator.analysis.complexity import INDICATORS
from delegator.analysis.corpus import read_corpus
from delegator.analysis.gate import SEQUENCE
from delegator.errors import InvalidInput
from delegator.roles import load_catalogue
from delegator.schemas import MAX_TEXT_CHARS, AnalyzeTaskRequest, TaskAnalysis, TaskCategory, TaskType
from delegator.settings import ComplexityLimits

ANALYZERS = {name: Analyzer(load_catalogue(name), ComplexityLimits()) for name in ("echo", "compact", "single")}

ROWS = [*(row.phrases for row in INDICATORS), SEQUENCE.phrases]
PHRASES = sorted({phrase.strip() for phrases in ROWS for phrase in phrases.split(",")})
WRITTEN = sorted({row.text for row in read_corpus() if row.part == "held_back"})
PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200)
SPOKEN = st.lists(st.sampled_from([*PHRASES, *WRITTEN, "?", ":", "urgent", "by friday"]), min_size=1, max_size=4).map(
    ". ".join
)
TEXTS = (PLAIN | SPOKEN).filter(str.strip)
CONTEXTS = st.fixed_dictionaries(
    {},
    optional={
        "priority": st.sampled_from(["low", "high", "urgent", "critical"]),
        "deadline": st.sampled_from(["2025-12-01", ""]),
        "scope": st.sampled_from(["large", "small"]),
    },
)


@given(st.sampled_from(sorted(ANALYZERS)), TEXTS, CONTEXTS, st.none() | st.sampled_from(list(TaskCategory)))
def test_any_text_gets_a_valid_analysis(name, text, context, category):
    catalogue, limits = load_catalogue(name), ComplexityLimits()
    request = AnalyzeTaskRequest(task_description=text, context=context, task_category=category)
    analysis = ANALYZERS[name].analyze(request)
    team = analysis.recommended_agents

    assert 1 <= len(team) <= analysis.limits.max_agents == limits.of(analysis.limits.complexity).max_agents
    assert team == catalogue.in_rank_order(team)
    assert analysis.models == {role: catalogue.role(role).model for role in team}
    assert max(catalogue.role(role).memory_bytes for role in team) <= analysis.limits.max_memory_gb * 1e9
    assert category is None or set(team) == set(TEAM_OF_CATEGORY[category])
    assert category is None or analysis.task_category is category
    assert {"task_type", "complexity", "limits", *team} <= {reason.about for reason in analysis.reasons}
    assert TaskAnalysis.model_validate(json.loads(analysis.model_dump_json())).recommended_agents == team


@given(TEXTS)
def test_the_same_text_always_gets_the_same_analysis(text):
    assert analyze(text) == analyze(text)


def test_a_whole_reply():
    analysis = analyze("Add user authentication feature")
    told = {name: analysis.pop(name) for name in ("reasons", "needs", "alternatives", "probability")}

    assert all(told.values())
    assert analysis == {
        "task_type": "feature_development",
        "task_category": "development",
        "complexity": "medium",
        "recommended_agents": ["product_manager", "senior_architect", "senior_developer", "test_lead"],
        "reasoning": (
            "Feature development of medium complexity: security is at stake; "
            "team: product_manager, senior_architect, senior_developer, test_lead."
        ),
        "estimated_time": "1 day",
        "confidence": "high",
        "complexity_points": 2,
        "estimated_resources": {"memory_gb": 51.1, "cpu_cores": 4.0},
        "limits": {"complexity": "medium", "max_agents": 4, "max_memory_gb": 25.0},
        "models": {
            "product_manager": "llama3.1:8b",
            "senior_architect": "deepseek-coder:33b",
            "senior_developer": "deepseek-coder:6.7b",
            "test_lead": "codellama:13b",
        },
        "second_reading": None,
        "question": None,
        "notes": [
            "The team's models need 51.1 GB together and 25 GB may be in memory at one time: they take turns.",
        ],
    }


def test_reasons_tell_type_complexity_each_role_and_limits_with_their_words():
    reasons = {reason["about"]: reason for reason in analyze("Add user authentication feature")["reasons"]}

    assert list(reasons) == [
        "task_type",
        "complexity",
        "team",
        "product_manager",
        "senior_architect",
        "senior_developer",
        "test_lead",
        "limits",
    ]
    assert "feature" in reasons["task_type"]["words"]
    assert reasons["complexity"]["words"] == ["authentication"]
    assert reasons["senior_architect"]["words"] == ["authentication"]


def test_roles_on_one_model_count_its_memory_once():
    request = AnalyzeTaskRequest(task_description="Add user authentication feature")

    assert ANALYZERS["single"].analyze(request).estimated_resources.memory_gb == 6.9


@pytest.mark.parametrize("text", ["", " \n ", "x" * (MAX_TEXT_CHARS + 1), "a\x00b", 7])
def test_what_is_no_task_is_refused(text):
    with pytest.raises(InvalidInput) as caught:
        analyze(text)

    assert caught.value.field == "task_description"


def test_an_unknown_category_is_refused():
    with pytest.raises(InvalidInput) as caught:
        analyze("Fix it", task_category="magic")

    assert caught.value.field == "task_category"


def test_another_understanding_can_stand_in():
    class AlwaysTesting:
        def read(self, text: str) -> Reading:
            return Reading({TaskType.TESTING: 1.0}, {}, possible=(TaskType.TESTING,))

    analyzer = Analyzer(load_catalogue("echo"), ComplexityLimits(), understanding=AlwaysTesting())
    analysis = analyzer.analyze(AnalyzeTaskRequest(task_description="Hire two engineers"))

    assert (analysis.task_type, analysis.recommended_agents) == ("testing", ["test_lead"])


ADVERSARIAL = {
    "one word": "a" * MAX_TEXT_CHARS,
    "apostrophes": "a'" * (MAX_TEXT_CHARS // 2),
    "quotes only": "'’" * (MAX_TEXT_CHARS // 2),
    "colons": "fix:" * (MAX_TEXT_CHARS // 4),
    "brackets": "[" * (MAX_TEXT_CHARS // 2) + "]" * (MAX_TEXT_CHARS // 2),
    "polite for ever": "we want to " * (MAX_TEXT_CHARS // 11),
    "phrases": "does not work. " * (MAX_TEXT_CHARS // 15),
    "half phrases": "stop unit end to end " * (MAX_TEXT_CHARS // 21),
    "single letters": "a b " * (MAX_TEXT_CHARS // 4),
    "lines": "a\n" * (MAX_TEXT_CHARS // 2),
    "questions": "?" * MAX_TEXT_CHARS,
    "emoji": "🚀" * MAX_TEXT_CHARS,
    "stacked accents": "e" + "\u0301\u0323" * (MAX_TEXT_CHARS // 2 - 1),
    "other alphabet": "修复错误" * (MAX_TEXT_CHARS // 4),
    "class names": "XError " * (MAX_TEXT_CHARS // 7),
    "blanks": " " * (MAX_TEXT_CHARS - 1) + "x",
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_hostile_texts_of_full_length_are_answered_before_the_deadline(name):
    text = ADVERSARIAL[name]
    # Work that grew with the square of the length would need minutes for so many rounds; linear work needs a second.
    answers = [analyze(text) for _ in range(20)]

    assert all(answer["recommended_agents"] for answer in answers)
