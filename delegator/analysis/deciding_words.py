"""Which words of a text decided for a type or a role: worked out when somebody asks, since few are ever shown.

Owns how strong a word must be to be named. Both classes are mappings, as a `Reading` has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from delegator.analysis.learned_reading import Sums
from delegator.analysis.understanding import Without
from delegator.analysis.weights import Floats, Weights

SHOWN_WORDS = 4
"""So many words at most are named for one type or role."""

LEAST_SHARE = 0.2
"""A word is named if it says at least this share of what the strongest word says."""


class DecidingWords(Mapping[str, tuple[str, ...]]):
    """{type or role: its strongest words, in order of the text}: those that say more for it than for the others."""

    def __init__(self, sums: Sums, weights: Weights, further: Mapping[str, tuple[str, ...]]) -> None:
        """Look into these sums; `further` names the words for what the weights do not know."""
        self._sums = sums
        self._types, self._roles = weights.types, weights.roles
        self._further = further
        self._leads: dict[str, list[list[float]]] = {}
        self._places_of: dict[str, list[int]] = {}
        self._namable = [at for at, word in enumerate(sums.words) if len(word) > 1 and word[0].isalpha()]

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name in self._further:
            return self._further[name]
        places = self._places(name)
        if not places:
            raise KeyError(name)
        words = self._sums.words
        return tuple([words[at] for at in sorted(places)])

    def __iter__(self) -> Iterator[str]:
        names = (*(name.value for name in self._types), *self._roles)
        yield from (name for name in dict.fromkeys((*names, *self._further)) if self.get(name))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def strongest_for(self, role: str) -> int | None:
        """Return the place of the word that says most for a role the weights know; None where none does."""
        places = self._places(role)
        return places[0] if places else None

    def _places(self, name: str) -> list[int]:
        """Return the places of the words that are named, the strongest first. Texts are short: lists beat arrays."""
        places = self._places_of.get(name)
        if places is None:
            lead = self._lead(name)
            shown = [at for at in self._namable if lead[at] > 0]
            shown.sort(key=lead.__getitem__, reverse=True)
            least = LEAST_SHARE * lead[shown[0]] if shown else 0.0
            places = self._places_of[name] = [at for at in shown[:SHOWN_WORDS] if lead[at] >= least]
        return places

    def _lead(self, name: str) -> list[float]:
        """Return by how much each word speaks for a type or role above the mean of its kind."""
        if name in self._roles:
            return self._leads_of("roles", slice(len(self._types), None))[self._roles.index(name)]
        return self._leads_of("types", slice(len(self._types)))[_index_of(name, self._types)]

    def _leads_of(self, kind: str, columns: slice) -> list[list[float]]:
        if kind not in self._leads:
            of_kind = self._sums.by_word[:, columns]
            lead: Floats = of_kind - np.add.reduce(of_kind, axis=1, keepdims=True) / of_kind.shape[1]
            self._leads[kind] = lead.T.tolist()
        return self._leads[kind]


class WithoutWord(Mapping[str, Without]):
    """{role: what the text would say without the word that speaks most for it}."""

    def __init__(self, roles: Sequence[str], work_out: Callable[[str], Without | None]) -> None:
        self._roles = roles
        self._work_out = work_out

    def __getitem__(self, role: str) -> Without:
        found = self._work_out(role) if role in self._roles else None
        if found is None:
            raise KeyError(role)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from (role for role in self._roles if self.get(role) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _index_of(name: str, names: Sequence[str]) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise KeyError(name) from None
