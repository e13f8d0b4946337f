"""Plans, what becomes of them when they are applied, and every rung of the ladder, on a manager around stand-ins.

The machine of most tests has 24 GB: enough for each model of the echo catalogue alone, not for teams of several.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from delegator.errors import InvalidInput, MemoryExceeded, ModelMissing, PlanChanged, PlanExpired, PlanNotFound
from delegator.residency.planner import Resident
from delegator.schemas import (
    AddAgentRequest,
    CreateSessionReply,
    CreateSessionRequest,
    EventKind,
    PlanSessionReply,
    PlanSessionRequest,
    Rung,
)
from delegator.settings import GB
from tests.actors.manager_on_fakes import ManagerOnFakes

FIX = "Fix typo in README"
"""Needs the senior developer alone: deepseek-coder:6.7b, 8.6 GB."""

ARCHITECTURE = "Design the event-driven architecture for billing"
"""Needs cto and architect (deepseek-coder:33b, 21.4 GB) and developer (8.6 GB)."""

HELD = frozenset({"session_other"})


@pytest.fixture
async def manager() -> ManagerOnFakes:
    manager = ManagerOnFakes()
    manager.host.capacity_bytes = 24 * GB
    return manager


async def planned(manager: ManagerOnFakes, task: str = FIX, **fields: Any) -> PlanSessionReply:
    return await manager.plan_session(PlanSessionRequest.model_validate({"task_description": task, **fields}))


async def created(manager: ManagerOnFakes, task: str | None = None, **fields: Any) -> CreateSessionReply:
    request = {"task_description": task, "wait_s": 5, **fields}
    return await manager.create_session(CreateSessionRequest.model_validate(request))


def rungs_of(reply: CreateSessionReply | PlanSessionReply) -> list[Rung]:
    return [step.rung for step in reply.degradations]


# ── what a plan tells ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_plan_tells_what_happens_in_gb_seconds_and_money(manager: ManagerOnFakes) -> None:
    plan = await planned(manager)

    (model,) = plan.models
    assert (model.model, model.action, model.endpoint) == ("deepseek-coder:6.7b", "load", "fake")
    assert (plan.possible, plan.needed_gb, plan.peak_gb) == (True, 8.6, 8.6)
    assert plan.seconds_to_ready == model.load_seconds == pytest.approx(4.8)
    assert plan.task_seconds == pytest.approx(4.8 + 18)
    assert plan.gb_seconds == pytest.approx(8.6 * (4.8 + 18))
    assert plan.money is not None
    assert plan.money.total == pytest.approx(plan.money.memory + plan.money.gpu + plan.money.electricity)
    assert plan.money.total > 0
    assert plan.degradations == []


async def test_a_plan_is_kept_before_it_is_told_and_starts_nothing(manager: ManagerOnFakes) -> None:
    plan = await planned(manager)

    (record,) = [args[0] for args in manager.store.args_of("put_plan")]
    assert (plan.plan_id, plan.expires_at) == (record.plan_id, record.expires_at)
    assert record.expires_at - record.created_at == timedelta(seconds=600)
    assert (manager.open_sessions, manager.pool.leased) == (0, set())
    assert not manager.gates.reached["warm"].is_set()


async def test_a_plan_that_cannot_be_had_says_so_with_what_would_fit_and_is_not_kept(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB

    plan = await planned(manager, ARCHITECTURE, degradation=["wait", "refuse"])

    assert (plan.possible, plan.plan_id) == (False, None)
    assert any("deepseek-coder:33b needs 21.4 GB and 15.0 GB are there" in note for note in plan.notes)
    assert any("cto with codellama:13b" in note for note in plan.notes)
    assert manager.store.plans == {}


# ── plan, then apply ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_plan_is_applied_exactly_and_the_task_is_taken_from_it(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB
    plan = await planned(manager, ARCHITECTURE, context={"team": "payments"})

    reply = await created(manager, plan_id=plan.plan_id)

    assert reply.models == {role: model.model for model in plan.models for role in model.roles}
    assert (reply.plan_id, reply.changed) == (plan.plan_id, [])
    assert [d.model_dump() for d in reply.degradations] == [d.model_dump() for d in plan.degradations]
    assert Rung.SMALLER in rungs_of(reply)
    (session,) = manager._book.sessions()
    assert (session.record.task_description, session.record.context) == (ARCHITECTURE, {"team": "payments"})
    assert session.endpoints == dict.fromkeys(session.team, "fake")


async def test_a_plan_may_be_applied_by_its_own_task_and_more_than_once(manager: ManagerOnFakes) -> None:
    plan = await planned(manager)

    first = await created(manager, FIX, plan_id=plan.plan_id)
    second = await created(manager, plan_id=plan.plan_id)

    assert first.session_id != second.session_id


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("task_description", "Something else"),
        ("context", {"priority": "high"}),
        ("task_category", "hr"),
        ("degradation", ["wait"]),
    ],
)
async def test_another_task_than_the_plans_is_refused(manager: ManagerOnFakes, field: str, value: Any) -> None:
    plan = await planned(manager)

    with pytest.raises(InvalidInput) as refused:
        await created(manager, plan_id=plan.plan_id, **{"task_description": FIX, field: value})

    assert refused.value.field == field
    assert manager.open_sessions == 0


async def test_an_unknown_plan_and_an_expired_one_are_told_apart(manager: ManagerOnFakes) -> None:
    plan = await planned(manager)
    assert plan.plan_id is not None
    record = manager.store.plans[plan.plan_id]
    manager.store.plans[plan.plan_id] = replace(record, expires_at=record.created_at)

    with pytest.raises(PlanExpired):
        await created(manager, plan_id=plan.plan_id)
    with pytest.raises(PlanNotFound):
        await created(manager, plan_id="plan_of_nobody")
    assert manager.open_sessions == 0


async def test_what_harms_no_promise_is_told_and_the_plan_is_applied(manager: ManagerOnFakes) -> None:
    plan = await planned(manager)
    manager.host.residents = (Resident("deepseek-coder:6.7b", round(8.6 * GB)),)

    reply = await created(manager, plan_id=plan.plan_id)

    assert reply.changed == ["deepseek-coder:6.7b is in memory already and need not be loaded."]


# ── plan, then the world changes ──────────────────────────────────────────────────────────────────────────────────


def another_model_came(manager: ManagerOnFakes) -> None:
    manager.host.residents = (Resident("qwen2.5:14b", 20 * GB, HELD),)


def a_turn_runs_on_it(manager: ManagerOnFakes) -> None:
    manager.host.residents = (Resident("qwen2.5:14b", 20 * GB, HELD, busy=True),)


def its_model_is_gone(manager: ManagerOnFakes) -> None:
    manager.host.missing.add("deepseek-coder:6.7b")


def it_measures_larger(manager: ManagerOnFakes) -> None:
    manager._parts.recorder.sizes["deepseek-coder:6.7b"] = 9 * GB


CHANGES = [
    (another_model_came, "qwen2.5:14b would have to leave memory too."),
    (a_turn_runs_on_it, "It would have to wait for memory that qwen2.5:14b takes now."),
    (it_measures_larger, "deepseek-coder:6.7b takes 9.0 GB and not 8.6 GB."),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
async def test_a_plan_that_cannot_be_kept_says_what_changed_and_offers_another(
    manager: ManagerOnFakes, change: Any, reason: str
) -> None:
    plan = await planned(manager)
    change(manager)

    with pytest.raises(PlanChanged) as changed:
        await created(manager, plan_id=plan.plan_id)

    assert changed.value.plan_id == plan.plan_id
    assert reason in changed.value.differences
    assert manager.open_sessions == 0
    fresh = await created(manager, plan_id=changed.value.new_plan_id)
    assert (fresh.plan_id, fresh.changed) == (changed.value.new_plan_id, [])


@pytest.mark.parametrize(("change", "reason"), CHANGES)
async def test_changes_that_are_accepted_are_told_in_the_reply(
    manager: ManagerOnFakes, change: Any, reason: str
) -> None:
    plan = await planned(manager)
    change(manager)

    reply = await created(manager, plan_id=plan.plan_id, accept_changes=True)

    assert reason in reply.changed
    assert reply.plan_id == plan.plan_id
    assert manager.open_sessions == 1


async def test_a_team_that_would_have_to_take_turns_by_now_is_not_what_was_planned(manager: ManagerOnFakes) -> None:
    plan = await planned(manager, "Hire two backend engineers")
    assert plan.needed_gb == pytest.approx(17.6)
    assert plan.degradations == []
    manager.host.capacity_bytes = 15 * GB

    with pytest.raises(PlanChanged) as changed:
        await created(manager, plan_id=plan.plan_id)

    assert changed.value.differences == ("The team's models would have to take turns.",)


async def test_a_plan_whose_model_is_gone_names_it_and_another_role_model_is_told(manager: ManagerOnFakes) -> None:
    plan = await planned(manager, "Design a new checkout screen")
    assert plan.analysis.models["uiux_engineer"] == "llama3.2-vision:11b"
    manager.host.missing.add("llama3.2-vision:11b")

    with pytest.raises(PlanChanged) as changed:
        await created(manager, plan_id=plan.plan_id)
    reply = await created(manager, plan_id=plan.plan_id, accept_changes=True)

    assert changed.value.differences == ("llama3.2-vision:11b is not on fake any more.",)
    assert reply.changed == [
        "llama3.2-vision:11b is not on fake any more.",
        "uiux_engineer speaks with qwen3-vl:8b and not with llama3.2-vision:11b.",
    ]


async def test_a_plan_for_which_nothing_is_left_ends_in_the_reason(manager: ManagerOnFakes) -> None:
    plan = await planned(manager)
    its_model_is_gone(manager)

    with pytest.raises(ModelMissing):
        await created(manager, plan_id=plan.plan_id)


# ── the rungs ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_wait_a_team_too_large_together_takes_turns_with_its_own_models(manager: ManagerOnFakes) -> None:
    reply = await created(manager, ARCHITECTURE)

    (step,) = reply.degradations
    assert (step.rung, step.role, step.models) == (Rung.WAIT, None, ["deepseek-coder:33b", "deepseek-coder:6.7b"])
    assert step.eta_s is not None
    assert step.eta_s > 0
    assert set(reply.models.values()) == {"deepseek-coder:33b", "deepseek-coder:6.7b"}


async def test_wait_for_a_turn_that_runs_is_told_with_its_end(manager: ManagerOnFakes) -> None:
    manager.host.residents = (Resident("qwen2.5:14b", 20 * GB, busy=True),)

    reply = await created(manager, FIX, degradation=["wait"])

    (step,) = reply.degradations
    assert (step.rung, step.role, step.models, step.eta_s) == (Rung.WAIT, "senior_developer", ["qwen2.5:14b"], 18)


async def test_evict_idle_idle_models_of_others_leave_where_that_is_allowed(manager: ManagerOnFakes) -> None:
    manager.host.residents = (Resident("qwen2.5:14b", 20 * GB, HELD),)

    with pytest.raises(MemoryExceeded) as refused:
        await created(manager, FIX, degradation=["wait", "refuse"])
    reply = await created(manager, FIX)

    assert refused.value.would_fit == ("With evict_idle allowed it fits.",)
    assert [(step.rung, step.models) for step in reply.degradations] == [(Rung.EVICT_IDLE, ["qwen2.5:14b"])]


async def test_smaller_only_what_fits_nowhere_is_replaced_by_default(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB

    reply = await created(manager, ARCHITECTURE)

    assert reply.models == {
        "cto": "codellama:13b",
        "senior_architect": "codellama:13b",
        "senior_developer": "deepseek-coder:6.7b",
    }
    assert [(s.role, s.asked, s.given, s.saves_gb) for s in reply.degradations if s.rung is Rung.SMALLER] == [
        ("cto", "deepseek-coder:33b", "codellama:13b", pytest.approx(6.8)),
        ("senior_architect", "deepseek-coder:33b", "codellama:13b", 0.0),
    ]
    assert rungs_of(reply) == [Rung.WAIT, Rung.SMALLER, Rung.SMALLER]


async def test_smaller_an_alternative_that_is_not_installed_is_passed_over(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB
    manager.host.missing.add("codellama:13b")

    reply = await created(manager, ARCHITECTURE)

    assert set(reply.models.values()) == {"deepseek-coder:6.7b"}


async def test_smaller_before_wait_makes_the_team_fit_at_once(manager: ManagerOnFakes) -> None:
    reply = await created(manager, ARCHITECTURE, degradation="smaller,wait")

    assert rungs_of(reply) == [Rung.SMALLER, Rung.SMALLER]
    assert reply.models["cto"] == "codellama:13b"


async def test_merge_roles_speak_with_a_model_of_the_team(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB

    reply = await created(manager, ARCHITECTURE, degradation=["merge"])

    assert set(reply.models.values()) == {"deepseek-coder:6.7b"}
    assert rungs_of(reply) == [Rung.MERGE, Rung.MERGE]
    assert "cto shares deepseek-coder:6.7b" in reply.degradations[0].why


async def test_merge_a_role_speaks_with_what_is_in_memory(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 13 * GB
    manager.host.residents = (Resident("mistral:7b", 6 * GB, HELD),)

    reply = await created(manager, FIX, degradation=["merge"])

    assert reply.models == {"senior_developer": "mistral:7b"}


async def test_refuse_says_what_is_too_large_and_starts_nothing(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB

    with pytest.raises(MemoryExceeded) as refused:
        await created(manager, ARCHITECTURE, degradation=["refuse"])

    error = refused.value
    assert (error.model, error.needed_gb, error.capacity_gb) == ("deepseek-coder:33b", 21.4, 15)
    assert "cto with codellama:13b (14.6 GB) instead of deepseek-coder:33b." in error.would_fit
    assert (manager.open_sessions, manager.pool.leased) == (0, set())


async def test_degradations_are_in_the_event_log_and_other_models_in_the_sessions_notes(
    manager: ManagerOnFakes,
) -> None:
    manager.host.capacity_bytes = 15 * GB

    reply = await created(manager, ARCHITECTURE)

    ((record, _, events),) = manager.store.args_of("create_session")
    (told,) = [event for event in events if event.kind is EventKind.TEAM_DEGRADED]
    assert told.data["steps"] == [step.model_dump(mode="json") for step in reply.degradations]
    assert any("cto speaks with the smaller codellama:13b" in note for note in record.notes)
    assert sum("cto speaks with" in note for note in reply.notes) == 1


async def test_a_team_that_fits_is_told_nothing(manager: ManagerOnFakes) -> None:
    reply = await created(manager, FIX)

    ((_, _, events),) = manager.store.args_of("create_session")
    assert (reply.degradations, reply.changed, reply.plan_id) == ([], [], None)
    assert all(event.kind is not EventKind.TEAM_DEGRADED for event in events)


# ── a role that joins ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_role_that_joins_is_given_a_smaller_model_where_its_own_fits_nowhere(manager: ManagerOnFakes) -> None:
    manager.host.capacity_bytes = 15 * GB
    session = await created(manager, FIX)

    reply = await manager.add_agent_to_session(AddAgentRequest(session_id=session.session_id, agent_role="cto"))

    assert reply.model == "codellama:13b"
    assert [(step.rung, step.role, step.given) for step in reply.degradations] == [
        (Rung.SMALLER, "cto", "codellama:13b")
    ]
    ((_, events),) = manager.store.args_of("add_agent")
    assert EventKind.TEAM_DEGRADED in {event.kind for event in events}
    (open_session,) = manager._book.sessions()
    assert open_session.models["senior_developer"] == "deepseek-coder:6.7b"


async def test_a_role_that_fits_nowhere_does_not_join(manager: ManagerOnFakes) -> None:
    session = await created(manager, FIX)
    manager.host.capacity_bytes = 3 * GB

    with pytest.raises(MemoryExceeded):
        await manager.add_agent_to_session(AddAgentRequest(session_id=session.session_id, agent_role="cto"))

    assert manager.pool.leased == {"senior_developer"}


# ── several endpoints ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
async def two() -> ManagerOnFakes:
    manager = ManagerOnFakes("one", "two")
    manager.fake_hosts["one"].capacity_bytes = 12 * GB
    manager.fake_hosts["two"].capacity_bytes = 8 * GB
    return manager


HR = "Hire two backend engineers"
"""Needs ceo (qwen2.5:14b, 11.1 GB) and chro (llama3.1:8b, 6.5 GB)."""


async def test_a_team_that_no_endpoint_holds_alone_is_spread_and_takes_no_turns(two: ManagerOnFakes) -> None:
    reply = await created(two, HR, degradation=["refuse"])

    assert reply.degradations == []
    (session,) = two._book.sessions()
    assert session.endpoints == {"ceo": "one", "chro": "two"}


async def test_a_plan_is_applied_on_the_endpoints_it_was_made_for(two: ManagerOnFakes) -> None:
    plan = await planned(two, HR)
    two.fake_hosts["two"].capacity_bytes = 40 * GB  # where a new choice would put everything

    await created(two, plan_id=plan.plan_id)

    assert {m.roles[0]: m.endpoint for m in plan.models} == {"ceo": "one", "chro": "two"}
    (session,) = two._book.sessions()
    assert session.endpoints == {"ceo": "one", "chro": "two"}


async def test_a_plan_whose_endpoint_is_doubted_by_now_says_so(two: ManagerOnFakes) -> None:
    plan = await planned(two, HR)
    two.fake_hosts["two"].suspect = "loading took longer than 60 s"

    with pytest.raises(PlanChanged) as changed:
        await created(two, plan_id=plan.plan_id)

    assert changed.value.differences == ("two is not used now: loading took longer than 60 s.",)


async def test_a_smaller_model_is_looked_for_on_every_endpoint(two: ManagerOnFakes) -> None:
    two.fake_hosts["one"].missing = {"llama3.1:8b"}
    two.fake_hosts["one"].capacity_bytes = 10 * GB

    reply = await created(two, HR)

    assert reply.models["ceo"] == "llama3.1:8b"
    (session,) = two._book.sessions()
    assert session.endpoints == {"ceo": "two", "chro": "two"}
