"""The measures of the analysis benchmark: from answers and labels to figures."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis_report.analysers import Analyse, Answer
from bench.analysis_report.labelled import Labelled
from delegator.analysis.judging import calibration_error
from delegator.roles.rank import KNOWN_LEVELS
from delegator.simulation.meter import percentile

WARM_UP = 50
"""So many calls are made before any is timed."""

ROLES = len(KNOWN_LEVELS)

Labels = Sequence[tuple[str, str]]
"""(true, said) for each text."""


@dataclass(frozen=True)
class Scores:
    """What one analyser made of some texts; shares are 0 to 1, None where nothing could be measured.

    Attributes:
        texts, with_type, with_role: how many there are, and how many of them have that label.
        type_accuracy: share whose type is right.
        macro_f1: mean F1 over the types that occur as truth.
        role_in_team: share whose role is in the team.
        team_size: mean roles in the team, over the texts with a role.
        lift: role_in_team against a team of that size drawn by lot.
        calibration_error: mean distance between the probability of the type and how often it is right, in ten bins.
        sure: share of texts with a type on which it does not abstain.
        right_when_sure: share of those whose type is right.
        ms_p50, ms_p95: milliseconds of a call.
    """

    texts: int
    with_type: int
    with_role: int
    type_accuracy: float | None
    macro_f1: float | None
    role_in_team: float | None
    team_size: float | None
    lift: float | None
    calibration_error: float | None
    sure: float | None
    right_when_sure: float | None
    ms_p50: float
    ms_p95: float


def answers_of(analyse: Analyse, rows: Sequence[Labelled]) -> tuple[list[Answer], list[float]]:
    """Return an answer and its milliseconds for each text, once the analyser is warm."""
    for row in rows[:WARM_UP]:
        analyse(row.text)
    answers, taken_ms = [], []
    for row in rows:
        begun = time.perf_counter()
        answers.append(analyse(row.text))
        taken_ms.append((time.perf_counter() - begun) * 1000)
    return answers, taken_ms


def score(rows: Sequence[Labelled], answers: Sequence[Answer], taken_ms: Sequence[float]) -> Scores:
    """Measure; there must be one text at least."""
    typed = [(row.task_type, said) for row, said in zip(rows, answers, strict=True) if row.task_type is not None]
    pairs = [(true, said.task_type) for true, said in typed]
    led = [(row.role, said.team) for row, said in zip(rows, answers, strict=True) if row.role is not None]
    sure = [(true, said.task_type) for true, said in typed if said.sure]
    abstains = any(said.sure is not None for _, said in typed)
    role_in_team = _share([role in team for role, team in led])
    team_size = sum(len(team) for _, team in led) / len(led) if led else None
    return Scores(
        texts=len(rows),
        with_type=len(typed),
        with_role=len(led),
        type_accuracy=_share([true == said for true, said in pairs]),
        macro_f1=macro_f1(pairs),
        role_in_team=role_in_team,
        team_size=team_size,
        lift=role_in_team / (team_size / ROLES) if role_in_team is not None and team_size else None,
        calibration_error=_calibration(typed),
        sure=len(sure) / len(typed) if abstains else None,
        right_when_sure=_share([true == said for true, said in sure]),
        ms_p50=percentile(taken_ms, 0.50),
        ms_p95=percentile(taken_ms, 0.95),
    )


def macro_f1(pairs: Labels) -> float | None:
    """Return the mean F1 over the labels that occur as truth; None without any."""
    true, said = Counter(true for true, _ in pairs), Counter(said for _, said in pairs)
    hits = Counter(true for true, said in pairs if true == said)
    return sum(2 * hits[name] / (true[name] + said[name]) for name in true) / len(true) if true else None


def confusion(pairs: Labels, names: Sequence[str]) -> list[list[int]]:
    """Return counts, one row for each true label and one column for each said one."""
    counts = Counter(pairs)
    return [[counts[true, said] for said in names] for true in names]


def _share(hits: Sequence[bool]) -> float | None:
    return sum(hits) / len(hits) if hits else None


def _calibration(typed: Sequence[tuple[str, Answer]]) -> float | None:
    told = [(said.probability, said.task_type == true) for true, said in typed if said.probability is not None]
    if not told:
        return None
    return calibration_error(np.array([chance for chance, _ in told], np.float32), np.array([hit for _, hit in told]))
