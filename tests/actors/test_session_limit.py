"""A session's limit over two endpoints, whatever their hosts have told so far."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from actors.host_messages import Grant
from actors.parts import OpenSession
from actors.session_limit import SessionLimit
from delegator.roles.catalogue import load_catalogue
from delegator.settings import GB

ARCHITECT, DEVELOPER = "deepseek-coder:33b", "deepseek-coder:6.7b"
SIZES = {ARCHITECT: 22 * GB, DEVELOPER: 9 * GB}


class Host:
    """Remembers what it was asked to let go of."""

    def __init__(self) -> None:
        self.released: list[str] = []

    async def release_models(self, _session_id: str, models: list[str]) -> None:
        self.released += models


class Asked(dict[str, Host]):
    """The hosts, none of them in doubt."""

    doubts = SimpleNamespace(why=lambda _where: None)


@pytest.fixture
def stage() -> Any:
    """A session of 25 GB on the endpoints a and b, and what has been told of it."""
    hosts, told = {"a": Host(), "b": Host()}, dict[tuple[str, str], int]()
    recorder = SimpleNamespace(holdings=lambda _session: dict(told), size_on=lambda _where, model: SIZES[model.name])
    asked = Asked(hosts)
    parts: Any = SimpleNamespace(hosts=asked, recorder=recorder, catalogue=load_catalogue("echo"))
    record: Any = SimpleNamespace(session_id="s1", limits_max_memory_bytes=25 * GB)
    return SimpleNamespace(limit=SessionLimit(parts), session=OpenSession(record), hosts=hosts, told=told, parts=parts)


def grant(model: str) -> Grant:
    return Grant("t1", model, SIZES[model], 0, 0)


async def test_what_a_turn_was_given_counts_before_its_host_has_told_of_it(stage: Any) -> None:
    architect, developer = (stage.parts.catalogue.models[name] for name in (ARCHITECT, DEVELOPER))
    await stage.limit.claim(stage.session, "t1", "b", architect, deadline_s=5)
    stage.limit.granted(stage.session, "b", grant(ARCHITECT))
    stage.limit.give_back(stage.session, "t1")

    left = await stage.limit.claim(stage.session, "t2", "a", developer, deadline_s=5)

    assert stage.hosts["b"].released == [ARCHITECT]
    assert left == 25 * GB
    assert stage.limit.spare(stage.session, "b") == 25 * GB - SIZES[DEVELOPER]


async def test_once_its_host_has_told_the_record_decides(stage: Any) -> None:
    stage.limit.granted(stage.session, "b", grant(ARCHITECT))
    stage.told["b", ARCHITECT] = 21 * GB
    assert stage.limit.spare(stage.session, "a") == 4 * GB

    del stage.told["b", ARCHITECT]

    assert stage.limit.spare(stage.session, "a") == 25 * GB
