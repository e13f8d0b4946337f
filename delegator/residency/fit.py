"""Which roles of a catalogue fit a machine, which of them together, and which catalogue would fit it better.

Pure: sizes are measured or estimated by whoever asks. Two things bound a machine: the bytes its models may take, and
how many models its Ollama keeps at one time. What is called together never exceeds either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from delegator.roles.catalogue import Catalogue, Role

_GB = 1_000_000_000

Verdict = Literal["fits", "alone", "fallback", "too_large"]
"""fits: beside the others of the largest team; alone: not beside them, so that models take turns; fallback: only
another of the role's models can be used, in turn or not; too_large: none of them can be used here."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What models may take.

    Attributes:
        capacity_bytes: of all models together.
        limit_bytes: most a single session, and so a single model, may take; None: no limit but the capacity.
        max_models: most models kept at one time; None: not known.
    """

    capacity_bytes: int
    limit_bytes: int | None = None
    max_models: int | None = None

    def holds(self, sizes: Iterable[int]) -> bool:
        """Return whether models of these sizes may be in memory at one time."""
        listed = list(sizes)
        return sum(listed) <= self.capacity_bytes and (self.max_models is None or len(listed) <= self.max_models)

    @property
    def largest_bytes(self) -> int:
        """Return the size of the largest model it takes."""
        return self.capacity_bytes if self.limit_bytes is None else min(self.capacity_bytes, self.limit_bytes)


@dataclass(frozen=True, slots=True)
class RoleFit:
    """How one role fits.

    Attributes:
        wanted: the role's own model.
        uses: the model it can use here, its own or a fallback; None when there is none.
        size_bytes: of the model it uses, else of its own.
        why: what is against its own model; empty when it uses that one.
        alternative: a model of another catalogue for this role that fits, where it can use none; None: there is none.
    """

    role: str
    wanted: str
    uses: str | None
    size_bytes: int
    verdict: Verdict
    why: str = ""
    alternative: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogueFit:
    """How one catalogue fits.

    Attributes:
        roles: every role, by rank.
        together: the largest team whose models fit side by side, by rank.
        together_bytes: what these take.
        all_bytes: what the models of all roles take, each once: those in use, else the wanted ones.
        teams_together, teams: how many of the usual teams fit side by side, of how many.
    """

    catalogue: str
    roles: tuple[RoleFit, ...]
    together: tuple[str, ...]
    together_bytes: int
    all_bytes: int
    teams_together: int
    teams: int

    @property
    def works(self) -> bool:
        """True when every role has a model it can use here."""
        return all(role.uses is not None for role in self.roles)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What is known of models beyond their catalogue.

    Attributes:
        sizes: bytes by model, measured; the catalogue's estimate counts for others.
        unusable: why a model cannot be loaded, by model.
    """

    sizes: Mapping[str, int]
    unusable: Mapping[str, str]

    def size_of(self, catalogue: Catalogue, model: str) -> int:
        """Return what the model takes, measured or else estimated."""
        return self.sizes.get(model, catalogue.models[model].memory_bytes)


NOTHING_KNOWN = Knowledge({}, {})


def fit_catalogue(
    catalogue: Catalogue,
    machine: Machine,
    *,
    known: Knowledge = NOTHING_KNOWN,
    teams: Iterable[Sequence[str]] = (),
    others: Sequence[Catalogue] = (),
) -> CatalogueFit:
    """Say how the roles of a catalogue fit a machine.

    Args:
        catalogue: whose roles.
        machine: what bounds them.
        known: measured sizes, and what cannot be loaded.
        teams: the usual teams, by role; roles the catalogue does not have are left out of them.
        others: catalogues to look in for a role's alternative.
    """
    uses = {role.name: _usable(role, catalogue, machine, known) for role in catalogue.roles.values()}
    sizes = {model: known.size_of(catalogue, model) for model in uses.values() if model is not None}
    chosen = largest_together(sizes, [model for model in uses.values() if model is not None], machine)
    listed = [list(dict.fromkeys(role for role in team if role in catalogue.roles)) for team in teams]
    listed = [team for team in listed if team]
    all_models = {uses[role.name] or role.model for role in catalogue.roles.values()}
    return CatalogueFit(
        catalogue=catalogue.name,
        roles=tuple(
            _role_fit(role, catalogue, machine, known, uses[role.name], chosen, others)
            for role in catalogue.roles.values()
        ),
        together=tuple(role for role, model in uses.items() if model in chosen),
        together_bytes=sum(sizes[model] for model in chosen),
        all_bytes=sum(known.size_of(catalogue, model) for model in all_models),
        teams_together=sum(_is_together([uses[role] for role in team], sizes, machine) for team in listed),
        teams=len(listed),
    )


def suggest(fits: Sequence[CatalogueFit]) -> CatalogueFit | None:
    """Choose the catalogue for a machine; None when no role of any fits.

    First counts that every role has a model, then how many of the usual teams fit side by side, then how many roles.
    Among equals the first, so put the richest first, and before all the one in use.
    """
    able = [fit for fit in fits if fit.together]
    return max(able, key=lambda fit: (fit.works, fit.teams_together, _enough(fit)), default=None)


def _enough(fit: CatalogueFit) -> int:
    """Return how many roles fit side by side; where every usual team does, more of them are no reason to change."""
    return 0 if fit.teams and fit.teams_together == fit.teams else len(fit.together)


def largest_together(sizes: Mapping[str, int], models: Sequence[str], machine: Machine) -> frozenset[str]:
    """Choose models that fit side by side so that as many roles as possible are served, in the least memory.

    Exact: for every number of models and of roles the least memory that serves so many is kept.

    Args:
        sizes: bytes by model.
        models: the model of each role; one that serves several stands there as often.
        machine: what bounds them.
    """
    best: dict[tuple[int, int], tuple[int, frozenset[str]]] = {(0, 0): (0, frozenset())}
    for model in dict.fromkeys(models):
        serves = models.count(model)
        for (count, served), (used, chosen) in list(best.items()):
            grown = (used + sizes[model], chosen | {model})
            key = (count + 1, served + serves)
            if machine.holds(sizes[name] for name in grown[1]) and (key not in best or grown[0] < best[key][0]):
                best[key] = grown
    return max(best.items(), key=lambda found: (found[0][1], -found[1][0]))[1][1]


def _is_together(models: Sequence[str | None], sizes: Mapping[str, int], machine: Machine) -> bool:
    """Return whether a team has all its models, and these fit side by side."""
    known = {model for model in models if model is not None}
    return None not in models and machine.holds(sizes[model] for model in known)


def _usable(role: Role, catalogue: Catalogue, machine: Machine, known: Knowledge) -> str | None:
    """Return the first of the role's models that can be used here.

    Where its own cannot be loaded its fallbacks come next, where it is too large the smaller ones.
    """
    smaller = catalogue.models[role.model].smaller
    rest = (*role.fallbacks, *smaller) if role.model in known.unusable else (*smaller, *role.fallbacks)
    return next((name for name in (role.model, *rest) if not _against(name, catalogue, machine, known)), None)


def _against(model: str, catalogue: Catalogue, machine: Machine, known: Knowledge) -> str:
    """Say why a model cannot be used; empty when it can."""
    size = known.size_of(catalogue, model)
    if model in known.unusable:
        return known.unusable[model]
    if size > machine.largest_bytes:
        return f"needs {size / _GB:.1f} GB, and {machine.largest_bytes / _GB:.1f} GB are there for one model"
    return "" if machine.holds([size]) else "no model is kept at all"


def _role_fit(
    role: Role,
    catalogue: Catalogue,
    machine: Machine,
    known: Knowledge,
    uses: str | None,
    together: frozenset[str],
    others: Sequence[Catalogue],
) -> RoleFit:
    why = "" if uses == role.model else f"{role.model} {_against(role.model, catalogue, machine, known)}"
    size = known.size_of(catalogue, uses or role.model)
    if uses is None:
        found = _alternative(role.name, machine, known, others)
        return RoleFit(role.name, role.model, None, size, "too_large", why, found)
    verdict: Verdict = "fallback" if uses != role.model else "fits" if uses in together else "alone"
    return RoleFit(role.name, role.model, uses, size, verdict, why)


def _alternative(role: str, machine: Machine, known: Knowledge, others: Sequence[Catalogue]) -> str | None:
    """Return the largest model that another catalogue has for a role of this name and that can be used here."""
    found = {
        known.size_of(other, model): model
        for other in others
        if role in other.roles
        for model in [_usable(other.roles[role], other, machine, known)]
        if model is not None
    }
    return found[max(found)] if found else None
