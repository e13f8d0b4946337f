"""That Ray is asked rightly how often it has restarted an actor, also one that never lives long enough to answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.exceptions import GetTimeoutError, RayActorError

from actors.agent_lives import restarts_by_ray
from tests.actors.ray_system import until

pytestmark = [pytest.mark.ray, pytest.mark.timeout(120)]


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=100_000_000, log_to_driver=False)
    yield
    ray.shutdown()


class Mortal:
    """Dies at its start where a file says so."""

    def __init__(self, deadly: str) -> None:
        if Path(deadly).exists():
            os._exit(1)

    def ping(self) -> int:
        return os.getpid()

    def die(self) -> None:
        os._exit(1)


def test_each_restart_is_counted_though_no_process_answers_in_between(tmp_path: Path) -> None:
    deadly = tmp_path / "deadly"
    actor: Any = ray.remote(Mortal).options(num_cpus=0, max_restarts=-1).remote(str(deadly))
    ray.get(actor.ping.remote(), timeout=60)
    assert restarts_by_ray(actor) == 0
    deadly.touch()
    actor.die.remote()

    until(lambda: (restarts_by_ray(actor) or 0) >= 2)
    with pytest.raises((RayActorError, GetTimeoutError)):
        ray.get(actor.ping.remote(), timeout=0.5)


def test_what_is_no_actor_of_ray_has_no_count() -> None:
    assert restarts_by_ray(object()) is None
