"""Understanding a task text by tables of words: every signal is weighed, none decides by coming first.

Owns how the rows of `tables/` and the keywords of a catalogue add up to a `Reading`. The words are in the tables; what
follows from a reading is decided in the files for complexity, team and limits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from delegator.analysis.lexicon import Evidence, Lexicon, Signals
from delegator.analysis.tables.business_words import BUSINESS_WORDS
from delegator.analysis.tables.leading_verbs import LEADING_VERBS
from delegator.analysis.tables.role_words import ROLE_OF_TYPE, ROLE_WORDS
from delegator.analysis.tables.software_words import SOFTWARE_WORDS
from delegator.analysis.tables.tags import TAGS
from delegator.analysis.understanding import Confidence, Reading
from delegator.analysis.words import split_words
from delegator.roles.catalogue import Catalogue
from delegator.schemas import TaskType

QUESTION = Evidence(TaskType.GENERAL, 1.8, "?")
"""A text that ends with a question mark asks for an answer, not for work; clear words of work outweigh it."""

LEAST_SCORE = 1.0
"""Evidence below this is chance: the task is taken as general."""

KEYWORD_WEIGHT = 2.5
"""What one keyword of a catalogue adds for its role: as much as a word of the tables that nearly says it alone."""

CONFIDENCE: tuple[tuple[Confidence, float, float], ...] = (("high", 3.0, 0.45), ("medium", 2.0, 0.2))
"""(level, least score, least margin): the first row that both reach; the margin is the lead over the second type as a
share of the best."""


class RuleUnderstanding:
    """Reads by the tables, and by the keywords of one catalogue. Prepares them once; reading changes nothing."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._roles = frozenset(catalogue.names)
        self._leading = Lexicon(LEADING_VERBS)
        self._tags = Lexicon(TAGS)
        self._anywhere = Lexicon((*SOFTWARE_WORDS, *BUSINESS_WORDS))
        self._role_words = Lexicon(ROLE_WORDS)
        self._keywords = Lexicon(_keyword_rows(catalogue))

    def read(self, text: str) -> Reading:
        """Weigh all signals of the text; without any it is general, with low confidence."""
        words = split_words(text)
        for_types = [
            *self._tags.find_within(words, words.tagged),
            *self._leading.find_at(words, words.openings),
            *self._anywhere.find(words),
        ]
        if words.asks:
            for_types.append(QUESTION)
        scores = {TaskType(name): weight for name, weight in _summed(for_types).items() if weight > 0}
        task_type = _best(scores)
        for_roles = [*self._role_words.find(words), *self._keywords.find(words)]
        return Reading(
            task_type=task_type,
            scores=scores,
            roles=self._role_scores(scores, for_roles),
            words=_words_by_target([*for_types, *for_roles]),
            confidence=_confidence(task_type, scores),
        )

    def _role_scores(self, types: Mapping[TaskType, float], found: Sequence[Evidence]) -> dict[str, float]:
        scores = _summed(found)
        for task_type, weight in types.items():
            for role, share in ROLE_OF_TYPE[task_type]:
                scores[role] = scores.get(role, 0.0) + share * weight
        known = ((role, weight) for role, weight in scores.items() if role in self._roles and weight > 0)
        return dict(sorted(known, key=lambda pair: (-pair[1], pair[0])))


def _keyword_rows(catalogue: Catalogue) -> Iterable[Signals]:
    for role in catalogue.roles.values():
        for keyword in role.keywords:
            yield Signals(role.name, KEYWORD_WEIGHT, " ".join(split_words(keyword).words))


def _summed(found: Iterable[Evidence]) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for evidence in found:
        sums[evidence.target] += evidence.weight
    return dict(sums)


def _best(scores: Mapping[TaskType, float]) -> TaskType:
    best = max(scores, key=lambda name: scores[name], default=TaskType.GENERAL)
    return best if scores.get(best, 0.0) >= LEAST_SCORE else TaskType.GENERAL


def _confidence(task_type: TaskType, scores: Mapping[TaskType, float]) -> Confidence:
    best = scores.get(task_type, 0.0)
    second = max((weight for name, weight in scores.items() if name != task_type), default=0.0)
    for level, least_score, least_margin in CONFIDENCE:
        if best >= least_score and best - second >= least_margin * best:
            return level
    return "low"


def _words_by_target(found: Iterable[Evidence]) -> dict[str, tuple[str, ...]]:
    words: dict[str, dict[str, None]] = defaultdict(dict)
    for evidence in found:
        if evidence.weight > 0:
            words[evidence.target][evidence.phrase] = None
    return {target: tuple(phrases) for target, phrases in words.items()}
