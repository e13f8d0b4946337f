"""What is shown as measured memory while models come and go: what is resident, as the models beside it say."""

from __future__ import annotations

import pytest

from actors.alert_figures import AlertFigures
from actors.host_messages import ResidentView
from delegator import schemas as s
from delegator.residency.planner import Resident
from delegator.settings import GB
from tests.actors.manager_on_fakes import ManagerOnFakes

SIZES_GB = {"llama3.1:8b": 6, "codellama:13b": 11, "deepseek-coder:33b": 21}


@pytest.fixture
def swapping() -> ManagerOnFakes:
    """On one endpoint a model is resident, one is leaving and one is being loaded; on the other there is nothing."""
    manager = ManagerOnFakes("one", "two")
    manager.host.residents = tuple(
        Resident(model, size * GB, frozenset(), busy=False, last_used=0.0) for model, size in SIZES_GB.items()
    )
    manager.host.shown = tuple(
        ResidentView(model, size * GB, 0, True, (), False, False, model == "llama3.1:8b", None)
        for model, size in SIZES_GB.items()
    )
    return manager


async def test_during_a_swap_the_sum_is_that_of_the_models_beside_it(swapping: ManagerOnFakes) -> None:
    shown = await swapping.resource_summary(s.NoInput())

    assert [(model.model, model.memory_gb) for model in shown.models] == [("llama3.1:8b", 6)]
    assert shown.total_memory_gb == 6
    assert [endpoint.memory_gb for endpoint in shown.endpoints] == [6, 0]
    assert shown.memory_saved_ratio == pytest.approx(1 - 6 / shown.all_roles_memory_gb)


async def test_what_is_reserved_has_a_figure_of_its_own(swapping: ManagerOnFakes) -> None:
    shown = await swapping.resource_summary(s.NoInput())

    assert shown.planned_gb == 38
    assert [endpoint.planned_gb for endpoint in shown.endpoints] == [38, 0]


async def test_alerts_look_at_what_is_measured(swapping: ManagerOnFakes) -> None:
    figures = await AlertFigures(swapping._parts, lambda: swapping.resource_summary(s.NoInput())).take()

    assert figures.endpoints is not None
    assert [endpoint.used_gb for endpoint in figures.endpoints] == [6, 0]
