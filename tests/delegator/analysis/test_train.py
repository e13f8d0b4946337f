"""Training: the same rows give the same file, and what is learned is what the rows say."""

from itertools import product

import pytest

from delegator.analysis.corpus import Row
from delegator.analysis.learned_reading import LearnedReader, probabilities
from delegator.analysis.train import train
from delegator.words import TaskType

KINDS = {
    ("bug_fix", "senior_developer"): ("crashes on save", "shows a wrong total", "hangs at start", "loses the cursor"),
    ("hr", "chro"): ("hire a nurse", "adjust the salary", "plan the interview", "renew the contract"),
    ("testing", "test_lead"): ("write a test", "cover the edge", "assert the sum", "automate the check"),
}
THINGS = ("page", "form", "shop", "report", "clinic", "ledger", "kitchen", "garage", "archive", "school")


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """A few hundred rows of three kinds, each about the same things."""
    return [
        Row(f"{say} for the {thing} {other}", TaskType(kind), (role,), "request")
        for ((kind, role), says), thing, other in product(KINDS.items(), THINGS, THINGS[:4])
        for say in says
    ]


@pytest.fixture(scope="module")
def trained(rows):
    return train(rows)


def test_the_same_rows_give_the_same_bytes(rows, trained):
    assert train(rows).as_bytes() == trained.as_bytes()


def test_what_the_rows_say_is_learned(trained):
    reader = LearnedReader(trained)
    sums = reader.sums("adjust the salary for the museum").total

    assert trained.types[sums[: len(trained.types)].argmax()] == "hr"
    assert trained.roles[sums[len(trained.types) :].argmax()] == "chro"


def test_it_says_what_it_was_made_from_and_what_was_measured(rows, trained):
    assert sum(trained.origin["rows"].values()) == len(rows)
    assert trained.origin["measured"]["type_right"] > 0.95


def test_probabilities_are_no_surer_than_the_rows_allow(trained):
    chances = probabilities(LearnedReader(trained).sums("zzz").total[: len(trained.types)], trained.type_sharpness)

    assert chances.max() < 0.9
