"""The word for how much is going on."""

import pytest

from delegator.sessions.cpu_load import cpu_load


@pytest.mark.parametrize(
    ("agents", "word"),
    [(0, "idle"), (1, "low"), (2, "low"), (3, "medium"), (5, "medium"), (6, "high"), (9, "high"), (500, "high")],
)
def test_the_word_follows_the_number_of_agents(agents, word):
    assert cpu_load(agents) == word
