"""What words contribute, kept from one text to the next in one array, so that those of a text are fetched at once.

Owns the array and its growth. What a word contributes is worked out in `learned_reading.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np

from delegator.analysis.weights import Floats

FIRST_ROOM = 1_024
"""Words there is room for at first; the room doubles as they come."""


class KeptWords:
    """Figures by word. It only grows: whoever keeps one begins another when it holds enough."""

    def __init__(self, *shape: int) -> None:
        """Begin with none; `shape` is that of one word's figures."""
        self._places: dict[str, int] = {}
        self._figures: Floats = np.empty((FIRST_ROOM, *shape), np.float32)
        self._used = 0
        self._adding = Lock()

    def __len__(self) -> int:
        return self._used

    def missing(self, words: Sequence[str]) -> list[str]:
        """Return those that are not kept."""
        places = self._places
        return [word for word in words if word not in places]

    def add(self, words: Sequence[str], figures: Floats) -> None:
        """Keep words; figures of shape (words, …). Words that another thread has added meanwhile do no harm."""
        with self._adding:
            start, end = self._used, self._used + len(words)
            if end > len(self._figures):
                room = np.empty((max(end, 2 * len(self._figures)), *self._figures.shape[1:]), np.float32)
                room[:start] = self._figures[:start]
                self._figures = room
            self._figures[start:end] = figures
            self._used = end
            self._places.update(zip(words, range(start, end), strict=True))  # last: now they can be found

    def of(self, words: Sequence[str]) -> Floats:
        """Return the figures of words that are all kept. Shape (words, …)."""
        places = self._places
        return self._figures.take(np.array([places[word] for word in words], np.intp), axis=0)
