"""A team on two Ollama endpoints: real Ray, real PostgreSQL, two simulated hosts, one of which comes to hang."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from delegator.schemas import EventKind, SessionStatus, TaskStatus
from delegator.settings import GB, Settings
from tests.actors.ray_system import SCALE, RaySystem, local_ray, simulator, start, until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(240)]

FEATURE = "Add user authentication feature"
TEAM = ["product_manager", "senior_architect", "senior_developer", "test_lead"]
SMALL, LARGE = "small", "large"


@pytest.fixture(scope="module")
def running(postgres_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RaySystem]]:
    """One system for this module, seen from each of its endpoints."""
    folders = {name: tmp_path_factory.mktemp(name) for name in (SMALL, LARGE)}
    with simulator(folders[SMALL]) as small, simulator(folders[LARGE]) as large, local_ray(Path(folders[SMALL])):
        settings = Settings.load(
            models="simulated", simulator_scale=SCALE, memory=60 * GB, home=str(folders[SMALL]),
            endpoints=[{"url": small, "name": SMALL, "memory": 24 * GB}, {"url": large, "name": LARGE}],
            database_url=postgres_server.url_of(postgres_server.create_database()),
            reconcile_every_s=0.5, load_deadline_min_s=20, first_token_deadline_s=20, token_deadline_s=20,
        )  # fmt: skip
        start(settings)
        yield {SMALL: RaySystem(settings, small), LARGE: RaySystem(settings, large)}


@pytest.fixture
def hosts(running: dict[str, RaySystem]) -> Iterator[dict[str, RaySystem]]:
    """The system with no session open, before and after."""
    yield running
    for host in running.values():
        host.clear_faults()
    running[SMALL].end_all()


def create(system: RaySystem) -> str:
    session_id = str(system.call("create_session", task_description=FEATURE).session_id)
    until(lambda: system.call("get_session", session_id=session_id).status is SessionStatus.ACTIVE)
    return session_id


def test_roles_speak_where_their_models_fit_and_nothing_stays_behind(hosts: dict[str, RaySystem]) -> None:
    small, large = hosts[SMALL], hosts[LARGE]
    session_id = create(small)
    places = small.call("get_session", session_id=session_id).endpoints
    assert set(places) == set(TEAM)
    assert set(places.values()) == {SMALL, LARGE}

    done = small.finished(small.call("delegate_task", session_id=session_id).task_id)

    assert done.status is TaskStatus.COMPLETED
    starts = [e for e in small.events(session_id) if e.kind is EventKind.TURN_STARTED]
    assert [e.data["endpoint"] for e in starts] == [places[e.role] for e in starts]
    limit = small.call("get_session", session_id=session_id).limits.max_memory_gb
    summary = small.call("resource_summary")
    assert {e.endpoint: e.suspect for e in summary.endpoints} == {SMALL: None, LARGE: None}
    ended = small.call("end_session", session_id=session_id)
    assert ended.receipt.peak_gb <= limit
    assert (small.agents(), small.loaded(), large.loaded(), small.reservations()) == (set(), set(), set(), set())


def test_a_team_finishes_on_the_other_endpoint_when_one_hangs(hosts: dict[str, RaySystem]) -> None:
    small, large = hosts[SMALL], hosts[LARGE]
    session_id = create(small)
    there = {r for r, place in small.call("get_session", session_id=session_id).endpoints.items() if place == LARGE}
    assert there
    large.fault(action="hang", match={"phase": "queue"})

    done = small.finished(small.call("delegate_task", session_id=session_id).task_id)

    assert done.status is TaskStatus.COMPLETED
    assert [reply.role for reply in done.replies] == [*TEAM, TEAM[0]]
    moved = [e for e in small.events(session_id) if e.kind is EventKind.ROLE_MOVED]
    assert {(e.role, e.data["from"], e.data["endpoint"]) for e in moved} == {(role, LARGE, SMALL) for role in there}
    assert set(small.call("get_session", session_id=session_id).endpoints.values()) == {SMALL}
    summary = {e.endpoint: e for e in small.call("resource_summary").endpoints}
    assert summary[SMALL].suspect is None
    assert "17408" in summary[LARGE].advice

    small.call("end_session", session_id=session_id)

    assert (small.agents(), small.loaded()) == (set(), set())
    large.clear_faults()
    until(lambda: not large.loaded() and not small.reservations())
