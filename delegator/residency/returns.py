"""How soon people come back: the learned rate at which an open session's next task arrives.

A life table. Time since a session's last answer is cut into stretches; for each stretch it is counted how many tasks
arrived in it and for how long sessions stood open in it. Arrivals by exposure is the rate (the hazard). Sessions are
told apart by how many tasks they have done, because after the fourth task a fifth is less likely than a second after
the first; what a class has not seen yet it borrows from all. Old observations fade, so that habits may change.

Knows no models and no memory: what a return is worth is `lingering.py`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

EDGES_S = (0, 2, 5, 10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 310, 400, 500, 650, 900, 1200, 1800, 3600)
"""Where the stretches begin, in model seconds; the last one has no end."""

CLASSES = 6
"""Sessions that have done 0, 1, 2, 3, 4, 5 or more tasks."""

FADING = 0.995
"""What one more gap leaves of the weight of those before it: about the last 200 count."""

PRIOR_RATE = 1 / 240
"""Arrivals a second before anything is known: people come back after some minutes."""

PRIOR_ARRIVALS = 0.5
"""How many arrivals of one stretch the prior is worth."""

BORROWED_ARRIVALS = 3.0
"""How many arrivals of one stretch the experience of all classes is worth to one class."""


class ReturnRates:
    """Learned from gaps: how long a session stood open without a task, and whether a task ended that."""

    def __init__(self) -> None:
        """Know nothing but the prior."""
        self.version = 0
        """Rises with everything that is learned."""
        self._arrivals = [[0.0] * len(EDGES_S) for _ in range(CLASSES + 1)]
        self._exposure_s = [[0.0] * len(EDGES_S) for _ in range(CLASSES + 1)]
        self._rates: list[tuple[float, ...]] = []
        self._cumulative: list[tuple[float, ...]] = []
        for known in range(CLASSES):
            self._rates.append(())
            self._cumulative.append(())
            self._compute(known)

    def learn(self, tasks_done: int, gap_s: float, *, arrived: bool) -> None:
        """Note one gap of `gap_s` model seconds after `tasks_done` tasks; `arrived`: a task ended it, not a close.

        The wait for a session's first task (`tasks_done` 0) says nothing about people's returns: it counts alone.
        """
        self.version += 1
        known = _class_of(tasks_done)
        for row in [known] if known == 0 else [known, CLASSES]:
            self._note(row, gap_s, arrived=arrived)
        for changed in [known] if known == 0 else range(1, CLASSES):
            self._compute(changed)

    def _note(self, row: int, gap_s: float, *, arrived: bool) -> None:
        arrivals, exposure = self._arrivals[row], self._exposure_s[row]
        for stretch, begin in enumerate(EDGES_S):
            end = EDGES_S[stretch + 1] if stretch + 1 < len(EDGES_S) else float("inf")
            stood = min(gap_s, end) - begin
            exposure[stretch] = exposure[stretch] * FADING + max(0.0, stood)
            arrivals[stretch] *= FADING
        if arrived:
            arrivals[_stretch_of(gap_s)] += 1.0

    def _compute(self, known: int) -> None:
        own_arrivals, own_exposure = self._arrivals[known], self._exposure_s[known]
        all_arrivals, all_exposure = self._arrivals[CLASSES], self._exposure_s[CLASSES]
        rates = []
        for stretch in range(len(EDGES_S)):
            expected = (all_arrivals[stretch] + PRIOR_ARRIVALS) / (
                all_exposure[stretch] + PRIOR_ARRIVALS / PRIOR_RATE
            )
            weight = PRIOR_ARRIVALS if known == 0 else BORROWED_ARRIVALS
            rates.append((own_arrivals[stretch] + weight) / (own_exposure[stretch] + weight / expected))
        cumulative = [0.0]
        for stretch in range(len(EDGES_S) - 1):
            cumulative.append(cumulative[-1] + rates[stretch] * (EDGES_S[stretch + 1] - EDGES_S[stretch]))
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
        return {"edges_s": list(EDGES_S), "arrivals": self._arrivals, "exposure_s": self._exposure_s}

    def restore(self, learned: Mapping[str, Any]) -> bool:
        """Take over what `to_json` gave in a former life; return False for what does not fit this version."""
        arrivals, exposure = _table(learned.get("arrivals")), _table(learned.get("exposure_s"))
        if learned.get("edges_s") != list(EDGES_S) or arrivals is None or exposure is None:
            return False
        self._arrivals, self._exposure_s = arrivals, exposure
        for known in range(CLASSES):
            self._compute(known)
        return True


def _class_of(tasks_done: int) -> int:
    return min(tasks_done, CLASSES - 1)


def _stretch_of(idle_s: float) -> int:
    return max(0, bisect_right(EDGES_S, idle_s) - 1)


def _table(value: object) -> list[list[float]] | None:
    """Return `value` as a table of one row per class and one for all; None where it is none."""
    if not isinstance(value, Sequence) or len(value) != CLASSES + 1:
        return None
    for row in value:
        if not isinstance(row, Sequence) or len(row) != len(EDGES_S):
            return None
        if not all(isinstance(cell, int | float) and math.isfinite(cell) and cell >= 0 for cell in row):
            return None
    return [list(map(float, row)) for row in value]
