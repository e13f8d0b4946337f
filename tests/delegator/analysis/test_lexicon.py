"""Finding rows of a table in a text."""

from delegator.analysis.lexicon import Evidence, Lexicon, Signals
from delegator.analysis.words import split_words

LEXICON = Lexicon(
    [
        Signals("bug", "error, log in fail"),
        Signals("neutral", "error message"),
        Signals("feature", "log in, add"),
        Signals("both", "add"),
    ]
)


def found(text: str) -> list[tuple[str, str]]:
    return [(evidence.target, evidence.phrase) for evidence in LEXICON.find(split_words(text))]


def test_of_overlapping_phrases_the_longest_counts():
    assert found("Reword the error message") == [("neutral", "error message")]
    assert found("logging in fails") == [("bug", "logging in fails")]
    assert found("log in") == [("feature", "log in")]


def test_a_phrase_counts_once_however_often_it_stands_there():
    assert found("error, errors and another error") == [("bug", "error")]


def test_a_phrase_may_speak_for_several_things():
    assert LEXICON.find(split_words("Added it")) == [Evidence("feature", "added"), Evidence("both", "added")]


def test_a_phrase_never_reaches_over_the_end_of_a_clause():
    assert found("It wrote to the log. In it was an error. Message follows") == [("bug", "error")]


def test_whole_words_only():
    assert found("terror of addresses") == []
