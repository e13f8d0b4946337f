"""What learning from history would change, measured before anybody applies it; and when it is refused.

Owns the figures and the guards. A correction is judged on lessons it has not seen (k-fold, lessons of one text always
in one fold) and on the held-back part of the project's corpus. It is refused where either gets worse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from delegator.analysis.analyzer import Analyzer
from delegator.analysis.corpus import Row, bare
from delegator.analysis.correction import Learned
from delegator.analysis.examples import Example
from delegator.analysis.judging import Judged, judge
from delegator.analysis.learned_reading import LearnedReader
from delegator.analysis.learning import learn
from delegator.analysis.weights import Weights
from delegator.task_analysis import AnalyzeTaskRequest
from delegator.words import TaskType

FOLDS = 5

MEASURED_TEXTS = 300
"""Figures are of so many of the newest texts at most: that tells a difference, and keeps the time short."""

CORPUS_LOSS = 0.01
"""By so much at most right types, and right roles among the first two, may fall on the held-back part of the corpus."""


@dataclass(frozen=True, slots=True)
class HistoryFit:
    """How readings of some texts go with what was said of them.

    Attributes:
        types_given, types_right: texts whose type somebody gave, and those of them that are read as it.
        wanted, wanted_there: roles that were called for, and those of them that are in the team.
        unwanted, unwanted_there: roles that were not called for, and those of them that are in the team all the same.
    """

    types_given: int = 0
    types_right: int = 0
    wanted: int = 0
    wanted_there: int = 0
    unwanted: int = 0
    unwanted_there: int = 0

    def __add__(self, other: HistoryFit) -> HistoryFit:
        mine, others = asdict(self), asdict(other)
        return HistoryFit(**{name: mine[name] + others[name] for name in mine})


@dataclass(frozen=True, slots=True)
class Read:
    """What a text is read as, and the team it gets."""

    task_type: TaskType
    team: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """A text that retraining would read otherwise."""

    text: str
    now: Read
    then: Read


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What history says about a reading, and what retraining would make of it.

    Attributes:
        learned: the correction that all lessons call for.
        texts: how many texts the figures are of.
        now: the present reading, which may have learned from these very texts.
        before, after: the shipped reading and a retrained one on the same texts, each unseen by it. Without `folds`
            nothing could be held out, and both are empty.
        corpus_before, corpus_after: both on the held-back part of the corpus.
        changes: texts that would be read otherwise than now.
        refused: why the correction is not to be applied; None where it may be.
    """

    learned: Learned
    texts: int
    now: HistoryFit
    before: HistoryFit
    after: HistoryFit
    folds: int
    corpus_before: Judged
    corpus_after: Judged
    changes: tuple[Change, ...]
    refused: str | None

    def measured(self) -> dict[str, Any]:
        """Return the figures as JSON, as they are kept with a version."""
        return {
            "texts": self.texts,
            "folds": self.folds,
            "before": asdict(self.before),
            "after": asdict(self.after),
            "corpus_before": self.corpus_before.as_json(),
            "corpus_after": self.corpus_after.as_json(),
        }


class Relearning:
    """Learns from examples and measures what that would change."""

    def __init__(
        self, weights: Weights, held_back: Sequence[Row], analyzer_of: Callable[[Learned | None], Analyzer]
    ) -> None:
        """Correct these weights.

        Args:
            weights: the shipped ones.
            held_back: rows of the corpus that the weights have not seen, one at least.
            analyzer_of: makes an analyzer that reads by the weights and a correction of them.
        """
        self._weights = weights
        self._held_back = held_back
        self._analyzer_of = analyzer_of
        self._shipped: Judged | None = None
        """How the shipped reading does on the corpus, once that was measured."""

    def evaluate(
        self, examples: Sequence[Example], present: Learned | None, *, ensure_time: Callable[[], None] = lambda: None
    ) -> Evaluation:
        """Learn from the examples and measure, against the shipped and against the present reading.

        Args:
            examples: the oldest first.
            present: the correction in use.
            ensure_time: called again and again; raises when it must end.
        """
        measured = _newest(examples)
        learned = learn(self._weights, examples, ensure_time=ensure_time)
        now, then = (self._reads(measured, correction, ensure_time) for correction in (present, learned))
        folds, before, after = self._held_out(measured, ensure_time)
        ensure_time()
        self._shipped = self._shipped or judge(LearnedReader(self._weights), self._held_back)
        ensure_time()
        retrained = judge(LearnedReader(self._weights, learned), self._held_back)
        return Evaluation(
            learned=learned,
            texts=len(now),
            now=_fit(measured, now),
            before=before,
            after=after,
            folds=folds,
            corpus_before=self._shipped,
            corpus_after=retrained,
            changes=tuple(Change(text, now[text], then[text]) for text in now if now[text] != then[text]),
            refused=_refusal(learned, before, after, self._shipped, retrained),
        )

    def _held_out(
        self, examples: Sequence[Example], ensure_time: Callable[[], None]
    ) -> tuple[int, HistoryFit, HistoryFit]:
        """Return the number of folds, and the shipped and a retrained reading on texts that training left out."""
        groups = {bare(example.text): None for example in examples}
        place = {group: number for number, group in enumerate(groups)}
        folds = min(FOLDS, len(place))
        if folds < 2:
            return 0, HistoryFit(), HistoryFit()
        before = after = HistoryFit()
        for fold in range(folds):
            inside = [example for example in examples if place[bare(example.text)] % folds == fold]
            outside = [example for example in examples if place[bare(example.text)] % folds != fold]
            learned = learn(self._weights, outside, ensure_time=ensure_time)
            before += _fit(inside, self._reads(inside, None, ensure_time))
            after += _fit(inside, self._reads(inside, learned, ensure_time))
        return folds, before, after

    def _reads(
        self, examples: Sequence[Example], learned: Learned | None, ensure_time: Callable[[], None]
    ) -> dict[str, Read]:
        analyzer = self._analyzer_of(learned)
        found: dict[str, Read] = {}
        for example in examples:
            if example.text not in found:
                ensure_time()
                analysis = analyzer.analyze(AnalyzeTaskRequest(task_description=example.text))
                found[example.text] = Read(analysis.task_type, tuple(analysis.recommended_agents))
        return found


def _newest(examples: Sequence[Example]) -> list[Example]:
    """Return the examples of the newest texts, the oldest of them first."""
    texts = {example.text: None for example in reversed(examples)}
    newest = frozenset(list(texts)[:MEASURED_TEXTS])
    return [example for example in examples if example.text in newest]


def _fit(examples: Sequence[Example], reads: dict[str, Read]) -> HistoryFit:
    total = HistoryFit()
    for example in examples:
        read = reads[example.text]
        total += HistoryFit(
            types_given=int(example.task_type is not None),
            types_right=int(example.task_type is read.task_type),
            wanted=len(example.wanted),
            wanted_there=sum(role in read.team for role in example.wanted),
            unwanted=len(example.unwanted),
            unwanted_there=sum(role in read.team for role in example.unwanted),
        )
    return total


def _refusal(
    learned: Learned, before: HistoryFit, after: HistoryFit, corpus_before: Judged, corpus_after: Judged
) -> str | None:
    if not len(learned.keys):
        return "There is nothing to learn: no lesson says which type or which role would have been right."
    if after.types_right < before.types_right:
        return (
            f"Texts it has not seen would be read worse: of {after.types_given} whose type was given, held out in "
            f"training, {after.types_right} would be right and not {before.types_right}."
        )
    for what, was, would in (
        ("right types", corpus_before.type_right, corpus_after.type_right),
        ("right roles among the first two", corpus_before.role_in_two, corpus_after.role_in_two),
    ):
        if was - would > CORPUS_LOSS:
            return f"Other texts would suffer: {what} on the held-back corpus would fall from {was:.1%} to {would:.1%}."
    return None
