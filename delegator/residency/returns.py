"""How soon people come back: the learned rate at which an open session's next task arrives.

Every gap after an answer ends in a task or in the session's close. Learned are: how long the gaps of either kind last
(two histograms, shared by all sessions), and how likely a task is after so many tasks done (one share per number: after
the fourth a fifth is less likely than a second after the first). Together they give the rate of arrivals at any moment
of a gap (the hazard), which falls as it becomes likelier that nobody will come. The wait for a session's first task is
learned apart. Old observations fade, so that habits may change.

Knows no models and no memory: what a return is worth is `lingering.py`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

EDGES_S = (0, 2, 5, 10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 310, 400, 500, 650, 900, 1200, 1800, 3600)
"""Where the stretches of a gap begin, in model seconds; the last one has no end."""

CLASSES = 6
"""Sessions that have done 0, 1, 2, 3, 4, 5 or more tasks."""

FADING = 0.995
"""What one more gap leaves of the weight of those before it: about the last 200 count."""

MOST_COUNTED = 1.0 + 1.0 / (1.0 - FADING)
"""No count can become larger: what one more adds is what fading takes."""

ASSUMED_GAP_S = 240.0
ASSUMED_FIRST_GAP_S = 20.0
ASSUMED_GAPS = 4.0
"""Before anything is known: gaps last four minutes on average, twenty seconds before a session's first task; that
counts as much as this many seen."""

ASSUMED_SHARE = 0.75
ASSUMED_SHARE_GAPS = 2.0
"""Before anything is known: three of four gaps end in a task."""

_OPEN_STRETCH_S = 3600.0
"""How long the last stretch is taken to be."""


class ReturnRates:
    """Learned from gaps: how long a session stood open without a task, and whether a task ended that."""

    def __init__(self) -> None:
        """Know nothing but what is assumed."""
        self.version = 0
        """Rises with everything that is learned."""
        self._lengths = {kind: [0.0] * len(EDGES_S) for kind in ("first", "task", "close")}
        self._ends = [[0.0, 0.0] for _ in range(CLASSES)]
        """By tasks done: gaps that a close, and that a task ended."""
        self._rates: list[tuple[float, ...]] = [()] * CLASSES
        self._cumulative: list[tuple[float, ...]] = [()] * CLASSES
        self._compute_all()

    def learn(self, tasks_done: int, gap_s: float, *, arrived: bool) -> None:
        """Note one gap of `gap_s` model seconds after `tasks_done` tasks; `arrived`: a task ended it, not a close."""
        self.version += 1
        known = _class_of(tasks_done)
        kind = "close" if not arrived else "first" if known == 0 else "task"
        lengths = self._lengths[kind] = [count * FADING for count in self._lengths[kind]]
        lengths[_stretch_of(gap_s)] += 1.0
        ends = self._ends[known] = [count * FADING for count in self._ends[known]]
        ends[arrived] += 1.0
        self._compute_all()

    def _compute_all(self) -> None:
        closes = _density(self._lengths["close"], ASSUMED_GAP_S)
        first = _density(self._lengths["first"], ASSUMED_FIRST_GAP_S)
        later = _density(self._lengths["task"], ASSUMED_GAP_S)
        for known in range(CLASSES):
            self._compute(known, later if known else first, closes)

    def _compute(self, known: int, arrivals: Sequence[float], closes: Sequence[float]) -> None:
        """Turn the two densities and the class's share into a rate for each stretch, and its sum."""
        closed, arrived = self._ends[known]
        share = (arrived + ASSUMED_SHARE * ASSUMED_SHARE_GAPS) / (arrived + closed + ASSUMED_SHARE_GAPS)
        to_come, to_close = share, 1.0 - share
        rates, cumulative = [], [0.0]
        for stretch, width in enumerate(_WIDTHS_S):
            come, close = share * arrivals[stretch], (1.0 - share) * closes[stretch]
            open_on_average = max(1e-9, to_come + to_close - (come + close) / 2)
            rates.append(come / (open_on_average * width))
            cumulative.append(cumulative[-1] + rates[-1] * width)
            to_come, to_close = to_come - come, to_close - close
        self._rates[known] = tuple(rates)
        self._cumulative[known] = tuple(cumulative)

    def cumulative(self, tasks_done: int, idle_s: float) -> float:
        """Return the cumulative rate up to `idle_s`: exp of minus it is the chance that no task has come by then."""
        known = _class_of(tasks_done)
        stretch = _stretch_of(idle_s)
        return self._cumulative[known][stretch] + self._rates[known][stretch] * (idle_s - EDGES_S[stretch])

    # ── remembering ──────────────────────────────────────────────────────────────────────────────────────────────

    def to_json(self) -> dict[str, Any]:
        """Return what has been learned, JSON-ready."""
        return {"edges_s": list(EDGES_S), "lengths": self._lengths, "ends": self._ends}

    def restore(self, learned: Mapping[str, Any]) -> bool:
        """Take over what `to_json` gave in a former life; return False for what does not fit this version."""
        lengths, ends = learned.get("lengths"), learned.get("ends")
        if learned.get("edges_s") != list(EDGES_S) or not isinstance(lengths, Mapping) or not isinstance(ends, list):
            return False
        rows = {kind: _counts(lengths.get(kind), len(EDGES_S)) for kind in self._lengths}
        pairs = [_counts(pair, 2) for pair in ends]
        if len(pairs) != CLASSES or None in pairs or None in rows.values():
            return False
        self._lengths = {kind: row for kind, row in rows.items() if row is not None}
        self._ends = [pair for pair in pairs if pair is not None]
        self._compute_all()
        return True


_WIDTHS_S = [*(end - begin for begin, end in pairwise(EDGES_S)), _OPEN_STRETCH_S]


def _density(counts: Sequence[float], assumed_s: float) -> list[float]:
    """Return the share of gaps that end in each stretch; before anything is known, exponential."""
    total = sum(counts) + ASSUMED_GAPS
    shares = []
    for begin, width, count in zip(EDGES_S, _WIDTHS_S, counts, strict=True):
        assumed = math.exp(-begin / assumed_s) - math.exp(-(begin + width) / assumed_s)
        shares.append((count + ASSUMED_GAPS * assumed) / total)
    return shares


def _class_of(tasks_done: int) -> int:
    return min(tasks_done, CLASSES - 1)


def _stretch_of(idle_s: float) -> int:
    return max(0, bisect_right(EDGES_S, idle_s) - 1)


def _counts(value: object, length: int) -> list[float] | None:
    """Return `value` as counts; None where it is something else."""
    if not isinstance(value, Sequence) or len(value) != length:
        return None
    if not all(isinstance(cell, int | float) and 0 <= cell <= MOST_COUNTED for cell in value):
        return None
    return [float(cell) for cell in value]
