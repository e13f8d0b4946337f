"""The view *Now*, made from replies."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from delegator import schemas as s
from serve_app.monitor.memory_bar import ModelPart
from serve_app.monitor.now_machine import DriftBadge, QueueRow, drift_badge
from serve_app.monitor.now_view import AgentRow, Card, Chip, NowReplies, NowView, Progress, SessionRow, now_view
from tests.browser.scene import Scene

AT = datetime(2026, 1, 2, 14, 30, 0, tzinfo=UTC)


def view_of(scene: Scene) -> NowView:
    nothing = s.NoInput()
    today = s.StatisticsRequest(from_date=AT.date())
    answers = scene.answers
    return now_view(
        NowReplies(
            answers["list_active_sessions"](nothing),
            answers["list_active_agents"](nothing),
            answers["resource_summary"](nothing),
            answers["list_roles"](nothing),
            answers["statistics"](today),
        ),
        scale=10,
    )


@pytest.fixture
def scene() -> Scene:
    return Scene(now=AT)


def test_an_idle_system_shows_what_all_roles_would_hold(scene):
    view = view_of(scene)

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
        Card("CPU load", "–", "", "not measured", ("0 turns running, 0 waiting", "idle, by the number of agents")),
    )
    assert (view.sessions, view.agents, view.hosts[0].parts, view.queue) == ((), (), (), ())
    assert (view.hosts[0].used, view.hosts[0].free) == ("0.0 GB", "64.0 GB")


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
        Card("CPU load", "–", "", "not measured", ("1 turn running, 0 waiting", "medium, by the number of agents")),
    )


def test_the_load_is_what_was_measured_however_many_agents_run(scene):
    for task in range(6):
        scene.open_session(task, running_s=5)
    load = s.MachineLoad(node="n1", processors=8, processor_ratio=0.03, gpus=1, gpu_ratio=0.5, gpu_memory_gb=24)
    resources_with(scene, machines=[load])

    assert view_of(scene).cards[3] == Card(
        "CPU load",
        "3",
        "% of 8 processors",
        "measured",
        (
            "GPU: 50 % busy, 24.0 GB",
            "0 turns running, 0 waiting",
            "high, by the number of agents",
        ),
    )


def test_of_several_machines_the_busiest_is_the_figure(scene):
    loads = [
        s.MachineLoad(node=node, processors=4, processor_ratio=share)
        for node, share in (("n1", 0.2), ("n2", 0.9), ("n3", None))
    ]
    resources_with(scene, machines=loads)
    card = view_of(scene).cards[3]

    assert (card.value, card.unit, card.mark) == ("90", "%", "measured")
    assert card.notes[0] == (
        "the busiest: n1 20 % of 4 processors; n2 90 % of 4 processors; n3 not measured of 4 processors"
    )


def test_a_session_is_shown_with_its_team(scene):
    scene.open_session(5, running_s=323)

    (row,) = view_of(scene).sessions

    assert [control.operation for control in row.controls] == ["end_session"]
    assert replace(row, controls=()) == (
        SessionRow(
            session_id="session_20260102_142437_84334",
            category="product",
            category_words="product",
            status="active",
            started="14:24:37",
            started_on="2026-01-02 14:24:37",
            running_s=323.0,
            description="Design a new checkout screen",
            team=(
                Chip("Product Manager", "Product Manager", ""),
                Chip("CEO", "Chief Executive Officer", ""),
                Chip("UI/UX Engineer", "UI/UX Engineer", ""),
            ),
            question="",
            task=None,
            controls=(),
        )
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
        served="",
        speed="–",
        node="n1",
        restarts="",
        uptime_s=60.0,
        since="14:29:00",
        since_on="2026-01-02 14:29:00",
        controls=(),
    )
    (shown,) = view_of(scene).agents

    assert [control.request for control in shown.controls] == [{"agent_role": "senior_developer"}]
    assert replace(shown, controls=()) == row


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
        pinned=False,
    )

    assert view_of(scene).hosts[0].parts == (part,)


def test_a_model_keeps_its_colour_when_others_go(scene):
    scene.open_session(0, running_s=323)
    tones = {part.model: part.tone for part in view_of(scene).hosts[0].parts}
    scene.residents.pop(0)

    assert len(set(tones.values())) == 3
    assert {part.model: part.tone for part in view_of(scene).hosts[0].parts}.items() < tones.items()


def test_models_of_other_programs_are_counted_and_named_so(scene):
    scene.open_session(1, running_s=61)
    scene.residents = [
        scene.residents[0].model_copy(update={"model": "gemma:70b", "foreign": True, "memory_gb": 80.0, "held_by": []})
    ]
    (memory,) = view_of(scene).hosts

    assert memory.overfull
    assert memory.free == "0.0 GB"
    assert (memory.parts[0].share, memory.parts[0].holders) == (1.0, "loaded by another program")


def test_figures_of_simulated_models_say_so():
    scene = Scene(now=AT, simulated=True)
    scene.open_session(1, running_s=61)
    view = view_of(scene)

    assert view.simulated
    assert (view.cards[1].mark, view.memory_mark, view.agents[0].memory_mark) == ("simulated",) * 3


def test_a_task_of_another_hand_is_kept_as_text_on_one_line(scene):
    scene.open_session(1, running_s=5, text="<img src=x onerror=alert(1)>\n\u202eevil\x1b[31m")

    assert view_of(scene).sessions[0].description == "<img src=x onerror=alert(1)> evil"


def test_clocks_run_on_as_fast_as_the_models_are():
    assert view_of(Scene(now=AT, simulated=True)).rate == 10
    assert view_of(Scene(now=AT)).rate == 1


def test_a_session_at_work_shows_how_far_its_task_is(scene):
    task = scene.delegate(scene.open_session(0, running_s=323), turns=3)
    (row,) = view_of(scene).sessions

    assert row.task == Progress(0, 3, "Product Manager is speaking")
    assert [chip.state for chip in row.team] == ["speaking", "", ""]
    assert row.controls[0].request == {"task_id": task.task_id}

    waiting = row_task(scene).model_copy(update={"current_role": "test_lead", "waiting_for": "codellama:13b"})
    scene.sessions[0] = scene.sessions[0].model_copy(update={"task": waiting})
    (row,) = view_of(scene).sessions

    assert row.task == Progress(0, 3, "Test Lead waits for codellama:13b")
    assert [chip.state for chip in row.team] == ["", "", "waiting"]


def row_task(scene: Scene) -> s.ActiveTask:
    task = scene.sessions[0].task
    assert task is not None
    return task


def test_an_agent_at_work_tells_what_it_has_done(scene):
    scene.open_session(1, running_s=61)
    figures = {"sessions_served": 3, "turns_done": 1, "tokens_per_second": 21.44, "restarts": 2}
    scene.agents[0] = scene.agents[0].model_copy(update=figures)
    (agent,) = view_of(scene).agents

    assert (agent.served, agent.speed, agent.restarts) == ("3 sessions, 1 turn", "21.4", "2 restarts")


def resources_with(scene: Scene, **changes: object) -> None:
    usual = scene.answers["resource_summary"]
    scene.answers["resource_summary"] = lambda request: usual(request).model_copy(update=changes)


def test_each_host_has_a_bar_of_its_own(scene):
    scene.open_session(0, running_s=61)
    scene.residents[0] = scene.residents[0].model_copy(update={"endpoint": "http://gpu:11434"})
    host = {"models": 1, "turns_running": 0, "turns_waiting": 0, "suspect": None, "memory_gb": 1}
    hosts = [
        s.EndpointInfo(endpoint="gpu", url="http://gpu:11434", capacity_gb=24, **host),
        s.EndpointInfo(
            endpoint="local", url="http://127.0.0.1:11434", capacity_gb=40, **{**host, "suspect": "it hangs"}
        ),
    ]
    resources_with(scene, endpoints=hosts)
    shown = view_of(scene).hosts

    assert [(host.name, host.capacity, len(host.parts), host.trouble) for host in shown] == [
        ("gpu", "24.0 GB", 1, ""),
        ("local", "40.0 GB", 2, "it hangs"),
    ]


def test_what_waits_is_shown_with_its_place_and_time(scene):
    turn = s.QueuedTurn(
        session_id="s1", role="test_lead", model="m", endpoint="gpu", position=2, waited_seconds=4.25, eta_seconds=None
    )
    resources_with(scene, queue=[turn, turn.model_copy(update={"role": None, "eta_seconds": 21.0})])
    first, second = view_of(scene).queue

    assert first == QueueRow("gpu 2 s1 test_lead", "2", "Test Lead", "m", "gpu", 4.2, None, "s1")
    assert (second.who, second.eta_s) == ("first model of a session", 21.0)


@pytest.mark.parametrize(
    ("drift", "badge"),
    [
        (None, DriftBadge("unknown", "not compared with Ollama and Ray yet", ())),
        (
            s.Drift(compared_at=AT, age_seconds=3.4, differences=[]),
            DriftBadge("equal", "equal to Ollama and Ray 3s ago", ()),
        ),
        (
            s.Drift(compared_at=AT, age_seconds=61, differences=["a is gone", "b is there"], trusted_seconds=90),
            DriftBadge("mended", "2 differences mended 1m 1s ago", ("a is gone", "b is there")),
        ),
        (
            s.Drift(compared_at=AT, age_seconds=7200, differences=[]),
            DriftBadge("unknown", "not compared with Ollama and Ray of late, last 2h 0m ago", ()),
        ),
        (
            s.Drift(compared_at=AT, age_seconds=5, differences=["a is gone"], failed=["gpu: no answer"]),
            DriftBadge("unknown", "not all could be compared, last 5s ago", ("gpu: no answer", "a is gone")),
        ),
        (
            s.Drift(compared_at=None, age_seconds=None, differences=[], failed=["gpu: no answer"]),
            DriftBadge("unknown", "not compared with Ollama and Ray yet", ("gpu: no answer",)),
        ),
        (
            s.Drift(compared_at=AT, age_seconds=5, differences=[], failed=["gpu: no answer"]),
            DriftBadge("unknown", "not all could be compared, last 5s ago", ("gpu: no answer",)),
        ),
    ],
)
def test_the_badge_says_whether_what_is_shown_is_so(drift, badge):
    assert drift_badge(drift) == badge
