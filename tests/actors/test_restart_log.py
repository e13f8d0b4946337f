"""That each loss of an agent is told once: idle agents, those that never answer, a store that is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from ray.exceptions import ActorUnavailableError, RayActorError

from actors.agent_lives import LiveAgent
from actors.restart_log import LOST, RestartLog
from actors.running_task import TurnAtHand
from actors.turn_recovery import Troubles, TurnRecovery
from delegator.clock import Clock
from delegator.errors import StoreUnavailable
from delegator.roles.catalogue import load_catalogue
from delegator.schemas import EventKind
from delegator.settings import Settings
from delegator.store.records import NewEvent
from tests.actors.conftest import DEADLINE_S
from tests.actors.manager_on_fakes import FakeStore, Gates, ManagerOnFakes
from tests.chaos.local_actors import LocalPool


class MortalPool(LocalPool):
    """Agents in this process, whose processes can be lost as Ray sees it."""

    def __init__(self) -> None:
        super().__init__(load_catalogue("echo"), Settings(), {})
        self.before = 0
        """What Ray has counted before this manager."""
        self.deaths: dict[Any, int] = {}
        self.silent: set[Any] = set()

    def _restarts_by_ray(self, handle: Any) -> int:
        return self.before + self.deaths.get(handle, 0)

    async def _pulse(self, handle: Any, deadline_s: float | None = None) -> Any:
        if handle in self.silent:
            raise ActorUnavailableError("it is restarting", None)
        return await super()._pulse(handle, deadline_s)

    def lose(self, role: str, times: int = 1) -> None:
        agent = self.get(role)
        assert agent is not None
        self.deaths[agent.handle] = self.deaths.get(agent.handle, 0) + times


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[MortalPool]:
    pool = MortalPool()
    yield pool
    for agent in pool.running.values():
        await agent.close()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore(Gates())


def told(store: FakeStore) -> list[NewEvent]:
    """Return the events as a real store keeps them: each uid once."""
    return list({event.uid: event for (batch,) in store.args_of("append_events") for event in batch}.values())


def log_of(pool: MortalPool, store: Any) -> RestartLog:
    return RestartLog(pool, store, Clock())


async def test_an_idle_agent_that_is_lost_is_told_at_the_next_look(pool: MortalPool, store: FakeStore) -> None:
    await pool.lease("ceo", "s1")
    await pool.lease("cto", "s1")
    await pool.lease("cto", "s2")
    log = log_of(pool, store)
    await log.look()
    assert told(store) == []
    pool.lose("ceo")
    pool.lose("cto")
    await log.look()
    await log.look()

    assert [(event.kind, event.role, event.session_id, event.data, event.by) for event in told(store)] == [
        (EventKind.AGENT_RESTARTED, "ceo", "s1", {"reason": LOST, "sessions": ["s1"]}, None),
        (EventKind.AGENT_RESTARTED, "cto", None, {"reason": LOST, "sessions": ["s1", "s2"]}, None),
    ]


async def test_an_agent_that_dies_before_it_answers_is_told_each_time(pool: MortalPool, store: FakeStore) -> None:
    agent = await pool.lease("ceo", "s1")
    pool.silent.add(agent.handle)
    log = log_of(pool, store)
    for times in (1, 3):
        pool.lose("ceo", times)
        await log.look()

    assert [event.role for event in told(store)] == ["ceo"] * 4


async def test_restarts_of_a_former_life_are_not_told_again(pool: MortalPool, store: FakeStore) -> None:
    pool.before = 5
    await pool.lease("ceo", "s1")
    await log_of(pool, store).look()

    assert told(store) == []


async def test_what_the_store_did_not_take_is_told_once_it_does(pool: MortalPool, store: FakeStore) -> None:
    await pool.lease("ceo", "s1")
    pool.lose("ceo", 2)
    log = log_of(pool, store)
    store.down = True
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await log.look()
    store.down = False
    await log.look()
    await log.look()

    assert [event.role for event in told(store)] == ["ceo", "ceo"]


async def test_looks_and_turns_at_once_tell_a_loss_once(pool: MortalPool, store: FakeStore) -> None:
    await pool.lease("ceo", "s1")
    pool.lose("ceo")
    log = log_of(pool, store)

    async def recover(turn: int) -> None:
        agent = await pool.revive("ceo")
        assert agent is not None
        log.take_up(agent, last=NewEvent(EventKind.AGENT_RESTARTED, Clock().now(), "s1", "ceo", data={"turn": turn}))
        await log.write_down()

    async with asyncio.timeout(DEADLINE_S):
        await asyncio.gather(log.look(), recover(0), recover(1), log.look())

    assert len(told(store)) == 1


async def test_a_turn_says_more_about_the_latest_loss_than_of_those_before(pool: MortalPool, store: FakeStore) -> None:
    agent = await pool.lease("ceo", "s1")
    pool.lose("ceo", 2)
    await pool.look_at(agent)
    log = log_of(pool, store)
    log.take_up(agent, last=NewEvent(EventKind.AGENT_RESTARTED, Clock().now(), "s1", "ceo", data={"turn": 1}))
    await log.write_down()

    assert [event.data for event in told(store)] == [{"reason": LOST, "sessions": ["s1"]}, {"turn": 1}]


async def test_a_silent_agent_does_not_hold_up_the_reconciler() -> None:
    manager = ManagerOnFakes()
    agent = LiveAgent("ceo", None, Clock().now(), "n1")
    looked, answers = asyncio.Event(), asyncio.Event()

    async def look_at(_: LiveAgent) -> None:
        looked.set()
        await answers.wait()
        agent.lives.answered(by_another=True)

    pool: Any = manager.pool
    pool.live, pool.look_at = lambda: [agent], look_at
    async with asyncio.timeout(DEADLINE_S):
        await manager.sweep()
        await looked.wait()
        await manager.sweep()
        assert manager.store.args_of("append_events") == []
        manager.gates.reached.clear()
        answers.set()
        await manager.gates.reached["append_events"].wait()
        await asyncio.sleep(0)  # the gate is passed, then it is appended

    assert [(event.kind, event.role) for event in told(manager.store)] == [(EventKind.AGENT_RESTARTED, "ceo")]


async def test_a_loss_that_breaks_off_a_turn_is_told_though_the_store_is_away_just_then() -> None:
    manager = ManagerOnFakes()
    session = await manager.created()
    running = await manager.delegate(session)
    await running.ended.wait()
    nobody: Any = None
    recovery = TurnRecovery(manager._parts, nobody, nobody, manager._restarts)
    turn = TurnAtHand(session, running, 0, (), ())
    manager.store.down = True
    with pytest.raises(StoreUnavailable):
        await recovery.recover(turn, RayActorError(), "its process was lost", Troubles())
    manager.store.down = False
    await manager._restarts.write_down()

    (event,) = [event for event in told(manager.store) if event.kind is EventKind.AGENT_RESTARTED]
    assert (event.session_id, event.role, event.data["task_id"]) == (
        session.session_id,
        "senior_developer",
        running.record.task_id,
    )
