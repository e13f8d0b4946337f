"""Reading by the shipped weights: probabilities, words that decided, and how good it is where it was never trained."""

import subprocess
import sys

import numpy as np
import pytest

from delegator.analysis.corpus import digest_of, read_corpus
from delegator.analysis.features import features_of
from delegator.analysis.judging import calibration_error, judge
from delegator.analysis.learned import LearnedUnderstanding
from delegator.analysis.learned_reading import LearnedReader
from delegator.analysis.tokens import text_without
from delegator.analysis.weights import Weights, in_steps, shipped_weights

ROWS = read_corpus()
HELD_BACK = [row for row in ROWS if row.part == "held_back"]


@pytest.fixture(scope="module")
def understanding(echo):
    return LearnedUnderstanding(echo)


@pytest.fixture(scope="module")
def judged():
    return judge(LearnedReader(shipped_weights()), HELD_BACK)


def test_the_weights_are_those_of_this_corpus():
    assert shipped_weights().origin["corpus"] == digest_of(ROWS), "run: python -m delegator.analysis.train"


def test_what_the_file_says_of_itself_is_what_is_measured(judged):
    assert shipped_weights().origin["measured"] == pytest.approx(judged.as_json(), abs=0.002)


def test_probabilities_are_honest_on_texts_it_has_not_seen(judged):
    assert judged.calibration_error <= 0.05


def test_when_it_is_sure_it_is_right_and_the_stated_error_rate_holds(judged):
    assert judged.right_when_sure >= 0.85
    assert judged.sure > 0.4
    assert 1 - judged.truth_possible <= shipped_weights().error_rate + 0.02  # a held-back part is a sample


def test_the_file_is_small():
    assert len(shipped_weights().as_bytes()) < 4_000_000


def test_weights_survive_their_file():
    weights = shipped_weights()
    again = Weights.from_bytes(weights.as_bytes())

    assert again.as_bytes() == weights.as_bytes()
    assert np.array_equal(again.steps, weights.steps)


def test_steps_keep_weights_to_a_hundredth_of_a_features_largest():
    weights = np.array([[1.0, -0.5, 0.25], [0.0, 0.0, 0.0], [1e-3, -2e-3, 5e-4]], np.float32)
    steps, factors = in_steps(weights)

    assert np.abs(steps * factors[:, None] - weights).max(axis=1) == pytest.approx([0, 0, 0], abs=0.01)
    assert (steps[1] == 0).all()


def test_what_words_contribute_adds_up_to_the_reading():
    reader = LearnedReader(shipped_weights())
    sums = reader.sums("Rotate the TLS certificates on all servers")

    assert sums.by_word.shape == (len(sums.words), len(shipped_weights().bias))
    assert sums.total == pytest.approx(sums.by_word.sum(axis=0) + sums.rest, abs=1e-5)


@pytest.mark.parametrize("text", ["", "?!", "Fix it", "NullPointerException in Main: why, oh why?"])
def test_the_quick_sum_is_the_same_sum(text):
    reader = LearnedReader(shipped_weights())
    own, taught = reader.total(text)

    assert own == pytest.approx(reader.sums(text).total, abs=1e-4)
    assert len(taught) == 0


def test_a_reading_is_made_of_probabilities(understanding):
    for row in HELD_BACK[::97]:
        reading = understanding.read(row.text)
        assert sum(reading.chances.values()) == pytest.approx(1, abs=1e-4)
        assert sum(reading.own.values()) == pytest.approx(1, abs=1e-4)
        assert list(reading.chances.values()) == sorted(reading.chances.values(), reverse=True)
        assert set(reading.possible) <= set(reading.chances)


def test_the_words_that_decided_stand_in_the_text_in_its_order(understanding):
    text = "Adjust salaries after the annual review"
    words = understanding.read(text).words["hr"]

    assert "salaries" in words
    assert [text.lower().index(word) for word in words] == sorted(text.lower().index(word) for word in words)


def test_without_the_turning_words_it_reads_as_said(understanding):
    tried = 0
    for row in HELD_BACK[::41]:
        reading = understanding.read(row.text)
        if reading.turning is not None:
            tried += 1
            assert reading.turning.to is not reading.task_type
            assert set(reading.turning.words) <= set(features_of(row.text).words)
            rest = text_without(row.text, reading.turning.words)
            assert understanding.read(rest).task_type is reading.turning.to
    assert tried > 10


def test_roles_that_only_a_catalogue_knows_are_called_by_its_keywords(catalogue_of):
    catalogue = catalogue_of({"senior_developer": (), "baker": ("bread oven",)})
    reading = LearnedUnderstanding(catalogue).read("Fix the crash in the bread oven")

    assert reading.own["baker"] == 1.0
    assert reading.words["baker"] == ("bread oven",)
    assert set(reading.own) == {"senior_developer", "baker"}


@pytest.mark.parametrize("text", ["", ".", "???", "🚀🚀", "修复错误", "\x01\x02", "a" * 10_000])
def test_any_text_gets_a_reading(understanding, text):
    assert understanding.read(text).task_type


def test_calibration_error_is_the_mean_distance_over_the_bins():
    chances = np.array([0.95, 0.95, 0.55, 0.55], np.float32)
    right = np.array([True, True, True, False])

    assert calibration_error(chances, right) == pytest.approx((0.05 * 2 + 0.05 * 2) / 4, abs=1e-6)


def test_the_analysis_is_imported_without_the_programs_around_it():
    heavy = ("numpy", "ray", "fastapi", "sqlalchemy", "sklearn", "scipy", "pydantic_settings", "delegator.schemas")
    told = subprocess.run(
        [sys.executable, "-c", f"import sys, delegator.analysis; print([m for m in {heavy!r} if m in sys.modules])"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert told.stdout.strip() == "[]", told.stderr
