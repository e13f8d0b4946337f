"""Roles get their catalogue's models, or what the ladder gives where these do not fit; and all is told."""

from __future__ import annotations

import pytest

from delegator.ollama.simulator.models import MODELS
from delegator.roles import load_catalogue
from delegator.schemas import Rung
from delegator.settings import GB
from delegator.simulation.casting import Recast, cast_trace
from delegator.simulation.model_files import FILE_GB, file_bytes, is_published
from delegator.simulation.profiles import PROFILES, load_s
from delegator.simulation.trace import TracedSession

ECHO = load_catalogue("echo")
FEATURE = ("product_manager", "senior_architect", "senior_developer", "test_lead")


def asked(*team: str, limit_bytes: int | None = None) -> TracedSession:
    return TracedSession(10.0, team, (5.0, 60.0), 600.0, limit_bytes=limit_bytes)


def test_a_session_speaks_in_turn_with_the_models_of_its_roles() -> None:
    cast = cast_trace([asked(*FEATURE)], ECHO, capacity_bytes=96 * GB, disk_gb_s=2.0)

    (made,) = cast.workload.sessions
    spoken = [turn.model for turn in made.tasks[0].turns]
    assert spoken == ["llama3.1:8b", "deepseek-coder:33b", "deepseek-coder:6.7b", "codellama:13b", "llama3.1:8b"]
    assert made.team == tuple(dict.fromkeys(spoken))
    assert [task.after_s for task in made.tasks] == [5.0, 60.0]
    assert (made.created_s, made.close_lag_s) == (10.0, 600.0)
    assert (cast.recast, cast.unseated, cast.for_everybody, cast.estimated_files) == ({}, {}, True, ())
    assert cast.workload.models["deepseek-coder:33b"].load_s == pytest.approx(18.8 / 2 + 0.5)


def test_everything_at_once_means_the_models_of_all_roles() -> None:
    cast = cast_trace([asked("ceo")], ECHO, capacity_bytes=96 * GB, disk_gb_s=2.0)

    assert sum(m.size_bytes for m in cast.workload.models.values()) == ECHO.baseline_bytes


def test_a_model_too_large_for_the_machine_is_replaced_by_a_smaller_one() -> None:
    cast = cast_trace([asked(*FEATURE), asked(*FEATURE)], ECHO, capacity_bytes=20 * GB, disk_gb_s=2.0)

    assert cast.recast == {Recast("senior_architect", "deepseek-coder:33b", "codellama:13b", Rung.SMALLER): 2}
    assert len(cast.workload.sessions) == 2


def test_a_limit_of_its_session_counts_as_well() -> None:
    cast = cast_trace([asked("cto", limit_bytes=10 * GB)], ECHO, capacity_bytes=96 * GB, disk_gb_s=2.0)

    assert [change.given for change in cast.recast] == ["deepseek-coder:6.7b"]


def test_a_team_that_cannot_work_is_told_and_the_others_run() -> None:
    cast = cast_trace([asked("ceo"), asked("operations_head")], ECHO, capacity_bytes=6 * GB, disk_gb_s=2.0, rungs=())

    (refused,) = cast.unseated
    assert (refused.team, refused.model, refused.needed_bytes) == (("ceo",), "qwen2.5:14b", round(11.1 * GB))
    assert [session.team for session in cast.workload.sessions] == [("mistral:7b",)]
    assert cast.for_everybody is False


def test_the_file_of_an_unknown_model_is_estimated_below_what_it_takes() -> None:
    assert is_published("llama3.1:8b")
    assert not is_published("mine:9b")
    assert file_bytes("llama3.1:8b", 0) == round(4.92 * GB)
    assert file_bytes("mine:9b", round(6.25 * GB)) == pytest.approx(5 * GB, rel=0.01)
    assert 0 < file_bytes("tiny", 100_000_000) < 100_000_000


def test_published_files_are_those_of_the_simulator() -> None:
    assert {name: MODELS[name].file_bytes for name in FILE_GB} == {name: round(gb * GB) for name, gb in FILE_GB.items()}


def test_profiles_leave_their_reserve_but_on_graphics_cards() -> None:
    assert PROFILES["laptop24"].bytes_for_models(4 * GB) == 20 * GB
    assert PROFILES["gpu24"].bytes_for_models(4 * GB) == 24 * GB
    assert load_s(4 * GB, 2.0) == 2.5
    assert all(name == profile.name for name, profile in PROFILES.items())
