"""How much of what a role said reached the answer: the formula on small cases, and what holds for every team."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.sessions.contribution import LEAST_WORDS, Contribution, contributions

TASK = "Build the login page"


def share_of(role: str, said: list[tuple[str, str]], *, given_: tuple[str, ...] = (TASK,)) -> float | None:
    return next(one.share for one in contributions(given_, said) if one.role == role)


@pytest.mark.parametrize(
    ("text", "answer", "share"),
    [
        ("Rotate tokens", "We rotate tokens weekly", 1.0),
        ("Rotate tokens", "Nothing of that", 0.0),
        ("Rotate tokens", "tokens", 1 / 3),
        ("Rotate tokens", "Tokens: rotate!", 2 / 3),
        ("Build the login page", "Build the login page", None),
        ("And of the", "And of the", None),
    ],
    ids=["all of it", "nothing of it", "one word", "both words, not the pair", "only the task", "only fillers"],
)
def test_the_share_counts_words_and_pairs_that_the_role_was_the_first_to_bring(
    text: str, answer: str, share: float | None
) -> None:
    assert share_of("cto", [("ceo", "Go."), ("cto", text), ("ceo", answer)]) == share


def test_what_somebody_said_before_is_nobody_elses() -> None:
    said = [("ceo", "Rotate tokens"), ("cto", "Rotate tokens daily"), ("ceo", "Rotate tokens")]

    assert share_of("cto", said) == 0.0


def test_what_an_earlier_answer_gave_is_nobodys() -> None:
    said = [("ceo", "Go"), ("cto", "Rotate tokens"), ("ceo", "Rotate tokens")]

    assert share_of("cto", said, given_=(TASK, "We rotate tokens")) is None


def test_the_concluding_role_is_not_measured_and_the_others_once_each() -> None:
    said = [("ceo", "one two"), ("cto", "three four"), ("cto", "five"), ("ceo", "four five")]

    assert contributions([], said) == [Contribution("cto", 3, 2 / 4)]
    assert contributions([], [("cto", "alone")]) == []
    assert contributions([], []) == []


@pytest.mark.parametrize(
    ("spoken", "share", "unheard"),
    [(LEAST_WORDS, 0.02, True), (LEAST_WORDS, 0.021, False), (LEAST_WORDS - 1, 0.0, False), (99, None, False)],
)
def test_only_who_said_enough_and_left_next_to_nothing_is_unheard(
    spoken: int, share: float | None, unheard: bool
) -> None:
    assert Contribution("cto", spoken, share).is_unheard(0.02) is unheard


TURNS = st.lists(
    st.tuples(st.sampled_from(["ceo", "cto", "test_lead"]), st.text(max_size=60) | st.just("rotate tokens daily")),
    max_size=6,
)


@given(st.text(max_size=40), TURNS)
def test_shares_are_shares_and_nobody_who_concludes_has_one(task: str, said: list[tuple[str, str]]) -> None:
    found = contributions([task], said)

    assert {one.role for one in found} == {role for role, _ in said} - {role for role, _ in said[-1:]}
    for one in found:
        assert one.share is None or 0 <= one.share <= 1


@given(TURNS, st.text(max_size=60))
def test_a_longer_answer_never_lowers_a_share(said: list[tuple[str, str]], more: str) -> None:
    said = [*said, ("ceo", "rotate")]
    longer = [*said[:-1], ("ceo", f"rotate\n{said[-1][1]}\n{more}")]

    before = {one.role: one.share for one in contributions([], said)}
    for one in contributions([], longer):
        assert (one.share is None) == (before[one.role] is None)
        assert one.share is None or one.share >= (before[one.role] or 0)


@given(TURNS)
def test_an_answer_that_repeats_everything_leaves_nobody_unheard(said: list[tuple[str, str]]) -> None:
    everything = "\n".join(text for _, text in said)

    for one in contributions([], [*said, ("ceo", everything)]):
        assert one.share in (None, 1.0)
