"""Learning from examples: they move the reading of their texts and of near ones, not of others."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegator.analysis import Analyzer
from delegator.analysis.correction import MAX_FEATURES, Learned
from delegator.analysis.examples import Example
from delegator.analysis.learned import LearnedUnderstanding
from delegator.analysis.learned_reading import LearnedReader
from delegator.analysis.learning import learn
from delegator.analysis.needs import log_odds
from delegator.analysis.sparse_rows import row_of
from delegator.analysis.weights import shipped_weights
from delegator.errors import DeadlineExceeded
from delegator.roles.catalogue import load_catalogue
from delegator.settings import ComplexityLimits
from delegator.task_analysis import AnalyzeTaskRequest, TaskAnalysis
from delegator.words import TaskType

WEIGHTS = shipped_weights()
TEXT = "Rotate the signing keys of the payment gateway"
NEAR = "Rotate the signing keys of our gateway"
FAR = "Hire two backend engineers"


def chances(text: str, learned: Learned | None) -> dict[TaskType, float]:
    reading = LearnedUnderstanding(load_catalogue("echo"), WEIGHTS, learned).read(text)
    return dict(reading.chances)


def analysed(text: str, learned: Learned | None) -> TaskAnalysis:
    understanding = LearnedUnderstanding(load_catalogue("echo"), WEIGHTS, learned)
    analyzer = Analyzer(load_catalogue("echo"), ComplexityLimits(), understanding=understanding)
    return analyzer.analyze(AnalyzeTaskRequest(task_description=text))


def need(text: str, role: str, learned: Learned | None) -> float:
    return next(found.need for found in analysed(text, learned).needs if found.role == role)


def unlikely_type(text: str) -> TaskType:
    return list(chances(text, None))[-1]


# ── no lessons ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(st.text(max_size=200))
def test_without_lessons_every_sum_is_as_shipped(text: str) -> None:
    shipped, learned = LearnedReader(WEIGHTS).sums(text), LearnedReader(WEIGHTS, learn(WEIGHTS, [])).sums(text)

    assert (shipped.words, shipped.taught.size) == (learned.words, 0)
    assert np.array_equal(shipped.by_word, learned.by_word)
    assert np.array_equal(shipped.rest, learned.rest)
    assert not learned.taught.any()


@pytest.mark.parametrize("text", [TEXT, FAR, "", "?!", "Fix typo in README"])
def test_without_lessons_the_reading_is_the_same(text: str) -> None:
    catalogue = load_catalogue("echo")

    assert (
        LearnedUnderstanding(catalogue, WEIGHTS, learn(WEIGHTS, [])).read(text)
        == LearnedUnderstanding(catalogue, WEIGHTS).read(text)
        == LearnedUnderstanding(catalogue).read(text)
    )


def test_examples_that_say_nothing_the_weights_know_correct_nothing() -> None:
    examples = [Example("", TaskType.HR), Example(TEXT, None, {"chief_of_magic": 1.0}), Example(TEXT)]

    assert len(learn(WEIGHTS, examples).keys) == 0


# ── what lessons do ───────────────────────────────────────────────────────────────────────────────────────────────


def test_lessons_about_a_type_move_that_text_most_near_ones_less_and_others_hardly() -> None:
    right = unlikely_type(TEXT)
    learned = learn(WEIGHTS, [Example(TEXT, right)] * 4)

    moved = {
        text: log_odds(chances(text, learned)[right]) - log_odds(chances(text, None)[right])
        for text in (TEXT, NEAR, FAR)
    }
    assert next(iter(chances(TEXT, learned))) is right
    assert moved[TEXT] > moved[NEAR] > 1
    assert abs(moved[FAR]) < 0.1


def test_one_lesson_moves_less_than_several() -> None:
    right = unlikely_type(TEXT)

    found = [chances(TEXT, learn(WEIGHTS, [Example(TEXT, right)] * count))[right] for count in (0, 1, 2, 4, 8)]

    assert found == sorted(found)
    assert found[1] < 0.5 < found[-1]


def test_roles_that_are_called_for_join_and_others_stay_out() -> None:
    before = analysed(TEXT, None)
    wanted = next(role.role for role in reversed(before.needs) if not role.chosen)
    unwanted = before.recommended_agents[0]
    learned = learn(WEIGHTS, [Example(TEXT, None, {wanted: 1.0}, {unwanted: 1.0})] * 5)

    after = analysed(TEXT, learned)
    told = {role.role: role for role in after.needs}

    assert wanted in after.recommended_agents
    assert unwanted not in after.recommended_agents
    assert told[wanted].because == "use has taught that such work needs it"
    assert told[unwanted].because == "use has taught that such work does not need it"
    assert told[unwanted].flip == "Without what use has taught it would join."
    assert analysed(FAR, learned).recommended_agents == analysed(FAR, None).recommended_agents


def test_a_role_that_security_brings_in_can_be_unlearned() -> None:
    text = "Add user authentication feature"
    assert "senior_architect" in analysed(text, None).recommended_agents

    learned = learn(WEIGHTS, [Example(text, None, {}, {"senior_architect": 1.0})] * 2)

    assert "senior_architect" not in analysed(text, learned).recommended_agents


def test_a_hint_moves_less_than_a_plain_word() -> None:
    role = analysed(TEXT, None).recommended_agents[0]

    plain, hint = (need(TEXT, role, learn(WEIGHTS, [Example(TEXT, None, {}, {role: w})])) for w in (1.0, 0.3))

    assert plain < hint < need(TEXT, role, None)


def test_of_a_role_that_the_right_type_brings_by_itself_less_is_learned() -> None:
    column = WEIGHTS.roles.index("chro")
    assert "chro" not in analysed(TEXT, None).recommended_agents

    taught = [
        LearnedReader(WEIGHTS, learn(WEIGHTS, [Example(TEXT, right, {"chro": 1.0})] * 6)).sums(TEXT).taught[column]
        for right in (None, TaskType.HR)
    ]

    assert 0 < taught[1] < taught[0]


def test_an_unknown_word_is_learned_by_its_parts() -> None:
    right = TaskType.HR
    learned = learn(WEIGHTS, [Example("Look after the zorbulator", right)] * 4)

    moved = [chances(text, learned)[right] - chances(text, None)[right] for text in ("zorbulators", "xyqqux")]

    assert moved[0] > abs(moved[1])


# ── the correction itself ─────────────────────────────────────────────────────────────────────────────────────────

WORDS = st.sampled_from([*TEXT.split(), *FAR.split(), "zorbulator", "parseHeader", "down", "3.5", "?", "crashes"])
TEXTS = st.lists(WORDS, max_size=14).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.lists(st.tuples(TEXTS, st.sampled_from(list(WEIGHTS.types))), max_size=4))
def test_what_a_fit_foresees_is_what_the_reader_adds(text: str, taught: Sequence[tuple[str, TaskType]]) -> None:
    learned = learn(WEIGHTS, [Example(one, right, {"cto": 1.0}, {"ceo": 1.0}) for one, right in taught])
    shipped, corrected = LearnedReader(WEIGHTS).sums(text), LearnedReader(WEIGHTS, learned).sums(text)
    places, values = row_of(text, WEIGHTS)
    table = np.zeros((len(WEIGHTS.keys), len(WEIGHTS.bias)), np.float32)
    table[np.searchsorted(WEIGHTS.keys, learned.keys)] = learned.steps * learned.factors[:, None]

    foreseen = values @ table[places]

    types = len(WEIGHTS.types)
    np.testing.assert_allclose((corrected.total - shipped.total)[:types], foreseen[:types], atol=2e-4)
    np.testing.assert_allclose(corrected.taught, foreseen[types:], atol=2e-4)
    np.testing.assert_allclose((corrected.total - shipped.total)[types:], 0, atol=1e-5)


def several() -> list[Example]:
    return [
        Example(TEXT, TaskType.HR, {"cto": 1.0}),
        Example(NEAR, TaskType.TESTING),
        Example(FAR, None, {}, {"ceo": 0.3}),
    ]


def test_learning_is_deterministic() -> None:
    assert learn(WEIGHTS, several()).as_json() == learn(WEIGHTS, several()).as_json()


def test_a_correction_survives_json_bit_by_bit() -> None:
    learned = learn(WEIGHTS, several())

    again = Learned.from_json(json.loads(json.dumps(learned.as_json())))

    assert again.as_json() == learned.as_json()
    for text in (TEXT, NEAR, FAR):
        assert np.array_equal(
            LearnedReader(WEIGHTS, again).sums(text).total, LearnedReader(WEIGHTS, learned).sums(text).total
        )


def test_a_correction_fits_the_weights_it_was_learned_beside_alone() -> None:
    learned = learn(WEIGHTS, several())

    assert learned.fits(WEIGHTS)
    assert not learned.fits(replace(WEIGHTS, bias=WEIGHTS.bias + 1))


def test_the_features_with_most_effect_are_kept_within_about_a_megabyte() -> None:
    count = MAX_FEATURES + 5
    values = np.full((count, len(WEIGHTS.bias)), 0.01, np.float32)
    values[-3:] = 50.0
    learned = Learned.of(WEIGHTS, np.arange(count), values)

    assert len(learned.keys) == MAX_FEATURES
    assert set(WEIGHTS.keys[count - 3 : count]) <= set(learned.keys)
    assert len(json.dumps(learned.as_json())) < 1_000_000


def test_learning_ends_when_its_time_is_over() -> None:
    def over() -> None:
        raise DeadlineExceeded("learning", 1)

    with pytest.raises(DeadlineExceeded):
        learn(WEIGHTS, several(), ensure_time=over)
