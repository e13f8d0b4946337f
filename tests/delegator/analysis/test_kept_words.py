"""Keeping what words contribute: found again as it was put in, however many there are."""

import numpy as np
import pytest

from delegator.analysis import learned_reading
from delegator.analysis.kept_words import FIRST_ROOM, KeptWords
from delegator.analysis.learned_reading import LearnedReader
from delegator.analysis.weights import shipped_weights


def test_words_are_found_again_when_the_room_has_grown():
    kept = KeptWords(2)
    words = [f"w{number}" for number in range(FIRST_ROOM + 5)]
    for number, word in enumerate(words):
        kept.add([word], np.array([[number, -number]], np.float32))

    assert len(kept) == len(words)
    assert kept.missing(["w3", "other"]) == ["other"]
    assert kept.of(["w3", words[-1], "w3"]).tolist() == [[3, -3], [FIRST_ROOM + 4, -FIRST_ROOM - 4], [3, -3]]


def test_a_word_that_is_added_twice_is_found():
    kept = KeptWords(1)
    for value in (1, 1):
        kept.add(["again"], np.full((1, 1), value, np.float32))

    assert kept.of(["again"]).tolist() == [[1]]


def test_the_sum_is_the_same_when_the_memory_begins_anew(monkeypatch):
    text = "Rotate the TLS certificates on all servers"
    expected = LearnedReader(shipped_weights()).sums(text).total
    monkeypatch.setattr(learned_reading, "KEPT_WORDS", 3)
    reader = LearnedReader(shipped_weights())

    assert reader.sums(text).total == pytest.approx(expected)
    assert reader.sums(text).total == pytest.approx(expected)
    assert len(reader._kept) < 3
