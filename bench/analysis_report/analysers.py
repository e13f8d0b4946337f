"""The analysers that are compared: what each answers about a text."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bench.analysis_report import origin
from delegator.analysis import Analyzer
from delegator.analysis.corpus import Row
from delegator.roles import load_catalogue
from delegator.settings import ComplexityLimits
from delegator.task_analysis import AnalyzeTaskRequest

if TYPE_CHECKING:
    from delegator.analysis import Understanding

OURS = "ours"

TEAM_SIZE = 2
"""Roles that `tfidf` takes: its two likeliest."""


class Answer(NamedTuple):
    """What an analyser says of a text.

    Attributes:
        team: the most needed role first.
        probability: of the type; None where the analyser has none.
        sure: False where it abstains; None where it never does.
    """

    task_type: str
    team: tuple[str, ...]
    probability: float | None = None
    sure: bool | None = None


Analyse = Callable[[str], Answer]


def ours(understanding: Understanding | None = None) -> Analyse:
    """Return Delegator's analysis from end to end, with the echo catalogue and the default limits."""
    analyzer = Analyzer(load_catalogue("echo"), ComplexityLimits(), understanding=understanding)

    def analyse(text: str) -> Answer:
        found = analyzer.analyze(AnalyzeTaskRequest(task_description=text))
        team = tuple(need.role for need in found.needs if need.chosen)
        return Answer(found.task_type.value, team, found.probability, found.confidence != "low")

    return analyse


def by_origin() -> Analyse:
    def analyse(text: str) -> Answer:
        task_type = origin.type_of(text)
        return Answer(task_type, origin.team_of(task_type))

    return analyse


def tfidf(rows: Iterable[Row]) -> Analyse:
    """Train TF-IDF and logistic regression on the corpus part that ours is trained on."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    known = [row for row in rows if row.part == "train"]
    vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    matrix = vectors.fit_transform([row.text for row in known])
    types = LogisticRegression(C=5, max_iter=300).fit(matrix, [row.task_type.value for row in known])
    roles = LogisticRegression(C=5, max_iter=300, class_weight="balanced").fit(matrix, [row.roles[0] for row in known])

    def analyse(text: str) -> Answer:
        vector = vectors.transform([text])
        chances = types.predict_proba(vector)[0]
        team = roles.classes_[roles.predict_proba(vector)[0].argsort()[::-1][:TEAM_SIZE]]
        best = chances.argmax()
        return Answer(str(types.classes_[best]), tuple(map(str, team)), float(chances[best]))

    return analyse


NAMES = ("origin", "tfidf", OURS)


def make(names: Sequence[str], corpus: Callable[[], Sequence[Row]]) -> Mapping[str, Analyse]:
    """Return {name: analyser}, in the order of `NAMES`; those that must be trained are, from the corpus."""
    made: dict[str, Analyse] = {}
    for name in NAMES:
        if name in names:
            begun = time.perf_counter()
            made[name] = {"origin": by_origin, "tfidf": lambda: tfidf(corpus()), OURS: ours}[name]()
            print(f"{name} is ready after {time.perf_counter() - begun:.1f} s", file=sys.stderr)
    return made
