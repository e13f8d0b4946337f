"""Searches the models a team can be given under a set of rungs: the choice that changes least and fits.

Owns what is better than what: a later rung is used for as few roles as can be, then the alternatives that are preferred
(for merging: the larger model), then the same for the rung before; at last the larger models in all. Exact in whether
anything fits; the best of what fits is exact too, except that for teams of very many alternatives the search settles
after `LOOKS` steps. Equal choices are told apart by name, so the answer is always the same.

Which rungs are allowed when is `ladder.py`; what fits where is `rooms.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from delegator.residency.rooms import Room, Terms, seat
from delegator.schemas import Rung

LOOKS = 2_000
"""Steps after which a team that fits is not improved any more: a fraction of a second. Real teams take some dozens."""

PATIENCE = (Rung.WAIT, Rung.EVICT_IDLE)
"""Rungs that change no role's model."""


@dataclass(frozen=True, slots=True)
class RoleWish:
    """One role, the model it wants, and what may speak in its place: all smaller, the preferred one first.

    Attributes:
        settled: it speaks with its model already, and is not to be changed.
    """

    role: str
    model: str
    smaller: tuple[str, ...] = ()
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One role that is given another model than it asked for.

    Attributes:
        rung: `smaller` or `merge`.
        saves_bytes: how much less memory must be found for the team by it; told with the first role that leaves a
            model, 0 for the others that left it too.
    """

    rung: Rung
    role: str
    asked: str
    given: str
    saves_bytes: int


@dataclass(frozen=True, slots=True)
class TeamFit:
    """A team that can be had.

    Attributes:
        models: {role: model}, in the order of the wishes.
        seats: {model: id of an endpoint where it finds room}.
        used: the rungs without which it could not be had.
        changes: exactly the roles whose model is not the wanted one.
    """

    models: Mapping[str, str]
    seats: Mapping[str, str]
    used: frozenset[Rung]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A team that wants models, and what there is for it; see `ladder.fit_team`."""

    wishes: tuple[RoleWish, ...]
    sizes: Mapping[str, int]
    rooms: Sequence[Room]
    limit_bytes: int
    session_id: str

    def terms(self, rungs: Sequence[Rung]) -> Terms:
        """Return the terms under which models are seated where these rungs are used."""
        return Terms(self.limit_bytes, self.session_id, wait=Rung.WAIT in rungs, evict_idle=Rung.EVICT_IDLE in rungs)


def best_team(case: Case, rungs: Sequence[Rung]) -> TeamFit | None:
    """Return the best team that these rungs, the first the most welcome, allow; None where none can be had."""
    search = _Search(case, tuple(rungs))
    return search.best()


@dataclass(frozen=True, slots=True)
class _Group:
    """The roles that want one model: none of them leaves it alone, for that would free nothing."""

    asked: str
    roles: tuple[str, ...]
    smaller: tuple[str, ...]
    settled: bool


@dataclass(frozen=True, slots=True)
class _Option:
    """One model that a group may be given: its own (no rung), a smaller one, or the one that is merged onto.

    Attributes:
        place: how far down the list of alternatives it stands.
    """

    model: str
    rung: Rung | None
    place: int = 0


@dataclass(frozen=True, slots=True)
class _Branch:
    """One way to search: which rungs of patience are used, what is merged onto, and what each group may be given."""

    used: tuple[Rung, ...]
    terms: Terms
    target: str | None
    options: tuple[tuple[_Option, ...], ...]
    floors: tuple[Mapping[str, int], ...]
    """The least that the groups from each one on will add to what is chosen."""


_Cost = tuple[tuple[int, int], ...]
"""How often each rung is used and how unwelcome that is, the last rung first. Grows as options are chosen."""


class _Search:
    def __init__(self, case: Case, rungs: tuple[Rung, ...]) -> None:
        self._case, self._rungs = case, rungs
        self._groups = _groups(case.wishes)
        residents = (r for room in case.rooms for r in room.snapshot.residents if not r.foreign)
        self._in_memory = {r.model for r in residents if r.model in case.sizes}
        self._best: tuple[_Cost, tuple[int, tuple[str, ...]], TeamFit] | None = None
        self._looks = 0

    def best(self) -> TeamFit | None:
        patience = [rung for rung in PATIENCE if rung in self._rungs]
        for count in range(len(patience) + 1):
            for used in combinations(patience, count):
                for target in self._targets():
                    branch = self._branch(used, target)
                    self._choose(branch, [], {})
        return self._best[2] if self._best else None

    def _targets(self) -> list[str | None]:
        """Return what roles may merge onto: models of the team, its alternatives, those in memory; None: nothing."""
        if Rung.MERGE not in self._rungs:
            return [None]
        own = {group.asked for group in self._groups}
        if Rung.SMALLER in self._rungs:
            own |= {model for group in self._groups for model in group.smaller}
        return [None, *sorted(own | self._in_memory, key=lambda model: (-self._case.sizes[model], model))]

    def _branch(self, used: tuple[Rung, ...], target: str | None) -> _Branch:
        terms = self._case.terms(used)
        alone: dict[str, bool] = {}
        options = []
        for group in self._groups:
            fitting = []
            for option in self._options_of(group, target):
                if option.model not in alone:
                    alone[option.model] = self._seated({option.model: self._case.sizes[option.model]}, terms)
                if alone[option.model]:
                    fitting.append(option)
            options.append(tuple(fitting))
        return _Branch(used, terms, target, tuple(options), self._floors(options))

    def _options_of(self, group: _Group, target: str | None) -> Iterator[_Option]:
        yield _Option(group.asked, None)
        if group.settled:
            return
        smaller = group.smaller if Rung.SMALLER in self._rungs else ()
        for place, model in enumerate(smaller, start=1):
            yield _Option(model, Rung.SMALLER, place)
        if target is not None and target not in (group.asked, *smaller):
            yield _Option(target, Rung.MERGE)

    def _floors(self, options: Sequence[Sequence[_Option]]) -> tuple[Mapping[str, int], ...]:
        """Return what the groups from each one on add at least: the smallest option of those that share none.

        A group that may speak with a model of another group, or with one in memory, may add nothing.
        """
        sizes = self._case.sizes
        wanted_by = [{option.model for option in group} for group in options]
        floors: list[dict[str, int]] = [{}]
        for index in reversed(range(len(options))):
            others = set[str]().union(*(models for other, models in enumerate(wanted_by) if other != index))
            least = min(wanted_by[index], key=lambda model: (sizes[model], model), default=None)
            shares = wanted_by[index] & (others | self._in_memory)
            floors.append(floors[-1] if shares or least is None else {**floors[-1], least: sizes[least]})
        return tuple(reversed(floors))

    def _seated(self, needed: Mapping[str, int], terms: Terms) -> bool:
        return seat(needed, self._case.rooms, terms) is not None

    def _choose(self, branch: _Branch, chosen: list[_Option], needed: dict[str, int]) -> None:
        """Try every option for the next group that may still lead to a better team."""
        if self._best is not None and (self._looks > LOOKS or self._cost(branch, chosen) > self._best[0]):
            return
        self._looks += 1
        if len(chosen) == len(self._groups):
            self._judge(branch, chosen, needed)
            return
        for option in branch.options[len(chosen)]:
            more = {**needed, option.model: self._case.sizes[option.model]}
            # taking turns each model needs room by itself alone, which every option has
            if branch.terms.wait or self._seated({**branch.floors[len(chosen) + 1], **more}, branch.terms):
                self._choose(branch, [*chosen, option], more)

    def _cost(self, branch: _Branch, chosen: Sequence[_Option]) -> _Cost:
        counts = dict.fromkeys(self._rungs, 0) | dict.fromkeys(branch.used, 1)
        unwelcome = dict.fromkeys(self._rungs, 0)
        if branch.target is not None:
            unwelcome[Rung.MERGE] = -self._case.sizes[branch.target]
        for group, option in zip(self._groups, chosen, strict=False):
            if option.rung is not None:
                counts[option.rung] += len(group.roles)
                unwelcome[option.rung] += option.place
        return tuple((counts[rung], unwelcome[rung]) for rung in reversed(self._rungs))

    def _judge(self, branch: _Branch, chosen: Sequence[_Option], needed: Mapping[str, int]) -> None:
        """Keep a complete choice that can be had and is better than the best so far."""
        merged = any(option.rung is Rung.MERGE for option in chosen)
        kept = {option.model for option in chosen if option.rung is not Rung.MERGE} | self._in_memory
        if merged != (branch.target is not None) or (merged and branch.target not in kept):
            return
        cost, tie = self._cost(branch, chosen), (-sum(needed.values()), tuple(option.model for option in chosen))
        if self._best is not None and (cost, tie) >= self._best[:2]:
            return
        seats = seat(needed, self._case.rooms, branch.terms)
        if seats is not None:
            used = {option.rung for option in chosen if option.rung is not None} | set(branch.used)
            self._best = (cost, tie, TeamFit(self._models(chosen), seats, frozenset(used), self._changes(chosen)))

    def _models(self, chosen: Sequence[_Option]) -> dict[str, str]:
        given = {group.asked: option.model for group, option in zip(self._groups, chosen, strict=True)}
        return {wish.role: given[wish.model] for wish in self._case.wishes}

    def _changes(self, chosen: Sequence[_Option]) -> tuple[Change, ...]:
        """Return what is changed; `smaller` before `merge`, so that what is merged onto is there already."""
        sizes = self._case.sizes
        pairs = list(zip(self._groups, chosen, strict=True))
        there = {option.model for option in chosen if option.rung is None} | self._in_memory
        changes: list[Change] = []
        for rung in (Rung.SMALLER, Rung.MERGE):
            for group, option in pairs:
                if option.rung is not rung:
                    continue
                saves = sizes[group.asked] - (0 if option.model in there else sizes[option.model])
                there.add(option.model)
                for role in group.roles:
                    changes.append(Change(rung, role, group.asked, option.model, saves))
                    saves = 0
        return tuple(changes)


def _groups(wishes: Sequence[RoleWish]) -> list[_Group]:
    """Put together the roles that want one model, in the order of their first."""
    by_model: dict[str, list[RoleWish]] = {}
    for wish in wishes:
        by_model.setdefault(wish.model, []).append(wish)
    return [
        _Group(model, tuple(wish.role for wish in same), same[0].smaller, any(wish.settled for wish in same))
        for model, same in by_model.items()
    ]
