"""What is answered without a running system."""

from __future__ import annotations

import pytest

from delegator import schemas as s
from delegator.roles import load_catalogue
from delegator.settings import GB, Settings
from serve_app.local import LocalAnswers


@pytest.mark.parametrize("name", ["echo", "compact", "single"])
def test_the_catalogue_is_shown_whole_and_in_rank_order(name: str):
    catalogue = load_catalogue(name)

    reply = LocalAnswers(catalogue, Settings()).list_roles(s.NoInput())

    assert reply.catalogue == name
    assert [role.role for role in reply.roles] == list(catalogue.names)
    assert reply.distinct_models == len({role.model for role in catalogue.roles.values()})
    assert reply.all_roles_memory_gb == catalogue.baseline_bytes / GB


def test_a_task_is_analyzed():
    answers = LocalAnswers(load_catalogue("echo"), Settings())

    analysis = answers.analyze_task(s.AnalyzeTaskRequest(task_description="Fix typo in README"))

    assert (analysis.task_type, analysis.complexity) == (s.TaskType.BUG_FIX, s.Complexity.LOW)
    assert analysis.recommended_agents == ["senior_developer"]
