"""Trains the learned reading from the corpus: `python -m delegator.analysis.train`.

A program of its own, for those who develop Delegator: it needs scikit-learn, of the extra `dev`, which reading texts
does not. Rows of part `train` give weights, rows of `tune` make their probabilities honest and set the threshold of
doubt; then both give the weights that are kept. Rows of `held_back` are only measured. The same corpus gives the same
file.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from delegator.analysis.corpus import Row, digest_of, read_corpus
from delegator.analysis.features import BLOCKS, PER_WORD, features_of, keys_of_word
from delegator.analysis.judging import judge
from delegator.analysis.learned_reading import LearnedReader, probabilities
from delegator.analysis.weights import Floats, Weights, in_steps
from delegator.words import TaskType

LEAST_ROWS: Mapping[str, int] = dict(zip(BLOCKS, (2, 3, 2, 3, 3, 2), strict=True))
"""A feature that fewer texts show says nothing yet. Parts of words, pairs and openings are so many that chance needs
one more, and the file would outgrow its 4 MB."""

TYPE_SCALES: Mapping[str, float] = dict(zip(BLOCKS, (1.0, 1.0, 0.6, 1.0, 0.6, 0.6), strict=True))
ROLE_SCALES: Mapping[str, float] = dict(zip(BLOCKS, (1.0, 1.0, 1.0, 0.6, 0.4, 0.6), strict=True))
"""How much each block of features may say. Whose work it is hangs on what it is about (concepts), and less on how it is
put; chosen on texts of other sources."""

TYPE_FREEDOM, ROLE_FREEDOM = 1.0, 1.0
"""scikit-learn's C: larger fits the corpus more closely, and other sources less."""

CODE_STYLES = frozenset({"issue", "commit", "release_note"})
CODE_WEIGHT = 0.15
"""What a row of these counts for roles: nearly all are a developer's, whatever they speak of."""

DUTY_WEIGHT = 0.4
"""What a row of style `duty` counts for types: they are half of the corpus because they tell roles apart, and the kind
of work that a position's duty is hangs on the house. Chosen on texts of other sources."""

ERROR_RATE = 0.10
"""In at most so many of the texts like those of the corpus, the true type is not among the possible readings."""

OUT = Path(__file__).parent / "data" / "weights.npz"

Labels = npt.NDArray[np.str_]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The features that are kept: their keys, their blocks, and how rare each is."""

    keys: npt.NDArray[np.uint32]
    blocks: npt.NDArray[np.int8]
    rarity: Floats

    def scales(self, scales: Mapping[str, float]) -> Floats:
        """Return a factor for each feature."""
        return np.array([scales[block] for block in BLOCKS], np.float32)[self.blocks]


def main(argv: Sequence[str] | None = None) -> int:
    """Train, say what was measured, and write the file; 1 where `--check` finds another file than the one there."""
    options = argparse.ArgumentParser(prog="python -m delegator.analysis.train", description=__doc__.splitlines()[0])
    options.add_argument("--out", type=Path, default=OUT, help="where the weights go (default: where they are read)")
    options.add_argument("--check", action="store_true", help="write nothing; say whether the file would be the same")
    given = options.parse_args(argv)
    weights = train(read_corpus())
    data = weights.as_bytes()
    for name, value in weights.origin["measured"].items():
        print(f"{name:28} {value}")  # noqa: T201 - a program for developers
    if given.check:
        same = given.out.exists() and given.out.read_bytes() == data
        print("the same file" if same else "ANOTHER FILE: run it without --check")  # noqa: T201
        return 0 if same else 1
    given.out.write_bytes(data)
    print(f"{len(data):,} bytes in {given.out.name}")  # noqa: T201
    return 0


def train(rows: Sequence[Row]) -> Weights:
    """Return weights from a corpus, with what was measured on its held-back part."""
    parts = {part: [row for row in rows if row.part == part] for part in ("train", "tune", "held_back")}
    honest = _with_honest_chances(_fit(parts["train"]), parts["tune"])
    # What made the probabilities honest has done its part, and may then be learned from as well.
    weights = replace(
        _fit([*parts["train"], *parts["tune"]]),
        type_sharpness=honest.type_sharpness,
        role_sharpness=honest.role_sharpness,
        possible_from=honest.possible_from,
    )
    measured = judge(LearnedReader(weights), parts["held_back"])
    origin = {
        "corpus": digest_of(rows),
        "rows": {part: len(found) for part, found in parts.items()},
        "measured": measured.as_json(),
    }
    return replace(weights, origin=origin)


# ── fitting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _fit(rows: Sequence[Row]) -> Weights:
    documents = [_blocks_of(row.text) for row in rows]
    vocabulary = _vocabulary(documents)
    matrix = _matrix(documents, vocabulary)
    labels = np.array([row.task_type.value for row in rows])
    duties = np.array([row.style == "duty" for row in rows])
    counts = np.where(duties, DUTY_WEIGHT, 1.0)
    types, type_coefs, type_bias = _columns(matrix, vocabulary.scales(TYPE_SCALES), labels, counts, TYPE_FREEDOM)
    leads = np.array([row.roles[0] for row in rows])
    counts = _balanced(leads, np.array([CODE_WEIGHT if row.style in CODE_STYLES else 1.0 for row in rows]))
    roles, role_coefs, role_bias = _columns(matrix, vocabulary.scales(ROLE_SCALES), leads, counts, ROLE_FREEDOM)
    steps, factors = in_steps(np.concatenate([type_coefs, role_coefs], axis=1))
    return Weights(
        types=tuple(TaskType(name) for name in types),
        roles=tuple(roles),
        keys=vocabulary.keys,
        rarity=vocabulary.rarity.astype(np.float16).astype(np.float32),
        steps=steps,
        factors=factors,
        bias=np.concatenate([type_bias, role_bias]).astype(np.float32),
        type_sharpness=1.0,
        role_sharpness=1.0,
        error_rate=ERROR_RATE,
        possible_from=0.0,
        origin={},
    )


def _columns(
    matrix: sparse.csr_matrix, scales: Floats, labels: Labels, counts: Doubles, freedom: float
) -> tuple[list[str], Floats, Floats]:
    """Fit one column a label, each row counting as `counts` says.

    Returns:
        The labels, weights of shape (features, labels), and the bias.
    """
    model = LogisticRegression(C=freedom, max_iter=300, tol=1e-4)
    model.fit(matrix @ sparse.diags(scales.astype(np.float64)), labels, sample_weight=counts)
    return [str(label) for label in model.classes_], (model.coef_ * scales).T.astype(np.float32), model.intercept_


def _balanced(labels: Labels, counts: Doubles) -> Doubles:
    """Let every label count alike: how often a role stands in the corpus says nothing about whom a text needs."""
    names, places = np.unique(labels, return_inverse=True)
    totals = np.bincount(places, weights=counts)
    even: Doubles = counts * (counts.sum() / len(names) / totals)[places]
    return even


def _blocks_of(text: str) -> list[tuple[int, ...]]:
    """Return the keys of a text, block by block in the order of `BLOCKS`; a key stands as often as a word brings it."""
    features = features_of(text)
    words = [keys_of_word(word) for word in features.words]
    per_word = [tuple(key for word in words for key in word[block]) for block in range(len(PER_WORD))]
    return [*per_word, tuple(features.pairs), features.opening, features.shape]


def _vocabulary(documents: Iterable[Sequence[Sequence[int]]]) -> Vocabulary:
    shown_by: Counter[int] = Counter()
    block_of: dict[int, int] = {}
    count = 0
    for document in documents:
        count += 1
        for block, keys in enumerate(document):
            distinct = set(keys)
            shown_by.update(distinct)
            block_of.update(dict.fromkeys(distinct, block))
    least = [LEAST_ROWS[block] for block in BLOCKS]
    keys = sorted(key for key, times in shown_by.items() if times >= least[block_of[key]])
    rarity = [np.log((1 + count) / (1 + shown_by[key])) + 1 for key in keys]
    return Vocabulary(
        np.array(keys, np.uint32), np.array([block_of[key] for key in keys], np.int8), np.array(rarity, np.float32)
    )


def _matrix(documents: Sequence[Sequence[Sequence[int]]], vocabulary: Vocabulary) -> sparse.csr_matrix:
    """Return the features of each text, scaled within each block as `LearnedReader` scales them."""
    place = {int(key): number for number, key in enumerate(vocabulary.keys)}
    rows: list[int] = []
    columns: list[int] = []
    values: list[Floats] = []
    for number, document in enumerate(documents):
        for keys in document:
            known = [place[key] for key in keys if key in place]
            if known:
                rarity = vocabulary.rarity[known]
                rows += [number] * len(known)
                columns += known
                values.append(rarity / np.sqrt(np.square(rarity).sum()))
    shape = (len(documents), len(vocabulary.keys))
    return sparse.csr_matrix((np.concatenate(values).astype(np.float64), (rows, columns)), shape=shape)


# ── honest probabilities ──────────────────────────────────────────────────────────────────────────────────────────


def _with_honest_chances(weights: Weights, rows: Sequence[Row]) -> Weights:
    """Scale the sums so that their probabilities are calibrated on `rows`, and set the threshold of doubt there."""
    reader = LearnedReader(weights)
    sums = np.stack([reader.sums(row.text).total for row in rows])
    type_sums, role_sums = sums[:, : len(weights.types)], sums[:, len(weights.types) :]
    true_types = np.array([weights.types.index(row.task_type) for row in rows])
    true_roles = np.array([weights.roles.index(row.roles[0]) for row in rows])
    type_sharpness, role_sharpness = _sharpness(type_sums, true_types), _sharpness(role_sums, true_roles)
    chances = probabilities(type_sums, type_sharpness)[np.arange(len(rows)), true_types]
    return replace(
        weights,
        type_sharpness=type_sharpness,
        role_sharpness=role_sharpness,
        possible_from=_least_possible(chances, ERROR_RATE),
    )


def _sharpness(sums: Floats, truth: npt.NDArray[np.intp]) -> float:
    """Return the factor under which the truth is likeliest (temperature scaling, Guo et al. 2017)."""

    def surprise(sharpness: float) -> float:
        chances = probabilities(sums, sharpness)[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chances, 1e-12)).mean())

    return round(float(minimize_scalar(surprise, bounds=(0.2, 5.0), method="bounded").x), 4)


def _least_possible(chances: Floats, error_rate: float) -> float:
    """Return the probability from which a type counts as possible, so that the truth is missed at most so often.

    Split conformal prediction (Vovk et al. 2005): with n rows that the weights have not seen, the truth of a further
    one lies below the k-th smallest of their probabilities, k = floor((n + 1) * error_rate), in that share of cases
    at most.
    """
    place = max(int((len(chances) + 1) * error_rate) - 1, 0)
    return round(float(np.sort(chances)[place]), 6)


if __name__ == "__main__":
    sys.exit(main())
