"""Cutting a text into features."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.analysis import features
from delegator.analysis.features import features_in, features_of, key_of, keys_of_word
from delegator.analysis.tokens import text_without, tokens_of, tokens_without


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix the parser", ("fix", "the", "parser")),
        ("parseHeader() fails", ("Aa", "parse", "header", "(", ")", "fails")),
        ("HTTPServer2", ("Aa", "http", "server", "0")),
        ("v1.2 and 17 of 3,5", ("v", "0.0", "and", "0", "of")),
        ("It doesn’t", ("it", "doesn't")),
        ("Straße 修复", ("straße", "修复")),
        ("a a A", ("a",)),
        ("", ()),
    ],
)
def test_a_text_becomes_distinct_words_and_marks(text, words):
    assert features_of(text).words == words


def test_a_word_has_its_own_key_its_parts_and_its_concepts():
    own, grams, concepts = keys_of_word("salaries")

    assert own == (key_of("w salaries"),)
    assert key_of("g <sal") in grams
    assert set(concepts) == set(keys_of_word("salary")[2]) != set()


def test_pairs_know_the_ends_of_the_text():
    assert list(features_of("fix it").pairs.values()) == [("^", "fix"), ("fix", "it"), ("it", "$")]


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("How do I sort?", "s asks first"),
        ("it crashes with TypeError", "s error"),
        ("exit code 3", "s error code"),
        ("broken since 1.2", "s version"),
        ("my list is empty", "s first person"),
        ("does not save", "s negation"),
        ("see #12", "s number sign"),
        ("run `make`", "s tick"),
        ("pass --force", "s flag"),
    ],
)
def test_the_shape_of_a_text_is_seen(text, shape):
    assert key_of(shape) in features_of(text).shape
    assert key_of(shape) not in features_of("Paint the wall").shape


def test_words_are_blotted_out_wherever_they_stand_alone():
    assert text_without("Log in, then log the log-in of LogServer", ["log"]).split() == (
        ["in,", "then", "the", "-in", "of", "LogServer"]
    )


@given(st.text(max_size=300))
def test_any_text_is_cut_and_always_alike(text):
    cut = features_of(text)

    assert cut == features_of(text)
    assert len(set(cut.words)) == len(cut.words)
    for word in cut.words:
        assert all(0 <= key < 2**32 for keys in keys_of_word(word) for key in keys)


# ── without some of the words ─────────────────────────────────────────────────────────────────────────────────────────

WORDY = "a log login Log LOG logServer don't 'log log' stack trace exit code E EABCD x1 1log log1 0x12 1.2 v1"
MARKS = " -.,'’_#?(/:ßİı\n"
PIECES = st.sampled_from([*WORDY.split(), *MARKS, " ", "--", "log" * 20])


@given(st.lists(PIECES, max_size=25).map("".join), st.data())
def test_tokens_without_words_are_those_of_the_text_without_them(text, data):
    tokens = tokens_of(text)
    gone = tuple(data.draw(st.lists(st.sampled_from([*tokens.all, "log", "no such"]), max_size=3)))

    assert tokens_without(text, tokens, gone) == tokens_of(text_without(text, gone))


def test_words_that_a_cut_had_left_out_move_up():
    text = "log " * 1_000 + "fix " * 1_000
    left = tokens_without(text, tokens_of(text), ("log",))

    assert left == tokens_of(text_without(text, ("log",)))
    assert features_in(left) == features_of(text_without(text, ("log",)))
    assert left.words == ["fix"] * 1_000


SHAPES = "error ſegfault panİc code -1 EABC => -> :: f( a_b #1 `"
SHAPED = st.lists(st.one_of(PIECES, st.sampled_from(SHAPES.split())))


@given(SHAPED.map("".join))
def test_what_keeps_a_pattern_from_being_looked_for_keeps_it_from_being_found(text):
    assert features._tells_of_error(text) == bool(features._ERROR.search(text))
    for _, signs, pattern in features._SHAPES:
        assert features._has_any(text, signs) or not pattern.search(text)
