"""Gives the roles of a trace their models: those of a catalogue, or what the ladder gives where these do not fit.

The ladder is the one of production (`delegator/residency/ladder.py`), climbed on an empty machine. All policies then
get the same cast, so that what is compared is how they keep models, not which.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegator.residency.ladder import Misfit, fit_team
from delegator.residency.planner import Snapshot
from delegator.residency.rooms import Room
from delegator.residency.team_search import RoleWish, TeamFit
from delegator.roles.catalogue import Catalogue
from delegator.schemas import Rung
from delegator.simulation.model_files import file_bytes, is_published
from delegator.simulation.profiles import load_s
from delegator.simulation.trace import TracedSession
from delegator.simulation.workload import (
    SimulatedModel,
    SimulatedSession,
    SimulatedTask,
    SimulatedTurn,
    Workload,
)


@dataclass(frozen=True, slots=True)
class Recast:
    """A role that speaks with another model than its own. `rung`: smaller, or merged onto one of the team."""

    role: str
    asked: str
    given: str
    rung: Rung


@dataclass(frozen=True, slots=True)
class Unseated:
    """A team that cannot work on this machine.

    Attributes:
        model: the one that is too large; None where the team as a whole is.
        needed_bytes, bound_bytes: what that takes, and what is there for it.
    """

    team: tuple[str, ...]
    model: str | None
    needed_bytes: int
    bound_bytes: int


@dataclass(frozen=True, slots=True)
class Cast:
    """A trace with its models.

    Attributes:
        workload: what can be run; without the sessions of teams that cannot.
        recast: sessions by change of a role's model.
        unseated: sessions by team that cannot work here.
        for_everybody: every role of the catalogue, in a team of the trace or not, has a model that fits.
        estimated_files: models whose load times rest on an estimated size of their file.
    """

    workload: Workload
    recast: Mapping[Recast, int]
    unseated: Mapping[Unseated, int]
    for_everybody: bool
    estimated_files: tuple[str, ...]


def cast_trace(
    sessions: Sequence[TracedSession],
    catalogue: Catalogue,
    *,
    capacity_bytes: int,
    disk_gb_s: float,
    rungs: Sequence[Rung] = (Rung.WAIT, Rung.EVICT_IDLE, Rung.SMALLER, Rung.MERGE),
) -> Cast:
    """Give every role its model.

    Args:
        sessions: their roles are in the catalogue.
        catalogue: whose models, with their sizes.
        capacity_bytes: what models may take together.
        disk_gb_s: how fast they load.
        rungs: what may be done where a team does not fit, in order.
    """
    casting = _Casting(catalogue, capacity_bytes, rungs)
    recast: Counter[Recast] = Counter()
    unseated: Counter[Unseated] = Counter()
    made = []
    for number, session in enumerate(sessions):
        found = casting.models_of(session)
        if isinstance(found, Misfit):
            unseated[Unseated(session.team, found.model, found.needed_bytes, found.bound_bytes)] += 1
            continue
        recast.update(Recast(change.role, change.asked, change.given, change.rung) for change in found.changes)
        made.append(_session(f"s{number}", session, found.models, catalogue))
    alone = [casting.fit((role,), capacity_bytes) for role in catalogue.roles]
    models = _models(catalogue, casting.spoken, disk_gb_s)
    estimated = tuple(name for name in models if not is_published(name))
    for_everybody = not unseated and all(isinstance(fit, TeamFit) for fit in alone)
    return Cast(Workload(models, made), dict(recast), dict(unseated), for_everybody, estimated)


class _Casting:
    """Fits teams, each kind once."""

    def __init__(self, catalogue: Catalogue, capacity_bytes: int, rungs: Sequence[Rung]) -> None:
        self._catalogue = catalogue
        self._capacity_bytes = capacity_bytes
        self._rungs = rungs
        self._found: dict[tuple[tuple[str, ...], int], TeamFit | Misfit] = {}

    @property
    def spoken(self) -> set[str]:
        """Return every model that was given, to a team or to a role by itself: `all_nine` keeps them all."""
        return {model for fit in self._found.values() if isinstance(fit, TeamFit) for model in fit.models.values()}

    def models_of(self, session: TracedSession) -> TeamFit | Misfit:
        limit = self._capacity_bytes if session.limit_bytes is None else session.limit_bytes
        return self.fit(session.team, limit)

    def fit(self, team: tuple[str, ...], limit_bytes: int) -> TeamFit | Misfit:
        key = team, limit_bytes
        if key not in self._found:
            self._found[key] = self._climb(team, limit_bytes)
        return self._found[key]

    def _climb(self, team: Sequence[str], limit_bytes: int) -> TeamFit | Misfit:
        catalogue = self._catalogue
        sizes = {model.name: model.memory_bytes for model in catalogue.models.values()}
        wishes = [
            RoleWish(role, catalogue.role(role).model, catalogue.smaller_than(catalogue.role(role).model, sizes))
            for role in team
        ]
        rooms = [Room("machine", Snapshot(self._capacity_bytes))]
        return fit_team(wishes, sizes, rooms, limit_bytes=limit_bytes, rungs=self._rungs)


def _session(name: str, traced: TracedSession, models: Mapping[str, str], catalogue: Catalogue) -> SimulatedSession:
    turns = tuple(
        SimulatedTurn(models[role], traced.reading_s, traced.writing_s, catalogue.models[models[role]].num_ctx)
        for role in traced.speakers
    )
    return SimulatedSession(
        name,
        traced.at_s,
        tuple(dict.fromkeys(models[role] for role in traced.team)),
        tuple(SimulatedTask(think_s, turns) for think_s in traced.thinks_s),
        traced.close_lag_s,
        traced.limit_bytes,
    )


def _models(catalogue: Catalogue, spoken: set[str], disk_gb_s: float) -> dict[str, SimulatedModel]:
    return {
        model.name: SimulatedModel(
            model.name,
            model.memory_bytes,
            load_s(file_bytes(model.name, model.memory_bytes), disk_gb_s),
            model.num_ctx,
        )
        for model in catalogue.models.values()
        if model.name in spoken
    }
