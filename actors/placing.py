"""Asks every model host how it stands and what roles can speak with there, and finds a role another endpoint.

`delegator/residency/placement.py` chooses; for whole teams it is asked by `team_fitting.py`. Where a role's place is,
is kept in its `OpenSession` and, with its model, in the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from actors.host_handle import HostHandle
from actors.host_messages import Chosen, HostView
from actors.hosts import Hosts
from actors.recorder import Recorder
from delegator.errors import DelegatorError, ModelLoadFailed, ModelMissing
from delegator.residency.placement import Candidate, HostState, place
from delegator.roles.catalogue import Catalogue, Role

log = logging.getLogger(__name__)

Excluded = tuple[str, str | None]
"""An endpoint and a model that are out of the question there; None: every model."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a role speaks, and with which model. `why`: what is against its own model there; empty when it is that."""

    endpoint_id: str
    model: str
    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """How one endpoint stands, and what each role could speak with there."""

    view: HostView
    chosen: Mapping[str, Chosen]
    problems: tuple[DelegatorError, ...]


class Placing:
    """Chooses places; changes nothing."""

    def __init__(self, hosts: Hosts, catalogue: Catalogue, recorder: Recorder) -> None:
        """Choose among these hosts, by what the recorder knows of sizes."""
        self._hosts = hosts
        self._catalogue = catalogue
        self._recorder = recorder

    async def elsewhere(
        self, role: Role, *, limit_bytes: int, without: Collection[Excluded], together: Collection[str]
    ) -> Placed | None:
        """Return another place for a role; None when there is none on an endpoint in good order.

        Args:
            role: who speaks, with the model it has as the wanted one.
            limit_bytes: most its session may hold; a larger model is chosen only where there is no other.
            without: what is out of the question.
            together: endpoints on which the session's team speaks; they win where all else is equal.
        """
        try:
            answers = await self.survey([role])
        except DelegatorError as exc:
            log.warning("no other place can be found for %s: %s", role.name, exc)
            return None
        chosen = place(self.states(answers), self._candidates(role, answers, limit_bytes, without), together=together)
        if chosen is None or chosen.suspect:
            return None
        return Placed(chosen.endpoint_id, chosen.model, answers[chosen.endpoint_id].chosen[role.name].why)

    async def survey(self, roles: Sequence[Role]) -> dict[str, Answer]:
        """Ask every endpoint how it stands and what each role could speak with there; who does not answer is missing.

        Raises:
            DelegatorError: none answers.
        """
        asked = await self._hosts.ask(lambda host: _ask(host, roles))
        answers = {endpoint_id: answer for endpoint_id, answer in asked.items() if isinstance(answer, Answer)}
        for endpoint_id, answer in answers.items():
            self._hosts.doubts.seen(endpoint_id, answer.view.suspect)
        if not answers:
            raise next(answer for answer in asked.values() if isinstance(answer, DelegatorError))
        return answers

    def states(self, answers: Mapping[str, Answer]) -> dict[str, HostState]:
        """Return the endpoints as the choice among them sees them."""
        return {
            endpoint_id: state_of(answer.view, suspect=self._hosts.doubts.why(endpoint_id) is not None, order=order)
            for order, (endpoint_id, answer) in enumerate(answers.items())
        }

    def _candidates(
        self,
        role: Role,
        answers: Mapping[str, Answer],
        limit_bytes: int,
        without: Collection[Excluded],
    ) -> list[Candidate]:
        names = (role.model, *role.fallbacks)
        found = []
        for endpoint_id, answer in answers.items():
            chosen = answer.chosen.get(role.name)
            if chosen is None or (endpoint_id, None) in without or (endpoint_id, chosen.model) in without:
                continue
            size = self._recorder.size_on(endpoint_id, self._catalogue.models[chosen.model])
            found.append(Candidate(endpoint_id, chosen.model, size, names.index(chosen.model)))
        return [candidate for candidate in found if candidate.size_bytes <= limit_bytes] or found


def state_of(view: HostView, *, suspect: bool = False, order: int = 0) -> HostState:
    """Return what the choice of an endpoint needs of a host's view."""
    queues: dict[str, int] = {}
    for _, model in view.waiting:
        queues[model] = queues.get(model, 0) + 1
    return HostState.of(view.endpoint_id, view.snapshot, queues=queues, suspect=suspect, order=order)


async def _ask(host: HostHandle, roles: Sequence[Role]) -> Answer:
    """Ask one endpoint how it stands and what each role could speak with there; a role it cannot serve is left out."""
    view, chosen = await asyncio.gather(host.view(), _choose(host, roles))
    return Answer(view, *chosen)


async def _choose(host: HostHandle, roles: Sequence[Role]) -> tuple[dict[str, Chosen], tuple[DelegatorError, ...]]:
    try:
        return await host.choose(roles), ()
    except (ModelMissing, ModelLoadFailed) as exc:
        if len(roles) == 1:
            return {}, (exc,)
    singly = await asyncio.gather(*(_choose(host, [role]) for role in roles))
    chosen = {role: choice for answer, _ in singly for role, choice in answer.items()}
    return chosen, tuple(problem for _, problems in singly for problem in problems)


def nobody_can(role: Role, answers: Mapping[str, Answer]) -> DelegatorError:
    """Return the error that tells most: a model that is there and does not load, before one that is missing."""
    problems = [
        problem
        for answer in answers.values()
        for problem in answer.problems
        if isinstance(problem, ModelMissing | ModelLoadFailed) and problem.model == role.model
    ]
    return min(problems, key=lambda problem: isinstance(problem, ModelMissing))
