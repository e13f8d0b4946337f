"""The whole system without its faces: real Ray, real PostgreSQL, a simulated Ollama over HTTP; and what it survives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import ray
from prometheus_client import Metric as MetricFamily
from prometheus_client.parser import text_string_to_metric_families

from actors.agent import Agent
from actors.cluster import NAMESPACE, agent_name, metrics_url
from actors.metrics import (
    AGENT_LEASES,
    AGENTS_RUNNING,
    METRICS,
    MODEL_RESIDENT,
    SESSIONS_OPEN,
    TOKENS,
    Metric,
    exposed_names,
)
from delegator.endpoints import FIRST_ID
from delegator.errors import (
    AgentAlreadyActive,
    AgentLimitReached,
    AgentNotActive,
    AgentNotRunning,
    NoActiveSession,
    PlanNotFound,
    SessionAmbiguous,
    SessionEnded,
    SessionNotFound,
    TaskFinished,
    TaskNotFound,
    TooManySessions,
    UnknownRole,
)
from delegator.roles.catalogue import load_catalogue
from delegator.schemas import Event, EventKind, Receipt, RestartAgentRequest, SessionStatus, TaskStatus
from delegator.sessions.verification import differences
from delegator.settings import Settings
from tests.actors.ray_system import DEADLINE_S, MEMORY, SCALE, RaySystem, is_gone, local_ray, simulator, start, until
from tests.deploy.grafana_files import expressions, used_in

pytestmark = [pytest.mark.ray, pytest.mark.timeout(180)]

FEATURE = "Add user authentication feature"
TEAM = ["product_manager", "senior_architect", "senior_developer", "test_lead"]
DEVELOPER, PRODUCT = "deepseek-coder:6.7b", "llama3.1:8b"


PATIENT = {"wait_price": 1e9}
KEEP_ALIVE_S = 1e6
"""Idle models of open sessions stay: at this scale their time, and Ollama's own for them while there is no model host,
would be up while a busy machine is between two calls."""


@pytest.fixture(scope="module")
def running(postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RaySystem]:
    """One system for this module."""
    folder: Path = tmp_path_factory.mktemp("system")
    with simulator(folder) as ollama, local_ray(folder):
        settings = Settings.load(
            models="simulated", ollama_url=ollama, simulator_scale=SCALE, memory=MEMORY, home=str(folder),
            database_url=postgres_server.url_of(postgres_server.create_database()),
            max_concurrent_sessions=3, reconcile_every_s=0.5,
            residency=PATIENT, keep_alive_s=KEEP_ALIVE_S,
        )  # fmt: skip
        start(settings)
        yield RaySystem(settings, ollama)


@pytest.fixture
def system(running: RaySystem) -> Iterator[RaySystem]:
    """The system with no session open, before and after."""
    yield running
    running.clear_faults()
    running.end_all()


def create(system: RaySystem, task: str = FEATURE, **fields: Any) -> str:
    reply = system.call("create_session", task_description=task, **fields)
    until(lambda: system.call("get_session", session_id=reply.session_id).status is SessionStatus.ACTIVE)
    return str(reply.session_id)


# ── the main job ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_team_works_on_a_task_and_leaves_nothing_behind(system: RaySystem) -> None:
    created = system.call("create_session", task_description=FEATURE)
    assert created.active_agents == TEAM
    assert system.agents() == set(TEAM)

    task = system.call("delegate_task", session_id=created.session_id)
    done = system.finished(task.task_id)

    assert [(r.role, r.purpose) for r in done.replies] == [
        ("product_manager", "frame"),
        ("senior_architect", "contribute"),
        ("senior_developer", "contribute"),
        ("test_lead", "contribute"),
        ("product_manager", "conclude"),
    ]
    assert done.answer == done.replies[-1].text
    assert "senior_architect" in done.replies[2].text, "a role sees what was said before it"

    ended = system.call("end_session")
    assert ended.agents_terminated == TEAM
    assert (system.agents(), system.loaded(), system.reservations()) == (set(), set(), set())
    assert system.call("list_active_agents").agents == []
    history = system.call("session_history").sessions[0]
    assert (history.session_id, history.status) == (created.session_id, SessionStatus.COMPLETED)


def test_models_take_turns_within_the_sessions_limit(system: RaySystem) -> None:
    created = system.call("create_session", task_description=FEATURE)
    assert any("take turns" in note for note in created.notes)

    system.finished(system.call("delegate_task", session_id=created.session_id).task_id)
    receipt = system.call("end_session", session_id=created.session_id).receipt

    assert 0 < receipt.peak_gb <= created.limits.max_memory_gb
    assert receipt.turns == 5
    assert receipt.sizes == "measured"
    assert 0 < receipt.gb_seconds < receipt.all_roles_gb_seconds
    assert receipt == system.call("get_receipt", session_id=created.session_id)
    assert receipt.swaps > 0
    assert {role.role for role in receipt.roles} == set(created.active_agents)


def test_every_receipt_agrees_with_the_log_that_callers_can_read(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")
    system.call("send_message", session_id=session_id, to="senior_developer", text="Which file?")

    still_open = system.call("get_receipt", session_id=session_id)
    ended = system.call("end_session", session_id=session_id).receipt

    log = [Event.model_validate_json(event.model_dump_json()) for event in system.events(session_id)]
    for receipt in (still_open, ended):
        assert differences(Receipt.model_validate_json(receipt.model_dump_json()), log) == []
    assert (still_open.final, ended.final) == (False, True)
    assert system.call("get_session", session_id=session_id).resources_used == ended.model_dump(mode="json")


def test_ray_reserves_exactly_what_is_resident(system: RaySystem) -> None:
    create(system)

    resident = {m.model for m in system.call("resource_summary").models}

    assert resident == system.loaded() == system.reservations()


def test_a_message_is_answered_and_one_to_an_absent_role_says_whom_to_spawn(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")

    reply = system.call("send_message", session_id=session_id, to="senior_developer", text="Which file?")

    assert reply.status is TaskStatus.COMPLETED
    assert "Which file?" in reply.reply
    with pytest.raises(AgentNotActive) as raised:
        system.call("send_message", session_id=session_id, to="ceo", text="Hello")
    assert raised.value.details()["suggest_spawn"] == "ceo"


def test_roles_join_and_leave_a_running_session(system: RaySystem) -> None:
    session_id = create(system, "Our address book page crashes on save", context={"deadline": "today"})
    before = system.call("get_session", session_id=session_id).active_agents

    added = system.call("add_agent_to_session", session_id=session_id, agent_role="ceo", reason="approval")

    assert added.active_agents == ["ceo", *before]
    assert any("limits of medium apply" in note for note in added.notes)
    with pytest.raises(AgentAlreadyActive):
        system.call("add_agent_to_session", session_id=session_id, agent_role="ceo")
    system.call("send_message", session_id=session_id, to="ceo", text="Do you approve?")
    removed = system.call("remove_agent_from_session", session_id=session_id, agent_role="ceo", reason="done")
    assert removed.active_agents == before
    assert removed.resources_freed_gb > 0
    assert "ceo" not in system.agents()
    view = system.call("get_session", session_id=session_id)
    assert view.total_agents_spawned == len(before) + 1


def test_sessions_share_an_agent_and_its_model_until_the_last_one_ends(system: RaySystem) -> None:
    first, second = create(system, "Fix typo in README"), create(system, "Fix typo in the manual")
    assert system.loaded() == {DEVELOPER}

    ended = system.call("end_session", session_id=first)

    assert ended.models_kept == [DEVELOPER]
    assert (system.agents(), system.loaded()) == ({"senior_developer"}, {DEVELOPER})
    system.call("end_session", session_id=second)
    assert (system.agents(), system.loaded()) == (set(), set())


def test_a_plan_tells_what_creating_would_do_and_does_nothing(system: RaySystem) -> None:
    plan = system.call("plan_session", task_description=FEATURE)

    assert plan.possible
    assert {m.action for m in plan.models} == {"load_in_turn"}
    assert plan.peak_gb <= plan.analysis.limits.max_memory_gb
    assert (system.agents(), system.loaded()) == (set(), set())


def test_a_plan_is_applied_as_it_was_told(system: RaySystem) -> None:
    plan = system.call("plan_session", task_description=FEATURE, degradation=["smaller", "merge"])

    reply = system.call("create_session", plan_id=plan.plan_id)

    assert reply.models == {role: model.model for model in plan.models for role in model.roles}
    assert [step.model_dump() for step in reply.degradations] == [step.model_dump() for step in plan.degradations]
    assert (reply.plan_id, reply.changed) == (plan.plan_id, [])
    kinds = {event.kind for event in system.call("list_events", session_id=reply.session_id, limit=1000).events}
    assert (EventKind.TEAM_DEGRADED in kinds) == bool(plan.degradations)
    system.call("end_session", session_id=reply.session_id)
    with pytest.raises(PlanNotFound):
        system.call("create_session", plan_id="plan_of_nobody")


# ── bad requests leave nothing half done ──────────────────────────────────────────────────────────────────────────


def test_more_sessions_than_allowed_are_refused_and_leave_nothing(system: RaySystem) -> None:
    for number in range(3):
        create(system, f"Fix typo number {number}")

    with pytest.raises(TooManySessions):
        system.call("create_session", task_description="One more")

    assert system.call("list_active_sessions").total_sessions == 3


def test_what_names_nothing_or_the_wrong_thing_is_told_so(system: RaySystem) -> None:
    with pytest.raises(NoActiveSession):
        system.call("end_session")
    session_id = create(system, "Fix typo in README")
    with pytest.raises(UnknownRole):
        system.call("add_agent_to_session", session_id=session_id, agent_role="wizard")
    with pytest.raises(SessionNotFound):
        system.call("delegate_task", session_id="session_19990101_000000_00000")
    with pytest.raises(TaskNotFound):
        system.call("get_task", task_id="task_19990101_000000_00000")
    other = create(system, "Fix typo in the manual")
    with pytest.raises(SessionAmbiguous):
        system.call("end_session")
    system.call("end_session", session_id=other)
    with pytest.raises(SessionEnded):
        system.call("delegate_task", session_id=other)


def test_a_team_never_grows_beyond_what_the_highest_level_allows(system: RaySystem) -> None:
    limit = {"max_agents": 1, "max_memory_gb": 60}
    system.restart_manager(complexity_limits=dict.fromkeys(("low", "medium", "high", "very_high"), limit))
    try:
        session_id = create(system, "Fix typo in README")

        with pytest.raises(AgentLimitReached):
            system.call("add_agent_to_session", session_id=session_id, agent_role="ceo")

        assert system.agents() == {"senior_developer"}
    finally:
        system.restart_manager()


def test_a_session_whose_model_cannot_be_loaded_fails_whole(system: RaySystem) -> None:
    system.fault(action="oom_load", match={"model": DEVELOPER})

    with pytest.raises(Exception, match="could not be loaded"):
        system.call("create_session", task_description="Fix typo in README")

    assert system.call("list_active_sessions").total_sessions == 0
    assert (system.agents(), system.loaded(), system.reservations()) == (set(), set(), set())
    assert system.call("session_history").sessions[0].status is SessionStatus.FAILED

    system.clear_faults()
    create(system, "Fix typo in README")


# ── cancelling ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_cancelling_a_task_stops_the_speech_at_the_model(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")
    system.fault(action="hang", match={"path": "/api/chat", "phase": "stream"})
    task = system.call("delegate_task", session_id=session_id)
    until(lambda: speaking(system))

    cancelled = system.call("cancel_task", task_id=task.task_id)

    assert cancelled.status is TaskStatus.CANCELLED
    until(lambda: not speaking(system))
    with pytest.raises(TaskFinished):
        system.call("cancel_task", task_id=task.task_id)
    system.clear_faults()
    again = system.finished(system.call("delegate_task", session_id=session_id).task_id)
    assert again.status is TaskStatus.COMPLETED


def speaking(system: RaySystem) -> bool:
    """Return whether any model has a reply under way, by the simulator's own state."""
    return any(model["refs"] for model in system.ask_ollama("/_sim/state")["models"])


def test_ending_a_session_ends_its_running_task(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")
    system.fault(action="hang", match={"path": "/api/chat", "phase": "stream"})
    task = system.call("delegate_task", session_id=session_id)
    until(lambda: speaking(system))

    system.call("end_session", session_id=session_id)

    assert system.call("get_task", task_id=task.task_id).status is TaskStatus.CANCELLED
    assert (system.agents(), system.loaded()) == (set(), set())


# ── what is killed comes back ─────────────────────────────────────────────────────────────────────────────────────


def test_a_killed_agent_is_restarted_and_its_open_turn_taken_again(system: RaySystem) -> None:
    session_id = create(system)
    system.fault(action="hang", match={"path": "/api/chat", "phase": "stream"}, times=1)
    task = system.call("delegate_task", session_id=session_id)
    until(lambda: speaking(system))

    killed = system.kill_process(agent_name("product_manager"))
    done = system.finished(task.task_id)

    assert done.status is TaskStatus.COMPLETED
    assert [r.role for r in done.replies] == [*TEAM, "product_manager"]
    assert done.replies[0].attempts > 1
    kinds = [e.kind for e in system.events(session_id)]
    assert kinds.count(EventKind.TURN_COMPLETED) == 5
    assert EventKind.AGENT_RESTARTED in kinds
    agent = next(a for a in system.call("list_active_agents").agents if a.role == "product_manager")
    assert agent.pid != killed
    assert agent.restarts == 1


def test_an_agent_that_is_killed_while_nobody_speaks_is_told_each_time(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")

    def kinds() -> list[EventKind]:
        return [event.kind for event in system.events(session_id)]

    system.kill_process(agent_name("senior_developer"))
    until(lambda: kinds().count(EventKind.AGENT_RESTARTED) == 1)
    system.kill_process(agent_name("senior_developer"))
    until(lambda: kinds().count(EventKind.AGENT_RESTARTED) == 2)

    assert EventKind.TURN_RETRIED not in kinds()


def test_an_agent_restarted_by_hand_has_another_process_and_takes_its_open_turn_again(system: RaySystem) -> None:
    session_id = create(system)
    (before,) = [a for a in system.call("list_active_agents").agents if a.role == "product_manager"]
    system.fault(action="hang", match={"path": "/api/chat", "phase": "stream"}, times=1)
    task = system.call("delegate_task", session_id=session_id)
    until(lambda: speaking(system))
    (at_work,) = [a for a in system.call("list_active_agents").agents if a.role == "product_manager"]

    request = RestartAgentRequest(agent_role="product_manager", reason="it hangs")
    restarted = ray.get(system.manager().control.remote("restart_agent", request, "cli: anna"), timeout=60)
    done = system.finished(task.task_id)

    assert (at_work.speaking_for, at_work.turns_done, at_work.tokens_per_second) == (session_id, 0, None)
    assert (restarted.sessions, restarted.restarts) == ([session_id], 1)
    assert restarted.pid not in (None, before.pid)
    assert is_gone(before.pid)
    assert done.status is TaskStatus.COMPLETED
    assert done.replies[0].attempts > 1
    found = system.call("list_events", role="product_manager", limit=1000, kinds=("agent_restarted", "control_used"))
    told = [e for e in found.events if e.by == "cli: anna"]
    assert [(e.kind, e.data["reason"]) for e in told] == [
        (EventKind.AGENT_RESTARTED, "it hangs"),
        (EventKind.CONTROL_USED, "it hangs"),
    ]
    assert EventKind.AGENT_RESTARTED not in {e.kind for e in system.events(session_id)}, "told once, by whom it was"
    (after,) = [a for a in system.call("list_active_agents").agents if a.role == "product_manager"]
    assert (after.pid, after.restarts, after.spawned_at) == (restarted.pid, 1, before.spawned_at)
    assert (after.sessions_served, after.turns_done, after.speaking_for) == (1, 2, None)
    assert after.tokens_per_second > 0


def test_only_a_running_agent_can_be_restarted(system: RaySystem) -> None:
    create(system, "Fix typo in README")

    with pytest.raises(AgentNotRunning, match="no agent of ceo is running") as caught:
        system.call("restart_agent", agent_role="ceo")
    with pytest.raises(UnknownRole):
        system.call("restart_agent", agent_role="baker")

    assert caught.value.advice == "Running are: senior_developer."


def test_what_agents_have_done_and_what_waits_is_known_to_a_new_life_of_the_manager(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")
    task = system.call("delegate_task", session_id=session_id)
    system.finished(task.task_id)
    (before,) = system.call("list_active_agents").agents

    system.kill_manager()
    until(lambda: answers(system))

    (after,) = until(lambda: system.call("list_active_agents").agents)
    assert (after.turns_done, after.sessions_served) == (before.turns_done, 1) == (1, 1)
    assert after.tokens_per_second == pytest.approx(before.tokens_per_second, rel=0.01)


def test_the_queue_shows_who_waits_and_when_their_turn_may_come(system: RaySystem) -> None:
    first, second = create(system, "Fix typo in README"), create(system, "Fix typo in the docs")
    system.fault(action="hang", match={"path": "/api/chat", "phase": "stream"}, times=1)
    system.call("delegate_task", session_id=first)
    until(lambda: speaking(system))
    task = system.call("delegate_task", session_id=second)

    (waiting,) = until(lambda: system.call("resource_summary").queue)

    assert (waiting.session_id, waiting.task_id, waiting.role) == (second, task.task_id, "senior_developer")
    assert (waiting.model, waiting.endpoint, waiting.position) == (DEVELOPER, FIRST_ID, 1)
    assert waiting.waited_seconds >= 0
    assert waiting.eta_seconds is not None


def test_a_sweep_tells_when_it_compared(system: RaySystem) -> None:
    create(system, "Fix typo in README")
    system.call("cleanup_orphaned_agents")

    drift = system.call("resource_summary").drift

    assert drift.failed == []
    assert drift.compared_at is not None
    assert 0 <= drift.age_seconds < DEADLINE_S


def test_a_killed_session_manager_knows_its_sessions_and_goes_on_with_their_tasks(system: RaySystem) -> None:
    session_id = create(system)
    system.fault(action="hang", match={"path": "/api/chat", "phase": "stream", "nth": 2}, times=1)
    task = system.call("delegate_task", session_id=session_id)
    until(lambda: system.call("get_task", task_id=task.task_id).turns_done == 1)
    until(lambda: speaking(system))
    first_answer = system.call("get_task", task_id=task.task_id).replies[0]

    system.kill_manager()
    system.clear_faults()
    until(lambda: answers(system))
    done = system.finished(task.task_id)

    assert done.status is TaskStatus.COMPLETED
    assert [r.role for r in done.replies] == [*TEAM, "product_manager"]
    assert done.replies[0] == first_answer, "what was answered is not asked again"
    assert system.call("get_session", session_id=session_id).status is SessionStatus.ACTIVE
    ended = system.call("end_session", session_id=session_id)
    assert ended.agents_terminated == TEAM
    assert (system.agents(), system.loaded(), system.reservations()) == (set(), set(), set())


def answers(system: RaySystem) -> bool:
    try:
        system.call("list_active_sessions")
    except ray.exceptions.RayActorError:
        return False
    return True


def test_a_killed_model_host_takes_its_models_back(system: RaySystem) -> None:
    session_id = create(system)
    system.call("pin_model", model=PRODUCT)  # so that it is there however long the new host takes to come
    before = loads_of(system, PRODUCT)

    system.kill_host()
    done = system.finished(system.call("delegate_task", session_id=session_id).task_id)

    assert done.status is TaskStatus.COMPLETED
    assert done.replies[0].load_seconds == 0, "the first speaker's model was still there"
    assert loads_of(system, PRODUCT) == before, "and still ours"
    system.call("unpin_model", model=PRODUCT)
    system.call("end_session", session_id=session_id)
    assert (system.agents(), system.loaded(), system.reservations()) == (set(), set(), set())


def loads_of(system: RaySystem, model: str) -> list[Event]:
    """Return the real loads of a model: one that is found in memory and taken over is told, but is none."""
    loaded = [EventKind.MODEL_LOADED]
    events = system.call("list_events", kinds=loaded, model=model, latest=True, limit=1000).events
    return [event for event in events if not event.data["was_there"]]


def test_a_broken_reply_is_asked_for_again(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")
    system.fault(action="no_done", match={"path": "/api/chat"}, times=1)

    done = system.finished(system.call("delegate_task", session_id=session_id).task_id)

    assert done.status is TaskStatus.COMPLETED
    assert done.replies[0].attempts == 2
    assert EventKind.TURN_RETRIED in [e.kind for e in system.events(session_id)]


# ── what nobody owns goes ─────────────────────────────────────────────────────────────────────────────────────────


def test_orphaned_agents_and_models_are_found_and_removed(system: RaySystem) -> None:
    role = load_catalogue("echo").role("ceo")
    system.restart_manager(auto_cleanup_agents=False)
    try:
        orphan: Any = ray.remote(Agent).options(
            name=agent_name("ceo"), namespace=NAMESPACE, lifetime="detached", num_cpus=0
        ).remote(role, system.settings)  # fmt: skip
        pid = ray.get(orphan.ping.remote()).pid

        report = system.call("cleanup_orphaned_agents")

        assert report.agents_removed == ["ceo"]
        until(lambda: is_gone(pid))
        assert "ceo" not in system.agents()
    finally:
        system.restart_manager()
    removed = [e for e in system.call("list_events", limit=1000).events if e.kind is EventKind.ORPHAN_REMOVED]
    assert [(e.role, e.data["what"]) for e in removed][-1] == ("ceo", "agent")


def test_a_session_without_a_call_for_too_long_is_ended_and_said_so(system: RaySystem) -> None:
    session_id = create(system, "Fix typo in README")

    system.restart_manager(session_timeout_minutes=0.01)
    try:
        until(lambda: system.call("get_session", session_id=session_id).status is SessionStatus.COMPLETED)
        assert EventKind.SESSION_TIMED_OUT in [e.kind for e in system.events(session_id)]
        until(lambda: not system.agents() and not system.loaded())
    finally:
        system.restart_manager()


def test_an_alert_outlives_the_manager_and_is_cleared_when_its_rule_is_kept(system: RaySystem) -> None:
    at_once = {"raise_after_s": 0, "clear_after_s": 0, "every_s": 0.2}
    system.restart_manager(alerts={**at_once, "disk_free_gb": 1e9})
    try:
        (alert,) = until(lambda: system.call("list_alerts").raised)
        assert (alert.rule, alert.subject) == ("disk", str(system.settings.home_dir))
        assert system.call("resource_summary").alerts == 1

        system.kill_manager()
        until(lambda: answers(system))

        assert [known.raised_at for known in system.call("list_alerts").raised] == [alert.raised_at]

        system.restart_manager(alerts=at_once)

        until(lambda: not system.call("list_alerts").raised)
        assert system.call("list_alerts").past[0].raised_at == alert.raised_at
    finally:
        system.restart_manager()


def test_statistics_count_what_happened(system: RaySystem) -> None:
    before = system.call("statistics")
    session_id = create(system, "Fix typo in README")
    system.finished(system.call("delegate_task", session_id=session_id).task_id)
    system.call("end_session", session_id=session_id)

    after = system.call("statistics")

    assert after.total_sessions == before.total_sessions + 1
    assert after.total_agents_spawned == before.total_agents_spawned + 1
    assert after.tasks_delegated == before.tasks_delegated + 1
    assert after.category_breakdown["quick_fix"] == before.category_breakdown.get("quick_fix", 0) + 1
    assert after.gb_seconds > before.gb_seconds


# ── learning from use ─────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_learned_survives_the_death_of_the_manager(system: RaySystem) -> None:
    text = "Rotate the signing keys of the payment gateway"
    session_id = create(system, text)
    before = system.call("give_feedback", session_id=session_id, rating=3).lessons  # other tests leave lessons too
    for _ in range(2):
        system.call("add_agent_to_session", session_id=session_id, agent_role="chro")
        system.call("remove_agent_from_session", session_id=session_id, agent_role="chro")
    shown = system.call("give_feedback", session_id=session_id, right_type="hr", rating=1)
    assert shown.lessons == before + 5

    learned = system.call("retrain_analysis", apply=True)
    note = f"Read with what use has taught (version {learned.applied_version})."
    assert learned.applied, learned.refused
    assert note in system.call("analyze_task", task_description=text).notes

    system.kill_manager()
    until(lambda: answers(system))
    assert note in system.call("analyze_task", task_description=text).notes

    assert system.call("reset_analysis").version is None
    assert note not in system.call("analyze_task", task_description=text).notes


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────────────────────


def scraped() -> tuple[dict[str, MetricFamily], str]:
    """Return what Prometheus is given of ours: `({name of a sample: its family}, the text)`."""
    url = metrics_url()
    assert url is not None
    assert url.startswith("http://127.0.0.1:")
    with urlopen(url, timeout=10) as reply:
        lines = reply.read().decode().splitlines()
    text = "\n".join(line for line in lines if "ray_delegator_" in line)
    return {sample.name: family for family in text_string_to_metric_families(text) for sample in family.samples}, text


def shown(metric: Metric) -> dict[tuple[str, ...], float]:
    """Return the values of a metric by its labels; a manager's former lives are added up."""
    (name,) = exposed_names(metric)
    values: dict[tuple[str, ...], float] = {}
    found, _ = scraped()
    for sample in found[name].samples if name in found else ():
        labels = tuple(sample.labels[label] for label in metric.labels)
        values[labels] = values.get(labels, 0.0) + sample.value
    return values


def exported(look: Callable[[], Any]) -> Any:
    """Look until Ray has handed it on: every 10 s, more seldom on a busy machine; return what was seen then."""
    return until(look, deadline_s=2 * DEADLINE_S)


def test_prometheus_is_given_what_happened_and_what_the_dashboard_asks_for(system: RaySystem) -> None:
    session_id = create(system)
    tokens = sum(shown(TOKENS).values())
    task = system.finished(system.call("delegate_task", session_id=session_id).task_id)
    written = sum(reply.prompt_tokens + reply.reply_tokens for reply in task.replies)
    wanted = {name for metric in METRICS.values() for name in exposed_names(metric)}

    exported(lambda: sum(shown(TOKENS).values()) >= tokens + written)
    # One look has all of it: beside a manager that has just died, the next may have less for a while.
    families, text = exported(lambda: (seen := scraped()) and wanted <= seen[0].keys() and seen)

    for metric in METRICS.values():
        family = families[exposed_names(metric)[0]]
        assert (family.type, family.documentation) == (metric.kind.value, metric.help)
        assert all(set(metric.labels) <= sample.labels.keys() for sample in family.samples)
    for expression in expressions():
        for name, labels in used_in(expression).items():
            assert labels <= families[name].samples[0].labels.keys(), expression
    assert session_id not in text
    assert FEATURE not in text


def test_prometheus_is_shown_the_memory_that_ollama_shows_until_it_is_given_back(system: RaySystem) -> None:
    other = {"model": "mistral:7b", "keep_alive": -1}  # of another client: stays however little it is used
    session_id = create(system)
    system.ask_ollama("/api/generate", other)
    try:
        exported(lambda: (FIRST_ID, other["model"]) in shown(MODEL_RESIDENT))
        exported(lambda: shown(MODEL_RESIDENT) == {(FIRST_ID, m["name"]): m["size"] for m in in_memory(system)})
        exported(lambda: shown(AGENT_LEASES) == dict.fromkeys([(role,) for role in TEAM], 1))
    finally:
        system.ask_ollama("/api/generate", {**other, "keep_alive": 0})
    system.call("end_session", session_id=session_id)

    exported(lambda: not any(shown(MODEL_RESIDENT).values()))
    exported(lambda: not any(shown(AGENTS_RUNNING).values()) and not any(shown(SESSIONS_OPEN).values()))


def in_memory(system: RaySystem) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = system.ask_ollama("/api/ps")["models"]
    return found
