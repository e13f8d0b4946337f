"""The queue as people see it: who waits where, for what, and when their turn may come."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from actors.host_messages import HostView
from actors.queue_view import queued_turns
from delegator.residency.planner import Resident, Snapshot
from delegator.residency.queue import Queued, QueueState
from delegator.settings import GB
from delegator.store.records import TurnPlan
from tests.actors.conftest import DEADLINE_S, until

DEVELOPER = "deepseek-coder:6.7b"


def view(endpoint_id: str, *waiting: Queued) -> HostView:
    snapshot = Snapshot(20 * GB, (Resident("a", 5 * GB),))
    queue = QueueState(waiting=waiting, patience_s=60.0)
    return HostView(endpoint_id, f"http://{endpoint_id}", snapshot, (), 0, (), None, queue=queue)


def task_of(task_id: str) -> Any:
    turns = (TurnPlan("ceo", "frame"), TurnPlan("test_lead", "contribute"))
    return SimpleNamespace(record=SimpleNamespace(turns=turns)) if task_id == "t" else None


def test_turns_are_listed_by_endpoint_with_role_task_and_place() -> None:
    turn = Queued("t:1", "s1", "t", "a", 5 * GB, 20 * GB, 7.0)
    hosts = {
        "north": view("north", replace(turn, turn_id="t:0", model="b", waited_s=9.0), turn),
        "south": view("south", Queued("warm:s2:cto", "s2", "", "b", 5 * GB, 20 * GB, 1.0, needs_slot=False)),
    }

    shown = queued_turns(hosts, task_of)

    assert [(t.endpoint, t.position, t.session_id, t.task_id, t.role, t.model) for t in shown] == [
        ("north", 1, "s1", "t", "test_lead", "a"),
        ("north", 2, "s1", "t", "ceo", "b"),
        ("south", 1, "s2", None, "cto", "b"),
    ]
    assert [(t.waited_seconds, t.eta_seconds) for t in shown] == [(7.0, 0.0), (9.0, 3.0), (1.0, 3.0)]


def test_who_speaks_in_a_task_of_which_nothing_is_known_is_left_open() -> None:
    ended = Queued("other:0", "s1", "other", "a", 5 * GB, 20 * GB, 0.0)
    odd = replace(ended, turn_id="t:9", task_id="t")

    assert [turn.role for turn in queued_turns({"north": view("north", ended, odd)}, task_of)] == [None, None]


async def test_a_host_tells_who_waits_and_what_it_knows_of_when(start_host: Any) -> None:
    it = await start_host()
    await it.host.acquire(it.wish("t:0", DEVELOPER), DEADLINE_S)
    waiting = asyncio.create_task(it.host.acquire(replace(it.wish("u:0", DEVELOPER, session="s2"), task_id="u"), 20))
    await until(it.host._dispatcher.waiting)

    seen = await it.host.view()

    (shown,) = queued_turns({"test": seen}, task_of)
    assert (shown.session_id, shown.task_id, shown.model, shown.endpoint) == ("s2", "u", DEVELOPER, "test")
    assert shown.eta_seconds is not None
    assert 0 < shown.eta_seconds <= 18, "the turn before is expected to last three seconds of reading, 15 of writing"
    await it.host.release_turn("t:0")
    await waiting
    assert (await it.host.view()).queue.waiting == ()
