"""Readings made by hand, for tests of what follows from a reading."""

from collections.abc import Mapping

from delegator.analysis import Reading
from delegator.words import TaskType


class Says:
    """An understanding that says the same of every text."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def read(self, text: str) -> Reading:
        return self.reading


def reading_of(
    chances: Mapping[TaskType, float], own: Mapping[str, float] | None = None, *, possible: int = 1
) -> Reading:
    """Return a reading under which the likeliest `possible` types are thought possible."""
    ranked = dict(sorted(chances.items(), key=lambda pair: -pair[1]))
    return Reading(ranked, own or {}, possible=tuple(ranked)[:possible])
