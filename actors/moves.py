"""Moves roles of open sessions to another endpoint, or to another model, where the one they had fails them.

Owns the move: in the store and in the session, with its event, and the letting go of what was left. Where to is chosen
by `placing.py`; when to move is the business of whoever met the failure.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from actors.host_handle import HostHandle
from actors.parts import OpenSession, Parts
from actors.placing import Excluded, Placed
from delegator.errors import (
    DeadlineExceeded,
    DelegatorError,
    HostSuspect,
    ModelLoadFailed,
    ModelMissing,
    OllamaUnavailable,
    Unavailable,
)
from delegator.roles.catalogue import Role
from delegator.schemas import EventKind
from delegator.store.records import NewEvent


class Moves:
    """Changes the places of roles."""

    def __init__(self, parts: Parts) -> None:
        """Work with these parts."""
        self._parts = parts

    async def ensure_trusted(self, session: OpenSession, role: str) -> None:
        """See that a role is on an endpoint that exists and is not doubted, if there is one."""
        hosts = self._parts.hosts
        if len(hosts) == 1:
            return
        endpoint_id = session.endpoints.get(role, "")
        if endpoint_id not in hosts:
            await self.move(session, role, {(endpoint_id, None)}, "its endpoint is not there any more")
        elif (doubt := hosts.doubts.why(endpoint_id)) is not None:
            await self.move(session, role, {(endpoint_id, None)}, doubt)

    async def move(self, session: OpenSession, role: str, without: Collection[Excluded], reason: str) -> Placed | None:
        """Move a role, and those that share its model, away; return where to, None when there is nowhere to go.

        Args:
            session: whose role.
            role: it.
            without: what has failed already.
            reason: why, for the record.
        """
        place = await self._parts.placing.elsewhere(
            self._speaker(session, role),
            limit_bytes=session.record.limits_max_memory_bytes,
            without=without,
            together=set(session.endpoints.values()),
        )
        if place is not None:
            await self._take_over(session, self._sharing(session, role, place), place, reason)
        return place

    def _speaker(self, session: OpenSession, role: str) -> Role:
        """Return the role as it speaks in this session: the model it was given there is the one it wants."""
        usual = self._parts.catalogue.role(role)
        given = session.models.get(role, usual.model)
        others = (name for name in (usual.model, *usual.fallbacks) if name != given)
        return replace(usual, model=given, fallbacks=tuple(others))

    def _sharing(self, session: OpenSession, role: str, place: Placed) -> list[str]:
        """Return the active roles that are to stay together: those in the same place, for which the new one is good."""
        here = session.place_of(role)
        return [
            other
            for other in session.team
            if other == role
            or (here is not None and session.place_of(other) == here and self._suits(other, role, place, here[1]))
        ]

    def _suits(self, other: str, role: str, place: Placed, model: str) -> bool:
        catalogue = self._parts.catalogue
        return place.model == model or catalogue.role(other).model == catalogue.role(role).model

    async def _take_over(self, session: OpenSession, roles: Collection[str], place: Placed, reason: str) -> None:
        for role in roles:
            before = Placed(session.endpoints.get(role, ""), session.models.get(role, place.model), "")
            events = self._events(session, role, before, place, reason)
            await self._parts.store.set_agent_model(
                session.session_id, role, place.model, events, endpoint=place.endpoint_id
            )
            session.place({role: place})
            if (before.endpoint_id, before.model) not in session.places:
                self._parts.hosts.let_go(before.endpoint_id, session.session_id, [before.model])

    def _events(self, session: OpenSession, role: str, before: Placed, place: Placed, reason: str) -> list[NewEvent]:
        kinds = []
        data: dict[str, str] = {"reason": reason}
        if place.endpoint_id != before.endpoint_id:
            kinds.append(EventKind.ROLE_MOVED)
            data |= {"from": before.endpoint_id, "endpoint": place.endpoint_id}
        if place.model != before.model:
            kinds.append(EventKind.MODEL_FALLBACK)
            data |= {"instead_of": before.model}
        now = self._parts.clock.now()
        return [
            NewEvent(kind=kind, at=now, session_id=session.session_id, role=role, model=place.model, data=data)
            for kind in kinds
        ]

    # ── what a failure means ──────────────────────────────────────────────────────────────────────────────────────

    async def understood(self, host: HostHandle, exc: DelegatorError) -> DelegatorError:
        """Return what a failed call on a host means: a deadline that passed on a suspect one is that suspicion."""
        if isinstance(exc, DeadlineExceeded):
            reason = await self._suspicion(host)
            return exc if reason is None else HostSuspect(host.url, reason)
        if type(exc) is Unavailable:  # its process does not come back
            self._parts.hosts.doubts.note(host.endpoint_id, exc.message)
        return exc

    async def _suspicion(self, host: HostHandle) -> str | None:
        try:
            suspect = (await host.view()).suspect
        except DelegatorError as exc:
            suspect = exc.message
        if suspect is not None:  # proven just now: an old suspicion begins anew
            self._parts.hosts.doubts.note(host.endpoint_id, suspect)
        return suspect


def excluded_by(exc: BaseException, endpoint_id: str, model: str) -> Excluded | None:
    """Return what is out of the question after a failure there; None when the same may well work again."""
    if isinstance(exc, ModelLoadFailed | ModelMissing):
        return endpoint_id, model
    return (endpoint_id, None) if isinstance(exc, OllamaUnavailable | HostSuspect) or type(exc) is Unavailable else None
