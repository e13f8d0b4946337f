"""Words, tags, openings and questions."""

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


@pytest.mark.parametrize(
    ("text", "opening"),
    [
        ("Rename it", "rename"),
        ("Please rename it", "rename"),
        ("Could you please rename it?", "rename"),
        ("We need to quickly rename it", "rename"),
        ("parser: rename it", "rename"),
        ("[Windows] rename it", "rename"),
        ("feat(api): please rename it", "rename"),
    ],
)
def test_the_last_opening_is_the_verb_of_the_request(text, opening):
    words = split_words(text)

    assert words.words[words.openings[-1]] == opening


def test_a_colon_far_into_the_text_opens_nothing():
    words = split_words("the parser of the old importer always fails: rename it")

    assert (words.openings, words.tagged) == ((0,), 0)


@pytest.mark.parametrize(
    ("text", "asks"),
    [("Does it work?", True), ("Does it work? It should.", True), ("It works. Really?", True), ("It works.", False)],
)
def test_a_text_asks_when_its_first_or_last_sentence_does(text, asks):
    assert split_words(text).asks is asks
