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
        self._roles_lead: list[list[float]] | None = None
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
        types = len(self._types)
        if name not in self._roles:  # one type is asked for, if any: that column alone
            of_types = self._sums.by_word[:, :types]
            lead: list[float] = (of_types[:, _index_of(name, self._types)] - _mean(of_types)).tolist()
            return lead
        if self._roles_lead is None:
            of_roles = self._sums.by_word[:, types:]
            self._roles_lead = (of_roles.T - _mean(of_roles)).tolist()
        return self._roles_lead[self._roles.index(name)]


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


def _mean(columns: Floats) -> Floats:
    mean: Floats = np.add.reduce(columns, axis=1) / columns.shape[1]
    return mean


def _index_of(name: str, names: Sequence[str]) -> int:
    try:
        return names.index(name)
    except ValueError:
        raise KeyError(name) from None
