"""How the analysis reads a style of text that it never saw: trained anew without it, measured on its held-back part.

The texts are those on which the shipped weights were measured too, so that the two figures differ by the style alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence

from bench.analysis_report.analysers import ours, tfidf
from bench.analysis_report.labelled import held_back
from bench.analysis_report.scores import Scores, answers_of, score
from delegator.analysis.corpus import Row
from delegator.analysis.learned import LearnedUnderstanding
from delegator.roles import load_catalogue


def left_out(corpus: Sequence[Row], styles: Sequence[str]) -> Iterator[tuple[str, str, Scores]]:
    """Yield (style, analyser, scores) of ours and of `tfidf`, each trained without the style. Takes minutes a style."""
    from delegator.analysis.train import train

    for style in styles:
        begun = time.perf_counter()
        others = [row for row in corpus if row.style != style]
        unseen = held_back(row for row in corpus if row.style == style)
        weights = train(others)
        for name, analyse in (
            ("tfidf", tfidf(others)),
            ("ours", ours(LearnedUnderstanding(load_catalogue("echo"), weights))),
        ):
            yield style, name, score(unseen.rows, *answers_of(analyse, unseen.rows))
        print(f"without {style}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
