"""Learning from use in the running system: what history says, retraining from it, and going back.

Owns when what was learned is stored and used. One retraining goes on at a time. It computes for seconds, in a thread,
and ends by itself at its deadline; what is stored is in use when the caller is told, and found again after a crash.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from actors import acting
from actors.active_analysis import InUse
from actors.parts import Parts
from delegator.analysis.corpus import read_corpus
from delegator.analysis.correction import Learned, fingerprint_of
from delegator.analysis.examples import MAX_LESSONS, examples_of
from delegator.analysis.judging import Judged
from delegator.analysis.relearning import Change, Evaluation, HistoryFit, Relearning
from delegator.errors import AnalysisVersionNotFound, DeadlineExceeded, InvalidInput
from delegator.schemas import (
    AnalysisEvaluation,
    AnalysisVersionInfo,
    CorpusFigures,
    EventKind,
    HistoryFigures,
    ListAnalysisVersionsReply,
    ReadingChange,
    ResetAnalysisReply,
    RetrainAnalysisReply,
)
from delegator.store.records import AnalysisVersion, LessonRecord, NewEvent

DEADLINE_S = 45.0
"""Real seconds until a retraining must have ended, waiting for another one included: callers give up after 55."""

SHOWN_CHANGES = 50
SHOWN_CHARS = 200


class AnalysisLearning:
    """Evaluates, retrains and resets the analysis."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts
        self._lock = asyncio.Lock()
        self._relearning: Relearning | None = None

    async def evaluate(self) -> AnalysisEvaluation:
        """Say how the present reading does on what history says, and what retraining would change.

        Raises:
            DeadlineExceeded: it took too long.
        """
        async with self._alone() as ensure_time:
            told, _, _ = await self._evaluated(ensure_time)
            return AnalysisEvaluation(**told)

    async def retrain(self, *, apply: bool) -> RetrainAnalysisReply:
        """Learn from history; with `apply` read by it from now on, unless a guard refuses that.

        Raises:
            DeadlineExceeded: it took too long; nothing has changed.
        """
        async with self._alone() as ensure_time:
            told, evaluation, lessons = await self._evaluated(ensure_time)
            applied = apply and evaluation.refused is None
            version = await self._apply(evaluation, lessons) if applied else None
            return RetrainAnalysisReply(**told, applied=applied, applied_version=version)

    async def reset(self, to: int | None) -> ResetAnalysisReply:
        """Read by the shipped weights alone again, or by an earlier version.

        Raises:
            AnalysisVersionNotFound: there is none of that number.
            InvalidInput: it was learned beside other weights.
            DeadlineExceeded: a retraining goes on.
        """
        async with self._alone():
            version = None if to is None else await self._version(to)
            active = await self._parts.store.active_analysis_version()
            before = None if active is None else active.version
            if before != to:
                data = {"version": to, "version_before": before}
                event = NewEvent(EventKind.ANALYSIS_RESET, self._parts.clock.now(), data=data, by=acting.by())
                await self._parts.store.activate_analysis_version(to, [event])
            await self._parts.analyzer.take(version)
            return ResetAnalysisReply(version=to, version_before=before)

    async def versions(self) -> ListAnalysisVersionsReply:
        """Return every version, the newest first."""
        base = fingerprint_of(self._parts.analyzer.weights)
        in_use = self._parts.analyzer.in_use.version
        return ListAnalysisVersionsReply(
            version=in_use,
            versions=[_shown(v, base, in_use) for v in await self._parts.store.analysis_versions()],
            lessons=await self._parts.store.count_lessons(),
        )

    async def _version(self, number: int) -> AnalysisVersion:
        version = await self._parts.store.analysis_version(number)
        if version is None:
            raise AnalysisVersionNotFound(number)
        if not Learned.from_json(version.weights).fits(self._parts.analyzer.weights):
            expected = "Learn anew from the same lessons with retrain_analysis."
            raise InvalidInput("to", f"version {number} was learned beside other shipped weights", expected)
        return version

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Callable[[], None]]:
        """Keep others out; give a function that raises DeadlineExceeded once the time is over."""
        until = time.monotonic() + DEADLINE_S

        def ensure_time() -> None:
            if time.monotonic() > until:
                raise DeadlineExceeded("learning from use", DEADLINE_S)

        try:
            async with asyncio.timeout(DEADLINE_S):
                await self._lock.acquire()
        except TimeoutError:
            raise DeadlineExceeded("waiting for another retraining", DEADLINE_S) from None
        try:
            yield ensure_time
        finally:
            self._lock.release()

    async def _evaluated(
        self, ensure_time: Callable[[], None]
    ) -> tuple[dict[str, Any], Evaluation, list[LessonRecord]]:
        """Return the fields of the reply, the evaluation itself, and the lessons it is of."""
        began = time.monotonic()
        lessons = await self._parts.store.lessons(limit=MAX_LESSONS)
        in_use = self._parts.analyzer.in_use
        evaluation = await asyncio.to_thread(self._evaluation, lessons, in_use, ensure_time)
        told = {
            "version": in_use.version,
            "lessons": await self._parts.store.count_lessons(),
            "seconds": round(time.monotonic() - began, 2),
            **_of_lessons(lessons),
            **_of_evaluation(evaluation),
        }
        return told, evaluation, lessons

    def _evaluation(
        self, lessons: Sequence[LessonRecord], in_use: InUse, ensure_time: Callable[[], None]
    ) -> Evaluation:
        # In a thread; only one at a time, because of the lock.
        if self._relearning is None:
            analyzer = self._parts.analyzer
            held_back = [row for row in read_corpus() if row.part == "held_back"]
            self._relearning = Relearning(analyzer.weights, held_back, analyzer.analyzer_of)
        return self._relearning.evaluate(examples_of(lessons), in_use.learned, ensure_time=ensure_time)

    async def _apply(self, evaluation: Evaluation, lessons: Sequence[LessonRecord]) -> int:
        """Store what was learned and read by it; return its version. Learned again, the same is no new version."""
        weights = evaluation.learned.as_json()
        in_use = self._parts.analyzer.in_use
        if in_use.learned is not None and in_use.version is not None and in_use.learned.as_json() == weights:
            return in_use.version
        now = self._parts.clock.now()
        measured = evaluation.measured() | {"lessons": len(lessons), "base": evaluation.learned.base}
        data = {"lessons": len(lessons), "changes": len(evaluation.changes), "version_before": in_use.version}
        event = NewEvent(EventKind.ANALYSIS_LEARNED, now, data=data, by=acting.by())
        version = await self._parts.store.add_analysis_version(now, weights, measured, event)
        await self._parts.analyzer.take(version)
        return version.version


def _of_lessons(lessons: Sequence[LessonRecord]) -> dict[str, Any]:
    ratings = [rating for one in lessons if (rating := one.lesson.get("rating")) is not None]
    return {
        "lessons_by_kind": dict(Counter(one.kind for one in lessons)),
        "mean_rating": round(sum(ratings) / len(ratings), 2) if ratings else None,
    }


def _of_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "texts": evaluation.texts,
        "now": _figures(evaluation.now),
        "before": _figures(evaluation.before),
        "after": _figures(evaluation.after),
        "folds": evaluation.folds,
        "corpus_before": _on_corpus(evaluation.corpus_before),
        "corpus_after": _on_corpus(evaluation.corpus_after),
        "changes": [_change(change) for change in evaluation.changes[-SHOWN_CHANGES:]],
        "changes_total": len(evaluation.changes),
        "refused": evaluation.refused,
    }


def _figures(fit: HistoryFit) -> HistoryFigures:
    return HistoryFigures(**asdict(fit))


def _on_corpus(judged: Judged) -> CorpusFigures:
    return CorpusFigures(
        texts=judged.texts,
        type_right=judged.type_right,
        role_right=judged.role_right,
        role_in_two=judged.role_in_two,
    )


def _change(change: Change) -> ReadingChange:
    text = change.text
    return ReadingChange(
        text=text if len(text) <= SHOWN_CHARS else f"{text[: SHOWN_CHARS - 3]}...",
        type_now=change.now.task_type,
        type_then=change.then.task_type,
        team_now=list(change.now.team),
        team_then=list(change.then.team),
    )


def _shown(version: AnalysisVersion, base: str, in_use: int | None) -> AnalysisVersionInfo:
    measured = version.measured
    return AnalysisVersionInfo(
        version=version.version,
        at=version.at,
        active=version.version == in_use,
        lessons=measured["lessons"],
        before=HistoryFigures(**measured["before"]),
        after=HistoryFigures(**measured["after"]),
        fits=measured["base"] == base,
    )
