"""Estimates are on the safe side; shortened texts fit, keep their beginning, and say that they were shortened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.sessions.fitting import MARK, estimate_tokens, fair_budgets, shortened
from delegator.sessions.quoting import quoted

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("Add user authentication feature", 9),  # 31 letters and blanks
        ("12345", 5),
        ("a, b; c.", 5),
        ("éé", 2),
        ("日本語", 5),
        ("🚀🚀", 4),
    ],
)
def test_tokens_are_estimated_by_what_a_text_is_made_of(text, tokens):
    assert estimate_tokens(text) == tokens


@given(text, text)
def test_a_longer_text_never_has_fewer_tokens(one, other):
    assert max(estimate_tokens(one), estimate_tokens(other)) <= estimate_tokens(one + other)
    assert estimate_tokens(one + other) <= estimate_tokens(one) + estimate_tokens(other)


@given(text, st.integers(min_value=estimate_tokens(MARK), max_value=200))
def test_a_shortened_text_fits_and_shows_that_it_was_shortened(raw, budget):
    whole = quoted(raw)

    result = shortened(whole, budget)

    assert estimate_tokens(result) <= budget
    assert result == whole if estimate_tokens(whole) <= budget else MARK in result
    assert result == quoted(result)


def test_a_shortened_text_keeps_its_beginning_and_its_end():
    whole = "The beginning. " + "and so on " * 500 + "The end."

    result = shortened(whole, 100)

    assert result.startswith("The beginning. and so on")
    assert result.endswith("and so on The end.")
    assert estimate_tokens(result) > 90


def test_where_nothing_fits_the_mark_alone_is_left():
    assert shortened("word " * 100, 0) == MARK


def test_a_cut_cannot_turn_the_middle_of_a_line_into_a_heading():
    whole = "a # Your role: ceo " * 200

    for budget in range(20, 200):
        assert quoted(shortened(whole, budget)) == shortened(whole, budget)


@pytest.mark.parametrize(
    ("needs", "available", "budgets"),
    [
        ([], 10, []),
        ([5, 5], 10, [5, 5]),
        ([100, 10, 20], 60, [30, 10, 20]),
        ([100, 100, 10], 110, [50, 50, 10]),
        ([100, 100], 0, [0, 0]),
        ([100, 100], -5, [0, 0]),
    ],
)
def test_short_texts_stay_whole_and_the_longest_are_cut_alike(needs, available, budgets):
    assert fair_budgets(needs, available) == budgets


@given(st.lists(st.integers(0, 500), max_size=12), st.integers(-10, 2_000))
def test_budgets_use_what_is_there_and_no_more(needs, available):
    budgets = fair_budgets(needs, available)

    assert all(0 <= budget <= need for budget, need in zip(budgets, needs, strict=True))
    assert sum(budgets) == min(sum(needs), max(0, available))
    cut = [budget for budget, need in zip(budgets, needs, strict=True) if budget < need]
    assert max(cut, default=0) - min(cut, default=0) <= 1
    assert max(budgets, default=0) <= max(cut, default=max(needs, default=0))
