"""Words and the ends of clauses."""

import pytest

from delegator.analysis.words import split_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix the parser", ("fix", "the", "parser")),
        ("event-driven on_call", ("event", "driven", "on", "call")),
        ("It doesn’t work, can't it?", ("it", "doesn't", "work", "can't", "it")),
        ("the customer's cart", ("the", "customer", "cart")),
        ("NullPointerException in Main", ("nullpointerexception", "exception", "in", "main")),
        ("Straße 修复 ошибка", ("straße", "修复", "ошибка")),
        ("🚀 !!! … ---", ()),
        ("", ()),
    ],
)
def test_a_text_becomes_whole_lower_case_words(text, words):
    assert split_words(text).words == words


def test_clauses_end_before_the_word_behind_a_mark():
    assert split_words("Fix it. Then: ship (soon) now").ends == {2, 3, 5}
    assert split_words("... no beginning").ends == frozenset()
