"""How often the process of an agent was replaced, by those that saw it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from actors.agent_lives import LiveAgent, Lives
from actors.agent_messages import Pulse

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_another_process_that_answers_is_a_replacement() -> None:
    agent = LiveAgent("ceo", None, AT, "n1")
    for pid, node in ((1, "a"), (1, "a"), (2, "a"), (2, "b")):
        agent.greet(Pulse("ceo", pid, node, 0))

    assert (agent.pid, agent.node, agent.lives.replaced) == (2, "b", 2)


def test_replacements_between_two_answers_count_each_by_what_ray_says() -> None:
    lives = Lives()
    lives.counted(4)  # those of a former life of the manager
    assert lives.replaced == 0
    lives.answered(by_another=True)
    lives.counted(7)
    lives.answered(by_another=True)

    assert lives.replaced == 3


def test_a_replacement_that_ray_knows_first_is_not_counted_again_when_it_answers() -> None:
    lives = Lives()
    lives.counted(0)
    lives.counted(1)
    lives.answered(by_another=True)

    assert lives.replaced == 1


def test_who_is_spawned_anew_counts_on() -> None:
    lives = Lives()
    lives.counted(0)
    lives.counted(2)
    lives.answered(by_another=True)
    lives.spawned_anew()
    assert lives.replaced == 3
    lives.counted(1)
    lives.answered(by_another=True)

    assert lives.replaced == 4


def test_a_loss_that_ray_had_counted_is_not_another_one_when_the_agent_is_given_up_for_it() -> None:
    lives = Lives()
    lives.counted(0)
    lives.answered(by_another=False)
    lives.counted(1)
    lives.spawned_anew()

    assert lives.replaced == 1


@pytest.mark.parametrize(("told", "untold"), [(0, 2), (1, 1), (2, 0), (3, 0)])
def test_each_is_taken_up_once(told: int, untold: int) -> None:
    lives = Lives(told=told)
    lives.answered(by_another=True)
    lives.answered(by_another=True)

    assert (lives.take_untold(), lives.take_untold()) == (untold, 0)
