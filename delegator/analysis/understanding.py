"""What an understanding of a task text is: the contract between reading a text and deciding about it.

Owns `Reading` and the `Understanding` protocol. `rules.py` implements it by tables; anything else that reads a text
(a learned model, say) stands in by the same two names. Complexity, team, limits and estimates are decided elsewhere,
from the reading alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from delegator.schemas import TaskType

Confidence = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says."""

    task_type: TaskType
    scores: Mapping[TaskType, float]
    """Weight of the evidence for each type that has any. Only comparable within one reading."""
    roles: Mapping[str, float]
    """{role: weight of the words that call for it}, the strongest first; only roles of the catalogue, only above 0."""
    words: Mapping[str, tuple[str, ...]]
    """{task type or role: the words of the text that spoke for it, in order}."""
    confidence: Confidence
    """How clearly `task_type` stands out."""


class Understanding(Protocol):
    """Reads a task text."""

    def read(self, text: str) -> Reading:
        """Return what the text says. Any text is taken; time is bounded by its length."""
        ...
