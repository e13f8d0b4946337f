"""Finds for each role of a team the model it is given and the endpoint it speaks on, and foretells what follows.

Asks the model hosts how they stand and what they can load, and lets the domain decide: `residency/ladder.py` on the
models, `residency/placement.py` on the endpoints, `residency/forecast.py` on what that does to memory. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from actors.disk_messages import DiskView
from actors.parts import Parts
from actors.placing import Answer, Placed, nobody_can
from delegator.errors import MemoryExceeded
from delegator.ollama.client import normalise
from delegator.residency.degradation import Bounds, told, would_fit
from delegator.residency.forecast import forecast_on
from delegator.residency.foreseen import Forecast, Timing
from delegator.residency.ladder import Misfit, fit_team
from delegator.residency.placement import Candidate, place_team
from delegator.residency.planner import Snapshot, Wish
from delegator.residency.rooms import Room, Terms, roomiest_bytes
from delegator.residency.team_search import RoleWish, TeamFit
from delegator.schemas import Degradation, Rung
from delegator.sessions.turns import plan_team_turns
from delegator.settings import GB


@dataclass(frozen=True, slots=True)
class TeamAsked:
    """A team that wants models.

    Attributes:
        session_id: whose team; what it holds already may go for it.
        team: its roles by rank.
        limit_bytes: most it may hold at one time.
        rungs: what may be done where it does not fit.
        settled: roles that speak already, with their places; they keep them.
    """

    session_id: str
    team: tuple[str, ...]
    limit_bytes: int
    rungs: Sequence[Rung]
    settled: Mapping[str, Placed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TeamGiven:
    """What a team is given.

    Attributes:
        places: by role, in the order of the team.
        degradations: what is done, or borne, because it does not fit as it was asked for.
        foreseen: what one task of the whole team will do to memory.
        sizes: {model: bytes} of asked and given models.
        snapshots: how the endpoints stand.
    """

    places: dict[str, Placed]
    degradations: list[Degradation]
    foreseen: Forecast
    sizes: dict[str, int]
    snapshots: dict[str, Snapshot]


class TeamFitting:
    """Fits teams into the memory there is."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts

    async def fit(self, asked: TeamAsked) -> TeamGiven:
        """Decide what a team is given.

        Raises:
            MemoryExceeded: it cannot be had with the rungs that are allowed; says what would fit.
            ModelMissing, ModelLoadFailed: for some role no endpoint has a model that loads.
            OllamaUnavailable, DeadlineExceeded: no endpoint can be asked.
        """
        roles = [self._parts.catalogue.role(role) for role in asked.team if role not in asked.settled]
        answers = self._trusted(asked, await self._parts.placing.survey(roles))
        return await _Fitting(self._parts, _reachable(asked, answers), answers).decide()

    def _trusted(self, asked: TeamAsked, answers: dict[str, Answer]) -> dict[str, Answer]:
        """Leave out the endpoints that are doubted, where the others can serve every role."""
        doubts = self._parts.hosts.doubts
        well = {endpoint: answer for endpoint, answer in answers.items() if doubts.why(endpoint) is None}
        served = {role for answer in well.values() for role in answer.chosen} | set(asked.settled)
        return well if set(asked.team) <= served else answers


def _reachable(asked: TeamAsked, answers: Mapping[str, Answer]) -> TeamAsked:
    """Leave out the roles that speak already on an endpoint nothing can be said about now."""
    settled = {role: place for role, place in asked.settled.items() if place.endpoint_id in answers}
    team = tuple(role for role in asked.team if role in settled or role not in asked.settled)
    return replace(asked, team=team, settled=settled)


def foretell(
    parts: Parts, session_id: str, places: Mapping[str, Placed], limit_bytes: int, snapshots: Mapping[str, Snapshot]
) -> Forecast:
    """Foretell one task of a team whose roles have these places, all on endpoints of `snapshots`."""
    wishes = []
    for turn in plan_team_turns(list(places), parts.catalogue):
        place = places[turn.role]
        size = parts.recorder.size_on(place.endpoint_id, parts.catalogue.models[place.model])
        wishes.append((place.endpoint_id, Wish(place.model, size, session_id, limit_bytes)))
    timings = {endpoint: Timing(parts.recorder.load_seconds_on(endpoint)) for endpoint in snapshots}
    return forecast_on(snapshots, wishes, timings)


class _Fitting:
    """One team, and the endpoints as they answered."""

    def __init__(self, parts: Parts, asked: TeamAsked, answers: dict[str, Answer]) -> None:
        self._parts, self._asked, self._answers = parts, asked, answers
        catalogue, recorder = parts.catalogue, parts.recorder
        self._snapshots = {endpoint: answer.view.snapshot for endpoint, answer in answers.items()}
        self._sizes = {
            name: max(recorder.size_on(endpoint, model) for endpoint in answers)
            for name, model in catalogue.models.items()
        }
        self._wanted = {role: self._usable(role) for role in asked.team if role not in asked.settled}
        self._seen = self._rooms(self._alternatives())

    def _usable(self, role: str) -> str:
        """Return the model a role can speak with: its own, or the first of its fallbacks that some endpoint has."""
        wanted = self._parts.catalogue.role(role)
        names = (wanted.model, *wanted.fallbacks)
        found = [answer.chosen[role].model for answer in self._answers.values() if role in answer.chosen]
        if not found:
            raise nobody_can(wanted, self._answers)
        return min(found, key=names.index)

    async def decide(self) -> TeamGiven:
        fit = self._climb()
        if isinstance(fit, Misfit) or fit.changes:  # only now it matters which of the alternatives are there
            self._seen = self._rooms(await self._installed(self._alternatives()))
            fit = self._climb()
        if isinstance(fit, Misfit):
            raise self._refused(fit)
        places, foreseen = self._placed(fit)
        turns = plan_team_turns(self._asked.team, self._parts.catalogue)
        degradations = told(fit.changes, foreseen, [turn.role for turn in turns], self._sizes, self._bounds())
        return TeamGiven(places, degradations, foreseen, self._sizes, self._snapshots)

    def _alternatives(self) -> dict[str, set[str]]:
        """Return, by endpoint, every model that might be given instead, as if all were there.

        Not those that some role wants: of these the answers tell where they are.
        """
        catalogue = self._parts.catalogue
        names = {name for model in self._wanted.values() for name in catalogue.smaller_than(model, self._sizes)}
        return {endpoint: names - set(self._wanted.values()) for endpoint in self._answers}

    async def _installed(self, wanted: Mapping[str, set[str]]) -> dict[str, set[str]]:
        names = sorted({name for models in wanted.values() for name in models})
        disks = await self._parts.hosts.ask(lambda host: host.on_disk(names))
        found: dict[str, set[str]] = {}
        for endpoint, disk in disks.items():
            if isinstance(disk, DiskView):
                there = {model.name for model in disk.models if model.against is None}
                found[endpoint] = {name for name in names if normalise(name) in there}
        return found

    def _rooms(self, loadable: Mapping[str, set[str]]) -> list[Room]:
        return [
            Room(
                endpoint,
                answer.view.snapshot,
                frozenset({choice.model for choice in answer.chosen.values()} | self._loadable(endpoint, loadable)),
            )
            for endpoint, answer in self._answers.items()
        ]

    def _loadable(self, endpoint: str, loadable: Mapping[str, set[str]]) -> set[str]:
        return loadable.get(endpoint, set()) | {
            p.model for p in self._asked.settled.values() if p.endpoint_id == endpoint
        }

    def _climb(self) -> TeamFit | Misfit:
        return fit_team(
            self._wishes(),
            self._sizes,
            self._seen,
            limit_bytes=self._asked.limit_bytes,
            rungs=self._asked.rungs,
            session_id=self._asked.session_id,
        )

    def _wishes(self) -> list[RoleWish]:
        catalogue, settled = self._parts.catalogue, self._asked.settled
        return [
            RoleWish(role, settled[role].model, settled=True)
            if role in settled
            else RoleWish(role, self._wanted[role], catalogue.smaller_than(self._wanted[role], self._sizes))
            for role in self._asked.team
        ]

    def _bounds(self) -> Bounds:
        patient = Terms(self._asked.limit_bytes, self._asked.session_id, wait=True, evict_idle=True)
        capacity = sum(snapshot.capacity_bytes for snapshot in self._snapshots.values())
        return Bounds(roomiest_bytes(self._seen, patient), min(self._asked.limit_bytes, capacity))

    def _refused(self, misfit: Misfit) -> MemoryExceeded:
        what = misfit.model or "the team"
        offer = would_fit(misfit, self._sizes)
        return MemoryExceeded(what, misfit.needed_bytes / GB, misfit.bound_bytes / GB, offer)

    # ── endpoints ────────────────────────────────────────────────────────────────────────────────────────────────

    def _placed(self, fit: TeamFit) -> tuple[dict[str, Placed], Forecast]:
        """Return the places of all roles and what follows from them.

        The usual choice of endpoints counts, unless it makes a team take turns that has been promised not to.
        """
        places = self._chosen_places(fit)
        foreseen = self._foretell(places)
        if Rung.WAIT in fit.used or not (foreseen.in_turns or foreseen.waits_for or foreseen.impossible):
            return places, foreseen
        seated = {role: self._place(role, fit.seats[model], model) for role, model in fit.models.items()}
        places = seated | dict(self._asked.settled)
        return places, self._foretell(places)

    def _chosen_places(self, fit: TeamFit) -> dict[str, Placed]:
        settled = self._asked.settled
        wishes = [(role, self._candidates(model)) for role, model in fit.models.items() if role not in settled]
        chosen = place_team(
            self._parts.placing.states(self._answers),
            wishes,
            session_id=self._asked.session_id,
            placed={place.model: place.endpoint_id for place in settled.values()},
        )
        places = {}
        for role, model in fit.models.items():
            place = chosen.get(role)
            where = place.endpoint_id if place is not None else fit.seats[model]
            places[role] = settled[role] if role in settled else self._place(role, where, model)
        return places

    def _candidates(self, model: str) -> list[Candidate]:
        return [
            Candidate(room.endpoint_id, model, self._sizes[model])
            for room in self._seen
            if room.can_load(model) or room.snapshot.find(model) is not None
        ]

    def _place(self, role: str, endpoint_id: str, model: str) -> Placed:
        choice = self._answers[endpoint_id].chosen.get(role)
        return Placed(endpoint_id, model, choice.why if choice is not None and choice.model == model else "")

    def _foretell(self, places: Mapping[str, Placed]) -> Forecast:
        asked = self._asked
        return foretell(self._parts, asked.session_id, places, asked.limit_bytes, self._snapshots)
