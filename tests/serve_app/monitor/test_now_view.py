"""The view *Now*, made from replies."""

from datetime import UTC, datetime

import pytest

from delegator import schemas as s
from serve_app.monitor.now_view import (
    AgentRow,
    Card,
    Chip,
    ModelPart,
    NowReplies,
    NowView,
    SessionRow,
    now_view,
)
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


def view_of(scene: Scene) -> NowView:
    nothing = s.NoInput()
    today = s.StatisticsRequest(from_date=AT.date())
    answers = scene.answers
    return now_view(
        NowReplies(
            AT,
            answers["list_active_sessions"](nothing),
            answers["list_active_agents"](nothing),
            answers["resource_summary"](nothing),
            answers["list_roles"](nothing),
            answers["statistics"](today),
        )
    )


@pytest.fixture
def scene() -> Scene:
    return Scene(now=AT)


def test_an_idle_system_shows_what_all_roles_would_hold(scene):
    view = view_of(scene)

    assert view.as_of == "14:30:00"
    assert view.cards == (
        Card("Active agents", "0", "of 9 roles", "", ("on 0 resident models",)),
        Card(
            "Memory of models",
            "0.0",
            "GB",
            "measured",
            ("nothing resident; all 9 roles would hold 80.5 GB", "64.0 GB capacity"),
        ),
        Card("Active sessions", "0", "", "", ("0 in total today",)),
        Card("CPU load", "idle", "", "estimated", ("0 turns running, 0 waiting",)),
    )
    assert (view.sessions, view.agents, view.memory.parts) == ((), (), ())
    assert (view.memory.used, view.memory.free) == ("0.0 GB", "64.0 GB")


def test_the_cards_sum_up_a_system_at_work(scene):
    scene.remember(1, per_day=7)
    scene.open_session(0, running_s=323)
    scene.work("test_lead")

    assert view_of(scene).cards == (
        Card("Active agents", "3", "of 9 roles", "", ("on 3 resident models",)),
        Card(
            "Memory of models", "29.3", "GB", "measured", ("64 % less than all 9 roles (80.5 GB)", "64.0 GB capacity")
        ),
        Card("Active sessions", "1", "", "", ("7 in total today",)),
        Card("CPU load", "medium", "", "estimated", ("1 turn running, 0 waiting",)),
    )


def test_a_session_is_shown_with_its_team(scene):
    scene.open_session(5, running_s=323)

    assert view_of(scene).sessions == (
        SessionRow(
            session_id="session_20260102_142437_84334",
            category="product",
            category_words="product",
            status="active",
            started="14:24:37",
            started_on="2026-01-02 14:24:37",
            running="5m 23s",
            description="Design a new checkout screen",
            team=(
                Chip("Product Manager", "Product Manager"),
                Chip("CEO", "Chief Executive Officer"),
                Chip("UI/UX Engineer", "UI/UX Engineer"),
            ),
            question="",
        ),
    )


def test_a_session_that_asks_is_shown_with_its_question_and_without_a_team(scene):
    scene.ask(1, running_s=5, question="Is this a bug fix,\nor rather testing?\x07")

    (row,) = view_of(scene).sessions

    assert (row.status, row.team) == ("starting", ())
    assert row.question == "Is this a bug fix, or rather testing?"


def test_an_agent_is_shown_with_its_model(scene):
    scene.open_session(1, running_s=61)
    scene.work("senior_developer")
    row = AgentRow(
        role="senior_developer",
        label="Senior Developer",
        initials="SD",
        model="deepseek-coder:6.7b",
        memory="8.1 GB",
        memory_mark="measured",
        resident=True,
        working=True,
        sessions="1 session",
        restarts="",
        uptime="1m 0s",
        since="14:29:00",
        since_on="2026-01-02 14:29:00",
    )

    assert view_of(scene).agents == (row,)


def test_the_memory_of_an_agent_without_resident_model_is_an_estimate(scene):
    scene.capacity_gb = 5.0
    scene.open_session(1, running_s=61)
    [agent] = view_of(scene).agents

    assert (agent.resident, agent.memory_mark) == (False, "estimated")


def test_a_model_is_a_part_of_the_bar(scene):
    scene.open_session(1, running_s=61)
    scene.open_session(1, running_s=31)
    scene.work("senior_developer")
    part = ModelPart(
        model="deepseek-coder:6.7b",
        memory="8.1 GB",
        share=8.1 / 64,
        tone=5,
        holders="held by 2 sessions",
        busy=True,
        foreign=False,
    )

    assert view_of(scene).memory.parts == (part,)


def test_a_model_keeps_its_colour_when_others_go(scene):
    scene.open_session(0, running_s=323)
    tones = {part.model: part.tone for part in view_of(scene).memory.parts}
    scene.residents.pop(0)

    assert len(set(tones.values())) == 3
    assert {part.model: part.tone for part in view_of(scene).memory.parts}.items() < tones.items()


def test_models_of_other_programs_are_counted_and_named_so(scene):
    scene.open_session(1, running_s=61)
    scene.residents = [
        scene.residents[0].model_copy(update={"model": "gemma:70b", "foreign": True, "memory_gb": 80.0, "held_by": []})
    ]
    memory = view_of(scene).memory

    assert memory.overfull
    assert memory.free == "0.0 GB"
    assert (memory.parts[0].share, memory.parts[0].holders) == (1.0, "loaded by another program")


def test_figures_of_simulated_models_say_so():
    scene = Scene(now=AT, simulated=True)
    scene.open_session(1, running_s=61)
    view = view_of(scene)

    assert view.simulated
    assert (view.cards[1].mark, view.memory.mark, view.agents[0].memory_mark) == ("simulated",) * 3


def test_a_task_of_another_hand_is_kept_as_text_on_one_line(scene):
    scene.open_session(1, running_s=5, text="<img src=x onerror=alert(1)>\n\u202eevil\x1b[31m")

    assert view_of(scene).sessions[0].description == "<img src=x onerror=alert(1)> evil"
