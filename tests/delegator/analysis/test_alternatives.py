"""Other teams and what they would cost."""

from delegator.analysis import Analyzer
from delegator.schemas import AnalyzeTaskRequest, TaskType
from delegator.settings import ComplexityLimits
from tests.delegator.analysis.readings import Says, reading_of


def test_leaving_a_role_out_saves_the_memory_of_its_model(analyse, echo):
    analysis = analyse("Add user authentication feature")
    without = {one.change.split(":")[0]: one for one in analysis.alternatives}["without senior_architect"]

    saved = echo.models["deepseek-coder:33b"].memory_bytes / 1e9
    assert without.team == ["product_manager", "senior_developer", "test_lead"]
    assert without.difference_gb == -round(saved, 1)
    assert without.change == f"without senior_architect: {saved:.1f} GB less"
    assert without.memory_gb == round(analysis.estimated_resources.memory_gb - saved, 1)


def test_a_role_whose_model_another_one_needs_saves_nothing_and_is_not_told():
    from delegator.roles import load_catalogue

    analyzer = Analyzer(load_catalogue("single"), ComplexityLimits())
    analysis = analyzer.analyze(AnalyzeTaskRequest(task_description="Add user authentication feature"))

    assert not [one for one in analysis.alternatives if one.change.startswith("without")]


def test_who_was_nearly_taken_is_told_with_the_cost(echo):
    nearly = Says(reading_of({TaskType.BUG_FIX: 1.0}, {"senior_developer": 0.86, "senior_architect": 0.14}))
    analyzer = Analyzer(echo, ComplexityLimits(), understanding=nearly)
    analysis = analyzer.analyze(AnalyzeTaskRequest(task_description="Fix it"))

    [alternative] = analysis.alternatives
    assert alternative.team == ["senior_architect", "senior_developer"]
    assert alternative.change.startswith("with senior_architect: ")
    assert alternative.change.endswith(" GB more")


def test_an_unsure_reading_tells_the_other_team_and_one_question(echo):
    unsure = Says(reading_of({TaskType.HR: 0.5, TaskType.OPERATIONS: 0.4, TaskType.TESTING: 0.1}, possible=2))
    analysis = Analyzer(echo, ComplexityLimits(), understanding=unsure).analyze(
        AnalyzeTaskRequest(task_description="Look after the new people")
    )

    assert (analysis.confidence, analysis.task_type) == ("low", "hr")
    assert analysis.second_reading is not None
    assert (analysis.second_reading.task_type, analysis.second_reading.probability) == ("operations", 0.4)
    assert analysis.second_reading.recommended_agents == ["operations_head"]
    assert analysis.question == "Is this a matter of people (hr), or rather operations?"
    assert analysis.alternatives[-1].team == ["operations_head"]


def test_a_sure_reading_asks_nothing(echo):
    sure = Says(reading_of({TaskType.HR: 0.95, TaskType.OPERATIONS: 0.05}))
    analysis = Analyzer(echo, ComplexityLimits(), understanding=sure).analyze(
        AnalyzeTaskRequest(task_description="Look after the new people")
    )

    assert (analysis.confidence, analysis.second_reading, analysis.question) == ("high", None, None)
