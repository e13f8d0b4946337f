"""Cutting a text into features."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegator.analysis.features import features_of, key_of, keys_of_word, text_without


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
    assert [(left, right) for _, left, right in features_of("fix it").pairs] == [
        ("^", "fix"),
        ("fix", "it"),
        ("it", "$"),
    ]


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
    features = features_of(text)

    assert features == features_of(text)
    assert len(set(features.words)) == len(features.words)
    for word in features.words:
        assert all(0 <= key < 2**32 for keys in keys_of_word(word) for key in keys)
