"""The models of all endpoints, for the `SessionManager`: lists them, has them fetched and removed, fits roles to them.

Chooses the endpoint where the caller names none; the work on a disk is done by the endpoint's `ModelHost` (`disk.py`),
what fits is decided in `delegator/residency/fit.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from actors.disk_messages import PullView
from actors.host_handle import HostHandle
from actors.model_rows import ModelRows, Place, first, same
from actors.parts import OpenSession, Parts
from delegator.analysis.category import TEAM_OF_CATEGORY
from delegator.errors import DelegatorError, InvalidInput, ModelInUse, ModelNotFound, PullNotFound
from delegator.ollama.names import normalise
from delegator.residency.fit import Knowledge, Machine
from delegator.residency.fit_report import machine_fit
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.roles.files import SHIPPED
from delegator.schemas import (
    FitModelsReply,
    FitModelsRequest,
    GetPullRequest,
    ListModelsReply,
    ModelRef,
    NoInput,
    Pull,
    PullModelRequest,
    RemoveModelReply,
)
from delegator.settings import GB

USUAL_TEAMS = tuple(TEAM_OF_CATEGORY.values())
"""What should fit side by side, for a catalogue to be suggested."""


class ModelLibrary:
    """See the module's head."""

    def __init__(self, parts: Parts, sessions: Callable[[], Iterable[OpenSession]]) -> None:
        """Work on the parts' endpoints; `sessions` gives the open sessions, whose models are not removed."""
        self._parts = parts
        self._sessions = sessions
        self._rows = ModelRows(parts)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def list_models(self, _request: NoInput) -> ListModelsReply:
        """See the operation of this name."""
        places, notes = await self.look_everywhere()
        return ListModelsReply(
            catalogue=self._parts.catalogue.name,
            models=self._rows.all(places),
            disk_gb=sum(model.size_bytes for place in places for model in place.disk.models) / GB,
            notes=notes,
            simulated=self._parts.simulated,
        )

    async def look_everywhere(self) -> tuple[list[Place], list[str]]:
        """Return, at one moment, the endpoints that answer, and of the others why they do not.

        Raises:
            DelegatorError: none of them does.
        """
        answers = await self._parts.hosts.ask(self._look)
        places = [place for place in answers.values() if isinstance(place, Place)]
        failed = {endpoint: exc for endpoint, exc in answers.items() if isinstance(exc, DelegatorError)}
        if not places:
            raise next(iter(failed.values()))
        silent = [host.endpoint_id for host in self._parts.hosts.all() if host.endpoint_id not in answers]
        notes = [f"{endpoint}: {exc.message}" for endpoint, exc in failed.items()]
        return places, [*notes, *(f"{endpoint}: it does not answer" for endpoint in silent)]

    async def _look(self, host: HostHandle) -> Place:
        catalogue = self._parts.catalogue
        first_choices = [role.model for role in catalogue.roles.values()]
        names = tuple(dict.fromkeys([*first_choices, *catalogue.models]))
        disk, memory = await asyncio.gather(host.on_disk(names), host.view())
        return Place(host, disk, memory)

    # ── fetching ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def pull_model(self, request: PullModelRequest) -> Pull:
        """See the operation of this name."""
        host = self._parts.hosts.named(request.endpoint) or await self._first_without(request.model)
        return self._rows.told(host, await host.pull(request.model, request.wait_s))

    async def _first_without(self, model: str) -> HostHandle:
        """Return where a model is to be fetched: where it is on its way, else the first endpoint without it."""
        hosts = self._parts.hosts.all()
        if len(hosts) == 1:
            return hosts[0]
        places, _ = await self.look_everywhere()
        name = normalise(model)
        for place in places:
            if (pull := place.disk.pull_of(name)) is not None and pull.running:
                return place.host
        return next((place.host for place in places if place.disk.find(name) is None), places[0].host)

    async def get_pull(self, request: GetPullRequest) -> Pull:
        """See the operation of this name."""
        host = await self._host_of_pull(request)
        return self._rows.told(host, await host.look_at_pull(request.model, request.wait_s))

    async def cancel_pull(self, request: ModelRef) -> Pull:
        """See the operation of this name."""
        host = await self._host_of_pull(request)
        return self._rows.told(host, await host.cancel_pull(request.model))

    async def _host_of_pull(self, request: ModelRef) -> HostHandle:
        named = self._parts.hosts.named(request.endpoint)
        if named is not None:
            return named
        answers = await self._parts.hosts.ask(lambda host: host.look_at_pull(request.model, 0))
        pulls = {endpoint: pull for endpoint, pull in answers.items() if isinstance(pull, PullView)}
        if not pulls:
            raise PullNotFound(request.model)
        return self._parts.hosts.get(min(pulls, key=lambda endpoint: not pulls[endpoint].running))

    # ── removing ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def remove_model(self, request: ModelRef) -> RemoveModelReply:
        """See the operation of this name."""
        host = self._parts.hosts.named(request.endpoint) or await self._only_with(request.model)
        for session in self._sessions():
            there = {role: model for role, model in session.models.items() if self._speaks_on(host, session, role)}
            role = first(role for role, model in there.items() if same(model, request.model))
            if role is not None:
                raise ModelInUse(host.endpoint_id, request.model, f"{role} of {session.session_id} uses it")
        removed = await host.remove(request.model)
        return RemoveModelReply(
            model=removed.model,
            endpoint=host.endpoint_id,
            disk_freed_gb=removed.disk_bytes / GB,
            memory_freed_gb=removed.memory_bytes / GB,
            simulated=self._parts.simulated,
        )

    def _speaks_on(self, host: HostHandle, session: OpenSession, role: str) -> bool:
        return session.endpoints.get(role, host.endpoint_id) == host.endpoint_id

    async def _only_with(self, model: str) -> HostHandle:
        """Return the only endpoint that has a model: what is taken away must not be guessed."""
        hosts = self._parts.hosts.all()
        if len(hosts) == 1:
            return hosts[0]
        places, _ = await self.look_everywhere()
        found = [place.host for place in places if place.disk.find(normalise(model)) is not None]
        if not found:
            raise ModelNotFound(model, "on any endpoint")
        if len(found) > 1:
            names = ", ".join(host.endpoint_id for host in found)
            raise InvalidInput("endpoint", f"is missing: several endpoints have '{model}'", f"Give one of: {names}.")
        return found[0]

    # ── fitting ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def fit_models(self, request: FitModelsRequest) -> FitModelsReply:
        """See the operation of this name."""
        catalogue = self._parts.catalogue if request.catalogue is None else _shipped(request.catalogue)
        if request.memory_gb is not None:
            tried = Machine(round(request.memory_gb * GB), self._rows.limit_bytes)
            cases: list[tuple[str | None, Machine, Knowledge]] = [
                (None, tried, Knowledge(self._parts.recorder.sizes, {}))
            ]
        else:
            places, _ = await self.look_everywhere()
            cases = [(p.host.endpoint_id, self._rows.machine(p), self._rows.known(p)) for p in places]
        measured = [model in self._parts.recorder.sizes for model in catalogue.models]
        return FitModelsReply(
            machines=[
                machine_fit(catalogue, machine, known=known, teams=USUAL_TEAMS, endpoint=endpoint)
                for endpoint, machine, known in cases
            ],
            sizes="measured" if all(measured) else "mixed" if any(measured) else "estimated",
            simulated=self._parts.simulated,
        )


def _shipped(name: str) -> Catalogue:
    if name not in SHIPPED:
        raise InvalidInput("catalogue", f"'{name}' does not come with Delegator", f"Give one of: {', '.join(SHIPPED)}.")
    return load_catalogue(name)
