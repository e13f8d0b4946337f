"""Whether a task should be a team's at all.

Owns the signs of strictly sequential work. A team pays where several crafts work side by side; where each step waits
for the one before, handing over costs more than it brings (Kim et al. 2025, arXiv 2512.08296: teams lose 39 to 70 % on
sequential planning, and gain where work can be done in parallel). Such work, and work of one craft, gets one role.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from delegator.analysis.complexity import Assessment
from delegator.analysis.lexicon import Lexicon, Signals
from delegator.analysis.needs import Need
from delegator.analysis.words import Words
from delegator.words import Complexity

SEQUENCE = Signals(
    "sequence",
    "first, firstly, then, next, after that, afterwards, after this, finally, lastly, step by step, step 1, step 2, "
    "step 3, step one, step two, second, secondly, third, thirdly, once that is done, once done, when that is done, "
    "one after the other, one after another, in this order, in that order, followed by, subsequently",
)

LEAST_STEPS = 2
"""So many different signs of a sequence: one 'then' is how people talk."""

SIDE_BY_SIDE = frozenset({"coordination", "scope"})
"""Indicators of work that goes on in several places at once, whatever its order is told in."""


class Gate(NamedTuple):
    """The answer, with its reason."""

    single: bool
    because: str
    words: tuple[str, ...] = ()

    @property
    def alone(self) -> bool:
        """True where nobody shall join either: the work is sequential, not merely of one craft."""
        return self.single and bool(self.words)


class TeamGate:
    """Says whether one role does. Prepares its table once."""

    def __init__(self) -> None:
        self._steps = Lexicon([SEQUENCE])

    def decide(self, words: Words, needs: Sequence[Need], assessment: Assessment) -> Gate:
        """Look at the text, at who is needed and at the weight of the task."""
        needed = [need.role for need in needs if need.is_needed]
        if len(needed) <= 1:
            return Gate(True, "one craft is called for: one role does it without handing over")
        light = assessment.level in (Complexity.LOW, Complexity.MEDIUM)
        if light and assessment.indicators.isdisjoint(SIDE_BY_SIDE):
            steps = tuple(dict.fromkeys(found.phrase for found in self._steps.find(words)))
            if len(steps) >= LEAST_STEPS:
                return Gate(True, "each step waits for the one before: a team would only hand over", steps)
        return Gate(False, f"{len(needed)} crafts are called for: a team")
