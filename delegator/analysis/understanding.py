"""What an understanding of a task text is: the contract between reading a text and deciding about it.

Owns `Reading` and the `Understanding` protocol. `learned.py` implements it by learned weights; anything else that
reads a text stands in by the same two names. Complexity, team, limits and estimates are decided elsewhere, from the
reading alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from delegator.words import TaskType

Confidence = Literal["low", "medium", "high"]

HIGH_CHANCE = 0.9
"""A type that is the only possible one is read with high confidence from this chance on."""


@dataclass(frozen=True, slots=True)
class Turning:
    """The fewest words without which a text would read as another type."""

    words: tuple[str, ...]
    to: TaskType


@dataclass(frozen=True, slots=True)
class Without:
    """What a text would say without one of its words.

    Attributes:
        exactly: reads the text without the word anew. The figures here are the same sum less the word's part, which
            is quick but leaves out that the neighbours of the word become neighbours of each other.
    """

    word: str
    chances: Mapping[TaskType, float]
    own: Mapping[str, float]
    taught: Mapping[str, float] = field(default_factory=dict)
    exactly: Callable[[], Without] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    Attributes:
        chances: {type: probability}, the likeliest first; calibrated, adding up to 1.
        own: {role: probability that the work is this role's own}, the strongest first.
        words: {type or role: the words of the text that spoke for it, in order of the text}.
        possible: the types that are thought possible at the stated error rate, the likeliest first.
        without: {role: what the text would say without the word that speaks most for the role}.
        taught: {role: what use has taught adds to the log-odds that it is needed}; roles of which it says nothing are
            left out.
        asked: what somebody else has said of it who was asked, in words; empty where nobody was.
    """

    chances: Mapping[TaskType, float]
    own: Mapping[str, float]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    possible: tuple[TaskType, ...] = ()
    turning: Turning | None = None
    without: Mapping[str, Without] = field(default_factory=dict)
    taught: Mapping[str, float] = field(default_factory=dict)
    asked: str = ""
    task_type: TaskType = field(init=False)
    """The likeliest type."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "task_type", next(iter(self.chances)))

    @property
    def chance(self) -> float:
        """The probability of that type."""
        return self.chances[self.task_type]

    @property
    def confidence(self) -> Confidence:
        """low: several types, or none, are thought possible."""
        if self.possible != (self.task_type,):
            return "low"
        return "high" if self.chance >= HIGH_CHANCE else "medium"

    def read_as(self, task_type: TaskType) -> Reading:
        """Return the same reading for a caller who knows the type."""
        return replace(self, chances={task_type: 1.0}, possible=(task_type,), turning=None)

    @property
    def second(self) -> TaskType | None:
        """What the text may mean instead; None where only one type was looked at."""
        return next((name for name in self.chances if name is not self.task_type), None)


class Understanding(Protocol):
    """Reads a task text."""

    def read(self, text: str) -> Reading:
        """Return what the text says. Any text is taken; time is bounded by its length."""
        ...
