"""Learning from use: examples in, a small correction of the weights out.

Owns what is fitted to what. The right types correct the sums of the types; what is wanted and unwanted then corrects
how much each role is needed, on top of the corrected types: where a better type brings the right team by itself,
nothing is left to learn about its roles. The same examples give the same correction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from delegator.analysis.complexity import ComplexityTable
from delegator.analysis.correction import Learned
from delegator.analysis.examples import Example
from delegator.analysis.fitting import Truth, fit
from delegator.analysis.learned import SOFTENING
from delegator.analysis.learned_reading import LearnedReader, probabilities
from delegator.analysis.needs import FAR, NEEDED, USUAL_MARGIN, log_odds, needs_of
from delegator.analysis.sparse_rows import BLOCKS_OPEN, Places, SparseRows, row_of
from delegator.analysis.team import domain_rows
from delegator.analysis.weights import Floats, Weights
from delegator.analysis.words import split_words

REACH = 3.0
"""How far one lesson carries, as the factor on the chance it was wrong by that its text's log-odds move. With 3, one
lesson turns what was nearly a draw or merely usual; it takes three that say the same to turn what looked certain."""

Row = tuple[Places, Floats]


def learn(weights: Weights, examples: Sequence[Example], *, ensure_time: Callable[[], None] = lambda: None) -> Learned:
    """Return the correction that the examples call for; without any it corrects nothing.

    Args:
        weights: what is corrected, and by which the examples are read.
        examples: what use has shown. Roles that the weights do not know teach nothing.
        ensure_time: called again and again; raises when it must end.
    """
    rows = _rows_of(weights, examples, ensure_time)
    shown = [example for example in examples if len(rows[example.text][0])]
    places, values = np.zeros(0, np.intp), np.zeros((0, len(weights.types) + len(weights.roles)), np.float32)
    typed = [example for example in shown if example.task_type in weights.types]
    of_types = _types_learned(weights, typed, rows, ensure_time)
    if of_types is not None:
        places, values = _laid_in(places, values, of_types, at=0)
    learned = Learned.of(weights, places, values)
    cast = [
        example for example in shown if any(role in weights.roles for role in {**example.wanted, **example.unwanted})
    ]
    of_roles = _roles_learned(weights, LearnedReader(weights, learned), cast, rows, ensure_time)
    if of_roles is not None:
        places, values = _laid_in(places, values, of_roles, at=len(weights.types))
    return Learned.of(weights, places, values)


def _rows_of(weights: Weights, examples: Sequence[Example], ensure_time: Callable[[], None]) -> Mapping[str, Row]:
    rows: dict[str, Row] = {}
    for example in examples:
        if example.text not in rows:
            ensure_time()
            rows[example.text] = row_of(example.text, weights)
    return rows


def _types_learned(
    weights: Weights, examples: Sequence[Example], rows: Mapping[str, Row], ensure_time: Callable[[], None]
) -> Row | None:
    """Return the places and values by which the sums of the types are corrected; None: nothing teaches a type."""
    if not examples:
        return None
    reader = LearnedReader(weights)
    sums = np.stack([reader.sums(example.text).total for example in examples])[:, : len(weights.types)]
    right = np.zeros_like(sums)
    for number, example in enumerate(examples):
        if example.task_type is not None:
            right[number, weights.types.index(example.task_type)] = 1.0
    ones = np.ones((len(examples), 1), np.float32)
    truth = Truth(sums * np.float32(weights.type_sharpness), right, ones, exclusive=True)
    places, values = _fitted(truth, examples, rows, ensure_time)
    return places, values / np.float32(weights.type_sharpness)


def _roles_learned(
    weights: Weights,
    reader: LearnedReader,
    examples: Sequence[Example],
    rows: Mapping[str, Row],
    ensure_time: Callable[[], None],
) -> Row | None:
    """Return the places and values that add to the log-odds of each role; None: nothing teaches a role."""
    if not examples:
        return None
    right = np.zeros((len(examples), len(weights.roles)), np.float32)
    weight = np.zeros_like(right)
    for number, example in enumerate(examples):
        for says, value in ((example.wanted, 1.0), (example.unwanted, 0.0)):
            for role in says:
                if role in weights.roles:
                    right[number, weights.roles.index(role)] = value
                    weight[number, weights.roles.index(role)] = says[role]
    table = ComplexityTable()
    margins: dict[str, Floats] = {}
    for text in {example.text: None for example in examples}:
        ensure_time()
        margins[text] = _margins(reader, table, text)
    offset = np.stack([margins[example.text] for example in examples])
    return _fitted(Truth(offset, right, weight, exclusive=False), examples, rows, ensure_time)


def _fitted(truth: Truth, examples: Sequence[Example], rows: Mapping[str, Row], ensure_time: Callable[[], None]) -> Row:
    # A text's row has length 1 for the fit, so that a lesson carries as far whatever the weights are like.
    length = np.float32(BLOCKS_OPEN**0.5)
    sparse = SparseRows.of([(places, values / length) for places, values in (rows[one.text] for one in examples)])
    return sparse.places, fit(sparse, truth, reach=REACH, ensure_time=ensure_time) / length


def _margins(reader: LearnedReader, table: ComplexityTable, text: str) -> Floats:
    """Return by how much the log-odds of each role lie above those that bring it into a team. Shape (roles,)."""
    weights = reader.weights
    sums = reader.sums(text).total
    types = probabilities(sums[: len(weights.types)], weights.type_sharpness)
    own = probabilities(sums[len(weights.types) :], weights.role_sharpness * SOFTENING)
    likeliest = weights.types[int(types.argmax())]
    assessment = table.assess(split_words(text), {}, likeliest)
    chances = dict(zip(weights.types, types.tolist(), strict=True))
    needs = needs_of(chances, dict(zip(weights.roles, own.tolist(), strict=True)), assessment)
    by_role = {need.role: log_odds(min(max(need.total, FAR), 1 - FAR)) - log_odds(NEEDED) for need in needs}
    for row in domain_rows(likeliest, assessment):
        by_role[row.role] = max(by_role.get(row.role, 0.0), USUAL_MARGIN)
    return np.array([by_role[role] for role in weights.roles], np.float32)


def _laid_in(places: Places, values: Floats, more: Row, *, at: int) -> Row:
    """Lay the columns of `more` into the table from column `at` on; places are united."""
    united = np.union1d(places, more[0])
    laid = np.zeros((len(united), values.shape[1]), np.float32)
    laid[np.searchsorted(united, places)] = values
    laid[np.searchsorted(united, more[0]), at : at + more[1].shape[1]] = more[1]
    return united, laid
