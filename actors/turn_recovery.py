"""Mends what can be mended after a failed attempt at a turn, and decides where the next one is made.

An agent's process that died is waited for. An endpoint that is stuck, gone, or does not load the model is left for one
that can do it, if there is one; chance failures only once they repeat. A load that failed gets a second try.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from actors.calls import ACTOR_LOST
from actors.claimant import Claimant
from actors.host_handle import HostHandle
from actors.moves import Moves, excluded_by
from actors.parts import Parts
from actors.placing import Excluded
from actors.restart_log import RestartLog
from actors.running_task import TurnAtHand, turn_event
from delegator.errors import AgentLost, DelegatorError, HostSuspect, ModelLoadFailed, ModelMissing, Unavailable
from delegator.schemas import EventKind

log = logging.getLogger(__name__)

MOVED_AFTER = 2
"""Broken replies and refusals on one endpoint after which the turn goes to another, if there is one."""


@dataclass(slots=True)
class Troubles:
    """What one turn has met so far.

    Attributes:
        without: where it need not be tried again.
        failures: by endpoint, those that may have been chance.
        loaded_again: models that failed to load and were given a second try.
    """

    without: set[Excluded] = field(default_factory=set)
    failures: dict[str, int] = field(default_factory=dict)
    loaded_again: set[tuple[str, str]] = field(default_factory=set)


class TurnRecovery:
    """Stands between two attempts at one turn."""

    def __init__(self, parts: Parts, claimant: Claimant, moves: Moves, restarts: RestartLog) -> None:
        """Work with these parts; `claimant` tells a host what may be held when it is to look again."""
        self._parts = parts
        self._claimant = claimant
        self._moves = moves
        self._restarts = restarts

    async def recover(self, turn: TurnAtHand, exc: Exception, problem: str, troubles: Troubles) -> bool:
        """Note the failed attempt and mend what can be mended before the next one; return whether it is elsewhere."""
        now = self._parts.clock.now()
        code = exc.code if isinstance(exc, DelegatorError) else AgentLost.code
        retried = turn_event(turn, EventKind.TURN_RETRIED, now, reason=problem, code=code)
        moved = False
        if isinstance(exc, ACTOR_LOST):
            agent = await self._parts.pool.revive(turn.role)
            if agent is not None:
                self._restarts.take_up(agent, last=turn_event(turn, EventKind.AGENT_RESTARTED, now, reason=problem))
        else:
            moved = await self._move_away(turn, exc, problem, troubles)
            if not moved:
                await self._prepare_again(turn, exc, troubles)
        await self._parts.store.append_events([retried])
        await self._restarts.write_down()
        return moved

    async def _move_away(self, turn: TurnAtHand, exc: Exception, problem: str, troubles: Troubles) -> bool:
        """Move the turn's role where the failure calls for it and there is another place."""
        here, model = turn_place(self._parts, turn)
        excluded = excluded_by(exc, here, model)
        if excluded is None:
            troubles.failures[here] = troubles.failures.get(here, 0) + 1
            if troubles.failures[here] < MOVED_AFTER or len(self._parts.hosts) == 1:
                return False
            excluded = (here, None)
        troubles.without.add(excluded)
        return await self._moves.move(turn.session, turn.role, troubles.without, problem) is not None

    async def _prepare_again(self, turn: TurnAtHand, exc: Exception, troubles: Troubles) -> None:
        """See that another attempt in the same place makes sense; raise `exc` where it does not.

        A load that failed gets a second try, once its endpoint has compared what it believes with `/api/ps`.
        """
        place = turn_place(self._parts, turn)
        stuck = isinstance(exc, HostSuspect) and self._parts.hosts.doubts.why(place[0]) is not None
        if stuck or isinstance(exc, ModelMissing) or type(exc) is Unavailable:
            raise exc
        if isinstance(exc, ModelLoadFailed):
            if place in troubles.loaded_again:
                raise exc
            troubles.loaded_again.add(place)
            await self._look_again(self._parts.host_of(turn.session, turn.role))

    async def _look_again(self, host: HostHandle) -> None:
        claims_on = self._claimant.claims_on
        try:
            await host.reconcile(lambda: claims_on(host.endpoint_id, remove_orphans=False))
        except DelegatorError as exc:
            log.warning("%s could not compare with /api/ps before a second load: %s", host.endpoint_id, exc)


def turn_place(parts: Parts, turn: TurnAtHand) -> tuple[str, str]:
    """Return (endpoint, model) of the role whose turn it is."""
    return parts.host_of(turn.session, turn.role).endpoint_id, turn.session.model_of(turn.role, parts.catalogue).name
