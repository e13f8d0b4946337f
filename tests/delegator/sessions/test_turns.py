"""The order of turns: the most senior frames and concludes, the others contribute by rank."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.errors import UnknownRole, WrongState
from delegator.roles.catalogue import load_catalogue
from delegator.sessions.turns import PlannedTurn, plan_message_turn, plan_team_turns

ECHO = load_catalogue("echo")


@pytest.mark.parametrize(
    ("team", "turns"),
    [
        (["senior_developer"], [("senior_developer", "answer")]),
        (
            ["test_lead", "senior_developer"],
            [("senior_developer", "frame"), ("test_lead", "contribute"), ("senior_developer", "conclude")],
        ),
        (
            ["senior_developer", "product_manager", "test_lead", "senior_architect"],
            [
                ("product_manager", "frame"),
                ("senior_architect", "contribute"),
                ("senior_developer", "contribute"),
                ("test_lead", "contribute"),
                ("product_manager", "conclude"),
            ],
        ),
        (["operations_head", "ceo", "ceo"], [("ceo", "frame"), ("operations_head", "contribute"), ("ceo", "conclude")]),
    ],
)
def test_the_most_senior_frames_and_concludes(team, turns):
    assert plan_team_turns(team, ECHO) == tuple(PlannedTurn(role, purpose) for role, purpose in turns)


@given(st.lists(st.sampled_from(ECHO.names), min_size=1))
def test_everybody_speaks_and_the_order_they_are_given_in_never_matters(team):
    turns = plan_team_turns(team, ECHO)

    assert {turn.role for turn in turns} == set(team)
    assert len(turns) == (1 if len(set(team)) == 1 else len(set(team)) + 1)
    assert turns == plan_team_turns(sorted(team), ECHO)


def test_a_team_of_nobody_cannot_work():
    with pytest.raises(WrongState, match="no agents"):
        plan_team_turns([], ECHO)


def test_a_role_that_does_not_exist_is_named():
    with pytest.raises(UnknownRole, match="janitor"):
        plan_team_turns(["ceo", "janitor"], ECHO)


def test_a_message_is_answered_in_one_turn():
    assert plan_message_turn("cto") == PlannedTurn("cto", "answer")
