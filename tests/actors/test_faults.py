"""Faults of an Ollama, each under a whole team's task: the real parts over simulated hosts (`team_on_simulators.py`).

Whatever strikes, and whenever: no message is lost or doubled, no reservation leaks, no model stays that nobody owns,
and the receipt is what the log bears out. What a fault does to a single part is tested beside that part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest

from actors import agent, endpoint_memory
from delegator.errors import (
    DelegatorError,
    HostSuspect,
    ModelLoadFailed,
    OllamaBusy,
    OllamaUnavailable,
    ReplyBroken,
    Unavailable,
)
from delegator.ollama.client import LoadOptions, OllamaClient
from delegator.ollama.simulator.faults import FaultRule
from delegator.schemas import EventKind, NoInput, SessionHistoryRequest, SessionStatus, TaskStatus
from delegator.sessions.verification import differences
from tests.actors.conftest import until
from tests.actors.team_on_simulators import Endpoint, TeamOnSimulators, Worked, gb

pytestmark = pytest.mark.timeout(120)

FEATURE = "Add user authentication feature"
SPEAKERS = ["product_manager", "senior_architect", "senior_developer", "test_lead", "product_manager"]
PRODUCT, ARCHITECT, DEVELOPER, TESTER = "llama3.1:8b", "deepseek-coder:33b", "deepseek-coder:6.7b", "codellama:13b"
OTHERS = "mistral:7b"
"""A model that no role of this team has."""

CHAT, GENERATE = "/api/chat", "/api/generate"

OpenTeam = Callable[..., Awaitable[TeamOnSimulators]]


@pytest.fixture(autouse=True)
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notice within seconds what would be noticed within tens of them."""
    monkeypatch.setattr(endpoint_memory, "LEAST_LOAD_DEADLINE_S", 2.0)
    monkeypatch.setattr(agent, "LEAST_TOKEN_DEADLINE_S", 2.0)
    monkeypatch.setattr("actors.turn_attempts.RETRY_PAUSE_S", 0.1)


@pytest.fixture
async def open_team(database_url: str) -> AsyncIterator[OpenTeam]:
    """Give a function that opens the system; its arguments are the capacities of the endpoints in GB, by name."""
    team = TeamOnSimulators()

    async def opened(capacities: dict[str, float] | None = None, **changed: Any) -> TeamOnSimulators:
        sizes = {name: gb(size) for name, size in (capacities or {"only": 60}).items()}
        await team.open(database_url, sizes, **changed)
        return team

    yield opened
    await team.close()


def is_whole(worked: Worked) -> None:
    """Check that a completed task has every message once, in order, and its answer."""
    assert worked.view.status is TaskStatus.COMPLETED, worked.view.error
    assert [m.from_role for m in worked.messages] == SPEAKERS
    keeps_its_messages(worked)
    assert worked.view.answer == worked.messages[-1].text


def keeps_its_messages(worked: Worked) -> None:
    """Check that what was said stands in the store once, in order, as callers see it and as the log tells."""
    assert [m.turn for m in worked.messages] == list(range(len(worked.messages)))
    assert [m.text for m in worked.messages] == [reply.text for reply in worked.view.replies]
    assert all(m.text for m in worked.messages)
    task_id = worked.view.task_id
    told = [e for e in worked.events if e.kind is EventKind.TURN_COMPLETED and e.data["task_id"] == task_id]
    assert [e.data["turn"] for e in told] == [m.turn for m in worked.messages]


async def ends_clean(
    team: TeamOnSimulators, session_id: str, foreign: tuple[str, ...] = (), *, limit_gb: float = 25
) -> None:
    """End the session; nothing of it stays, its receipt adds up and agrees with the log."""
    receipt = (await team.ended(session_id)).receipt
    await team.nothing_stays(foreign)

    log = await team.log_of(session_id)
    assert differences(receipt, log) == []
    assert receipt.turns == [e.kind for e in log].count(EventKind.TURN_COMPLETED)
    assert receipt.loads == [e.kind for e in log].count(EventKind.MODEL_LOADED)
    assert 0 < receipt.peak_gb <= limit_gb
    for name, endpoint in team.endpoints.items():
        assert endpoint.peak_bytes <= team._parts.hosts.get(name).capacity_bytes


# ── faults after which the task is completed all the same ────────────────────────────────────────────────────────

ORDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "load killed": ("oom_load", {"model": ARCHITECT, "args": {"kind": "killed"}, "times": 1}),
    "load out of memory": ("oom_load", {"model": ARCHITECT, "args": {"kind": "alloc"}, "times": 2}),
    "load failed": ("load_fail", {"model": ARCHITECT, "times": 1}),
    "load stalled": ("load_stall", {"model": DEVELOPER, "times": 1}),
    "load call reset": ("reset", {"path": GENERATE, "model": ARCHITECT, "times": 1}),
    "load call busy": ("status", {"path": GENERATE, "model": ARCHITECT, "args": {"code": 503}, "times": 2}),
    "runner crash": ("runner_crash", {"model": ARCHITECT, "times": 1}),
    "runner crash that cuts": ("runner_crash", {"model": ARCHITECT, "args": {"as": "drop_rst"}, "times": 1}),
    "runner crash of the last": ("runner_crash", {"model": PRODUCT, "nth": 2, "times": 1}),
    "out of memory in a reply": ("oom_runtime", {"model": ARCHITECT, "times": 1}),
    "no done": ("no_done", {"model": ARCHITECT, "times": 2}),
    "no done at the very end": ("no_done", {"model": ARCHITECT, "args": {"after": -1}, "times": 1}),
    "half a line": ("half_line", {"model": TESTER, "times": 2}),
    "half a line at once": ("half_line", {"model": TESTER, "args": {"after": 0}, "times": 1}),
    "garbage line": ("garbage_line", {"model": TESTER, "times": 1}),
    "error line": ("error_line", {"model": TESTER, "times": 1}),
    "connection reset": ("drop_rst", {"path": CHAT, "every": 2, "times": 3}),
    "connection closed": ("drop_fin", {"path": CHAT, "every": 3, "times": 3}),
    "chat busy": ("status", {"path": CHAT, "args": {"code": 503}, "every": 2, "times": 4}),
    "chat a page": ("wrong_content_type", {"path": CHAT, "times": 1}),
    "ps busy": ("status", {"path": "/api/ps", "args": {"code": 503}, "every": 2}),
    "ps reset": ("reset", {"path": "/api/ps", "every": 3}),
    "unload ignored once": ("unload_ignored", {"model": PRODUCT, "times": 1}),
    "first token hangs": ("hang", {"path": CHAT, "phase": "first_token", "model": ARCHITECT, "times": 1}),
    "reply hangs": ("hang", {"path": CHAT, "phase": "stream", "model": ARCHITECT, "times": 1}),
    "load slow": ("slow", {"phase": "load", "args": {"factor": 4}}),
}


@pytest.mark.parametrize("name", ORDERS)
async def test_a_task_survives(open_team: OpenTeam, name: str) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    action, order = ORDERS[name]
    rule = team.only.order(action, **order)

    worked = await team.finished(await team.delegated(session_id))

    assert rule.fired
    is_whole(worked)
    await ends_clean(team, session_id)


# ── an unload that is ignored ────────────────────────────────────────────────────────────────────────────────────


async def test_an_unload_that_is_ignored_is_told_and_asked_for_again(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    team.only.order("unload_ignored", model=PRODUCT, times=2)

    worked = await team.finished(await team.delegated(session_id))

    is_whole(worked)
    assert {(e.model, e.data["what"]) for e in await team.happenings(EventKind.DRIFT_FOUND)} <= {
        (PRODUCT, "unload_ignored")
    }
    await ends_clean(team, session_id)


async def test_an_ollama_that_unloads_nothing_is_suspect_until_the_model_has_gone(open_team: OpenTeam) -> None:
    """What stays is counted: the next speaker's model is not loaded beside it beyond the limit."""
    team = await open_team()
    session_id = await team.opened(FEATURE)
    team.only.order("unload_ignored", model=PRODUCT)

    worked = await team.finished(await team.delegated(session_id))

    assert failed_with(worked, HostSuspect) == ["product_manager"]
    assert PRODUCT in team.only.loaded()
    assert team.only.happened("loading", ARCHITECT) == 0
    assert "stays in memory" in (await team.happenings(EventKind.HOST_SUSPECT))[0].data["reason"]
    team.only.clear()
    is_whole(await team.finished(await team.delegated(session_id)))
    assert await team.happenings(EventKind.HOST_RECOVERED)
    await ends_clean(team, session_id)


async def test_a_model_that_ignores_the_end_of_its_session_goes_later(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    rule = team.only.order("unload_ignored", model=PRODUCT)

    reply = await team.ended(session_id)

    assert rule.fired
    assert (reply.models_unloaded, reply.models_kept) == ([], [PRODUCT])
    assert set(team.leftovers()) == {"models of only", "ledger of only", "reservations of only", "recorded of only"}
    team.only.clear()
    await team.nothing_stays()


# ── faults that no other attempt overcomes ───────────────────────────────────────────────────────────────────────

LASTING: dict[str, tuple[type[DelegatorError], str, dict[str, Any]]] = {
    "load killed": (ModelLoadFailed, "oom_load", {"model": ARCHITECT, "args": {"kind": "killed"}}),
    "load out of memory": (ModelLoadFailed, "oom_load", {"model": ARCHITECT, "args": {"kind": "alloc"}}),
    "load busy": (OllamaBusy, "status", {"path": GENERATE, "model": ARCHITECT, "args": {"code": 503}}),
    "load hangs": (HostSuspect, "hang", {"phase": "load", "model": ARCHITECT}),
    "runner crash": (ReplyBroken, "runner_crash", {"model": ARCHITECT}),
    "no done": (ReplyBroken, "no_done", {"model": ARCHITECT}),
    "half a line": (ReplyBroken, "half_line", {"model": ARCHITECT}),
    "chat busy": (OllamaBusy, "status", {"path": CHAT, "model": ARCHITECT, "args": {"code": 503}}),
    "chat reset": (OllamaUnavailable, "reset", {"path": CHAT, "model": ARCHITECT}),
    "reply hangs": (ReplyBroken, "hang", {"path": CHAT, "phase": "stream", "model": ARCHITECT}),
}


@pytest.mark.parametrize("name", LASTING)
async def test_a_task_that_cannot_go_on_says_why_and_keeps_what_was_said(open_team: OpenTeam, name: str) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    expected, action, order = LASTING[name]
    team.only.order(action, **order)

    worked = await team.finished(await team.delegated(session_id))

    assert failed_with(worked, expected) == ["product_manager"]
    team.only.clear()
    is_whole(await team.finished(await team.delegated(session_id)))
    await ends_clean(team, session_id)


def failed_with(worked: Worked, expected: type[DelegatorError]) -> list[str]:
    """Check that a task failed with this error; return who had spoken."""
    assert worked.view.status is TaskStatus.FAILED
    assert worked.view.error is not None
    assert worked.view.error.code == expected.code
    keeps_its_messages(worked)
    return [message.from_role for message in worked.messages]


# ── a session that cannot be opened ──────────────────────────────────────────────────────────────────────────────

AT_OPENING: dict[str, tuple[type[DelegatorError], str, dict[str, Any]]] = {
    "load killed": (ModelLoadFailed, "oom_load", {"args": {"kind": "killed"}}),
    "load busy": (OllamaBusy, "status", {"path": GENERATE, "args": {"code": 503}}),
    "load reset": (OllamaUnavailable, "reset", {"path": GENERATE}),
    "load hangs": (HostSuspect, "hang", {"phase": "load"}),
}


@pytest.mark.parametrize("name", AT_OPENING)
async def test_a_session_that_cannot_be_opened_leaves_nothing_but_the_reason(open_team: OpenTeam, name: str) -> None:
    team = await open_team()
    expected, action, order = AT_OPENING[name]
    team.only.order(action, **order)

    with pytest.raises(expected) as raised:
        await team.opened(FEATURE)

    await team.nothing_stays()
    (ended,) = (await team.session_history(SessionHistoryRequest())).sessions
    assert ended.status is SessionStatus.FAILED
    log = await team.log_of(ended.session_id)
    assert (log[-1].kind, log[-1].data["reason"]) == (EventKind.SESSION_FAILED, raised.value.message)
    team.only.clear()
    session_id = await team.opened(FEATURE)
    is_whole(await team.finished(await team.delegated(session_id)))
    await ends_clean(team, session_id)


# ── an Ollama that starts anew ───────────────────────────────────────────────────────────────────────────────────


async def reached(endpoint: Endpoint, phase: str, model: str) -> FaultRule:
    """Order that the next call comes to a stop in that phase of work with a model; `lift` lets it go on."""
    if phase == "unload":
        return endpoint.order("unload_ignored", model=model, times=1)
    return endpoint.order("hang", phase=phase, model=model, times=1)


@pytest.mark.parametrize("down_s", [0, 20])
@pytest.mark.parametrize(
    ("phase", "model"),
    [("idle", ""), ("load", ARCHITECT), ("first_token", ARCHITECT), ("stream", ARCHITECT), ("unload", PRODUCT)],
)
async def test_a_task_survives_a_restart_that_loses_every_model(
    open_team: OpenTeam, phase: str, model: str, down_s: float
) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    if phase == "idle":
        team.only.intervene("restart", down_s=down_s)
        task_id = await team.delegated(session_id)
    else:
        rule = await reached(team.only, phase, model)
        task_id = await team.delegated(session_id)
        await until(lambda: rule.fired)
        team.only.intervene("restart", down_s=down_s)

    is_whole(await team.finished(task_id))
    assert team.only.happened("restarted") == 1
    await ends_clean(team, session_id)


# ── other clients ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("num_ctx", "keep_alive_s", "told"),
    [
        (2048, 6000, ["num_ctx"]),
        (2048, 300, ["keep_alive", "num_ctx"]),
        (8192, 300, ["keep_alive"]),
        (8192, -1, ["keep_alive"]),
    ],
)
async def test_what_another_client_changed_is_told_once_and_restored(
    open_team: OpenTeam, num_ctx: int, keep_alive_s: float, told: list[str]
) -> None:
    team = await open_team(simulator_scale=20, reconcile_every_s=1000)
    session_id = await team.opened("Fix typo in README")
    async with OllamaClient(team.only.simulator.url) as client:
        await client.load(DEVELOPER, LoadOptions(num_ctx), keep_alive_s=keep_alive_s, deadline_s=20)
    await team.cleanup_orphaned_agents(NoInput())
    await team.cleanup_orphaned_agents(NoInput())
    speaking = team.only.order("hang", phase="stream", model=DEVELOPER, times=1)

    task_id = await team.delegated(session_id)
    await until(lambda: speaking.waiting)

    model = team.only.loaded()[DEVELOPER]
    assert (model["num_ctx"], model["keep_alive_s"]) == (8192, 6000)
    assert sorted(e.data["what"] for e in await team.happenings(EventKind.DRIFT_FOUND)) == told
    assert team.only.happened("loading", DEVELOPER) == (1 if num_ctx == 8192 else 3)
    speaking.lift()
    assert (await team.finished(task_id)).view.status is TaskStatus.COMPLETED
    await ends_clean(team, session_id)


async def test_a_client_that_changes_the_window_again_and_again_makes_nothing_thrash(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    calls = 20
    script = [{"model": PRODUCT, "num_ctx": 2048, "keep_alive": "1s", "after_s": 4 * i} for i in range(calls)]
    team.only.intervene("foreign_client", script=script)

    worked = await team.finished(await team.delegated(session_id))

    is_whole(worked)
    assert team.only.happened("loading", ARCHITECT) <= 2
    assert team.only.happened("loading", PRODUCT) <= 2 + 2 * calls
    await team.ended(session_id)
    await team.nothing_stays(foreign=(PRODUCT,))


async def test_a_model_of_another_client_is_counted_and_left_alone(open_team: OpenTeam) -> None:
    team = await open_team({"only": 32})
    session_id = await team.opened(FEATURE)
    team.only.intervene("foreign_client", script=[{"model": OTHERS, "keep_alive": -1}])
    await until(lambda: any(r.foreign for r in team.only.residents()))

    is_whole(await team.finished(await team.delegated(session_id)))

    assert OTHERS in team.only.loaded()
    await ends_clean(team, session_id, foreign=(OTHERS,))


# ── the deadlock ─────────────────────────────────────────────────────────────────────────────────────────────────


async def deadlock(team: TeamOnSimulators, endpoint: Endpoint, session_id: str) -> str:
    """Bring the scheduler of an endpoint into the deadlock of issue 17408 of ollama/ollama; return the task's id.

    Another client's model is busy when it is chosen to make room for ours, and is used once more before it falls idle:
    it stays, and the scheduler waits for it to go, while everything it is asked about itself is answered.
    """
    busy = endpoint.order("hang", phase="stream", model=OTHERS)
    async with OllamaClient(endpoint.simulator.url) as client:
        chatting = asyncio.create_task(chat(client))
        await until(lambda: busy.waiting)
        await team.cleanup_orphaned_agents(NoInput())  # notices that our model was evicted for it
        task_id = await team.delegated(session_id)
        await until(lambda: endpoint.happened("evicting", OTHERS))
        await client.load(OTHERS, LoadOptions(8192), keep_alive_s=-1, deadline_s=5)
        busy.lift()
        await chatting
        await client.ps()
    return task_id


async def chat(client: OllamaClient) -> None:
    stream = client.chat(
        OTHERS, [{"role": "user", "content": "Hello"}], LoadOptions(8192), keep_alive_s=600, max_tokens=20
    )
    async with aclosing(stream):
        async for _ in stream:
            pass


async def test_a_deadlocked_ollama_without_another_is_found_and_its_cure_told(open_team: OpenTeam) -> None:
    team = await open_team(max_loaded=1)
    session_id = await team.opened(FEATURE)

    worked = await team.finished(await deadlock(team, team.only, session_id))

    assert failed_with(worked, HostSuspect) == []
    assert worked.view.error is not None
    assert "17408" in worked.view.error.hint
    (suspect,) = await team.happenings(EventKind.HOST_SUSPECT)
    assert (suspect.data["endpoint"], suspect.model) == ("only", PRODUCT)
    (shown,) = (await team.resource_summary(NoInput())).endpoints
    assert shown.suspect == suspect.data["reason"]
    assert "Restart that Ollama" in shown.advice
    assert PRODUCT not in {r.model for r in team.only.residents()}

    team.only.intervene("restart", down_s=0)
    await until(lambda: team.only.happened("restarted"))
    is_whole(await team.finished(await team.delegated(session_id)))
    assert (await team.resource_summary(NoInput())).endpoints[0].suspect is None
    await ends_clean(team, session_id)


async def test_another_endpoint_takes_over_from_a_deadlocked_one(open_team: OpenTeam) -> None:
    team = await open_team({"one": 60, "two": 60}, max_loaded=1)
    session_id = await team.opened(FEATURE)
    (session,) = team._book.sessions()
    first = session.endpoints["product_manager"]

    worked = await team.finished(await deadlock(team, team.endpoints[first], session_id))

    is_whole(worked)
    moved = {e.role for e in worked.events if e.kind is EventKind.ROLE_MOVED and e.data["from"] == first}
    assert "product_manager" in moved
    assert [e.data["endpoint"] for e in await team.happenings(EventKind.HOST_SUSPECT)] == [first]
    assert first not in session.endpoints.values()
    await ends_clean(team, session_id, foreign=(OTHERS,))


# ── a host that hangs ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_host_that_answers_nothing_any_more_fails_the_task_and_works_again_afterwards(
    open_team: OpenTeam,
) -> None:
    team = await open_team(turn_attempts=2)
    session_id = await team.opened(FEATURE)
    rule = team.only.order("hang", phase="stream", model=ARCHITECT, times=1)
    task_id = await team.delegated(session_id)
    await until(lambda: rule.fired)
    team.only.order("hang", phase="accept")

    worked = await team.finished(task_id)

    assert worked.view.status is TaskStatus.FAILED
    assert worked.view.error is not None
    assert worked.view.error.code in {ReplyBroken.code, HostSuspect.code}
    keeps_its_messages(worked)
    assert len(worked.messages) == 1
    team.only.clear()
    is_whole(await team.finished(await team.delegated(session_id)))
    await ends_clean(team, session_id)


async def test_a_session_can_be_ended_while_its_only_host_hangs(open_team: OpenTeam) -> None:
    team = await open_team()
    session_id = await team.opened(FEATURE)
    team.only.order("hang", phase="accept")

    async with asyncio.timeout(20):
        await team.ended(session_id)

    team.only.clear()
    await team.nothing_stays()


async def test_another_endpoint_takes_over_from_one_that_hangs(open_team: OpenTeam) -> None:
    team = await open_team({"one": 60, "two": 60})
    session_id = await team.opened(FEATURE)
    (session,) = team._book.sessions()
    first = session.endpoints["product_manager"]
    team.endpoints[first].order("hang", phase="accept")

    worked = await team.finished(await team.delegated(session_id))

    is_whole(worked)
    async with asyncio.timeout(20):
        await team.ended(session_id)
    team.endpoints[first].clear()
    await team.nothing_stays()


# ── everything at once ───────────────────────────────────────────────────────────────────────────────────────────

BY_CHANCE: list[tuple[str, dict[str, Any]]] = [
    ("load_fail", {"prob": 0.1}),
    ("oom_load", {"prob": 0.1}),
    ("status", {"path": GENERATE, "prob": 0.1, "args": {"code": 503}}),
    ("status", {"path": "/api/ps", "prob": 0.1, "args": {"code": 503}}),
    ("reset", {"prob": 0.03}),
    ("runner_crash", {"prob": 0.05}),
    ("no_done", {"prob": 0.05}),
    ("half_line", {"prob": 0.05}),
    ("drop_rst", {"prob": 0.05}),
    ("oom_runtime", {"prob": 0.02}),
    ("unload_ignored", {"prob": 0.2}),
    ("ps_lies", {"prob": 0.3, "args": {"factor": 1.2}}),
]


@pytest.mark.parametrize("seed", range(3))
async def test_three_sessions_on_two_ollamas_that_fail_by_chance_lose_and_leave_nothing(
    open_team: OpenTeam, seed: int
) -> None:
    team = await open_team({"one": 32, "two": 32}, turn_attempts=8, seed=2 * seed)
    sessions = [await team.opened(text) for text in (FEATURE, "Fix typo in README", "Hire two backend engineers")]
    for endpoint in team.endpoints.values():
        for action, order in BY_CHANCE:
            endpoint.order(action, **order)
    tasks = [await team.delegated(session_id) for session_id in sessions for _ in range(2)]
    team.only.intervene("restart", down_s=20)

    for worked in await asyncio.gather(*(team.finished(task_id) for task_id in tasks)):
        keeps_its_messages(worked)
        if worked.view.error is not None:
            assert worked.view.error.code in {error.code for error in Unavailable.__subclasses__()}
        else:
            assert len(worked.messages) == worked.view.turns_total
    for endpoint in team.endpoints.values():
        endpoint.clear()
    for session_id in sessions:
        receipt = (await team.ended(session_id)).receipt
        assert differences(receipt, await team.log_of(session_id)) == []
    await team.nothing_stays()


# ── sizes that are wrong by a fifth ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("capacity", [24, 32, 60])
@pytest.mark.parametrize("factor", [0.8, 1.2])
async def test_sizes_wrong_by_a_fifth_neither_refuse_what_fits_nor_overrun_the_machine(
    open_team: OpenTeam, factor: float, capacity: float
) -> None:
    team = await open_team({"only": capacity})
    team.only.order("ps_lies", args={"factor": factor})
    session_id = await team.opened(FEATURE)

    is_whole(await team.finished(await team.delegated(session_id)))
    is_whole(await team.finished(await team.delegated(session_id)))

    await ends_clean(team, session_id, limit_gb=25 * max(1, factor * 1.03))
