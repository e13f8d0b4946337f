"""How much of what each role said reached the answer of its team.

For one role let O be what it was the first to bring: its distinct content words (no filler words, no single letters)
and pairs of neighbouring content words, without those that stand in the task or what else was given, and without those
that somebody had said before it. With A, the same of the concluding answer,

    share = |O ∩ A| / |O|

Limits: it sees words, not meaning. A point that is put in other words counts as lost, one that two roles make counts
for the first alone, a word may be in the answer by chance, and a short answer holds little of anybody. So only a share
of next to nothing says something, and only of a role that said enough. What somebody advised against and the team
therefore left out looks like silence too: the figure is a hint, and weighs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

LEAST_WORDS = 20
"""A role that spoke fewer content words has said too little to be judged by."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")

_FILLER_WORDS = (
    "a about after all also an and any are as at be been before being but by can could did do does each for from "
    "further get had has have how i if in into is it its just may me might more most must my need needs no nor not of "
    "on one or other our out over own shall she should so some such than that the their them then there these they "
    "this those through to too under up upon us use used very was we well were what when where which while who whom "
    "whose why will with within without would you your it's we'll we're let's don't i'm"
)
_FILLERS = frozenset(_FILLER_WORDS.split())


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one role said in a task.

    Attributes:
        spoken: content words it said, each as often as it said it.
        share: how much of what it was the first to bring stands in the answer, 0 to 1; None where it brought nothing.
    """

    role: str
    spoken: int
    share: float | None

    def is_unheard(self, threshold: float) -> bool:
        """True where it said enough to be judged by, and at most `threshold` of what it brought reached the answer."""
        return self.spoken >= LEAST_WORDS and self.share is not None and self.share <= threshold


def contributions(given: Iterable[str], said: Sequence[tuple[str, str]]) -> list[Contribution]:
    """Measure every role but the one that concludes.

    Args:
        given: what everybody was given: the task, and answers of earlier tasks.
        said: (role, text) of each turn in order; the last one is the answer.
    """
    if not said:
        return []
    concluding, answer = said[-1]
    reached = _features(answer)
    known = {feature for text in given for feature in _features(text)}
    spoken: dict[str, int] = {}
    brought: dict[str, set[str]] = {}
    for role, text in said[:-1]:
        if role != concluding:
            spoken[role] = spoken.get(role, 0) + len(_content_words(text))
            brought.setdefault(role, set()).update(_features(text) - known)
        known |= _features(text)
    return [
        Contribution(role, spoken[role], len(own & reached) / len(own) if own else None)
        for role, own in brought.items()
    ]


def _features(text: str) -> set[str]:
    """Return the distinct content words of a text and the pairs of them that stand side by side."""
    words = _content_words(text)
    return {*words, *(f"{left} {right}" for left, right in pairwise(words))}


def _content_words(text: str) -> list[str]:
    words = (found.lower().replace("’", "'") for found in _WORD.findall(text))
    return [word for word in words if len(word) > 1 and word not in _FILLERS]
