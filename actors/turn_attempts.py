"""Takes one turn of a task: gets it a slot, lets its role speak, writes down what was said.

A turn survives what happens around it: after a failure that may pass, `turn_recovery.py` mends what it can, and it is
tried again. What was said is in the store before the turn is over.
"""

from __future__ import annotations

import asyncio
import logging

from actors.agent_messages import Spoken, Turn
from actors.calls import ACTOR_LOST, ask
from actors.claimant import Claimant
from actors.host_handle import HostHandle
from actors.host_messages import Grant, LaterTurn, TurnWish
from actors.moves import Moves
from actors.parts import Parts
from actors.restart_log import RestartLog
from actors.running_task import TurnAtHand, turn_event
from actors.session_limit import SessionLimit
from actors.turn_recovery import Troubles, TurnRecovery
from delegator.errors import (
    AgentLost,
    DeadlineExceeded,
    DelegatorError,
    HostSuspect,
    MemoryExceeded,
    ModelLoadFailed,
    ModelMissing,
    OllamaBusy,
    OllamaUnavailable,
    ReplyBroken,
    Unavailable,
)
from delegator.roles.catalogue import Model
from delegator.schemas import EventKind
from delegator.settings import GB
from delegator.store.records import MessageRecord

log = logging.getLogger(__name__)

RETRIED = (ReplyBroken, OllamaBusy, OllamaUnavailable, ModelLoadFailed, ModelMissing, HostSuspect, *ACTOR_LOST)
"""What another attempt at the same turn may overcome."""

RETRY_PAUSE_S = 0.5
"""Real seconds before the second attempt; doubles with each further one: a restarted Ollama is back by the last."""


class TurnAttempts:
    """Takes turns, one attempt after the other."""

    def __init__(self, parts: Parts, claimant: Claimant, restarts: RestartLog) -> None:
        """Work with these parts; `claimant` says what may be held when a host is to look again."""
        self._parts = parts
        self._moves = Moves(parts)
        self._recovery = TurnRecovery(parts, claimant, self._moves, restarts)
        self._limit = SessionLimit(parts)

    async def take(self, turn: TurnAtHand) -> MessageRecord:
        """Take one turn, again where it fails for a reason that may pass, and write down what was said."""
        attempts = self._parts.settings.turn_attempts
        troubles = Troubles()
        pause_s = RETRY_PAUSE_S
        for attempt in range(1, attempts + 1):
            try:
                await self._moves.ensure_trusted(turn.session, turn.role)
                return await self._attempt(turn, attempt)
            except (*RETRIED, Unavailable) as exc:
                problem = exc.message if isinstance(exc, DelegatorError) else "its process was lost"
                if not isinstance(exc, RETRIED) and type(exc) is not Unavailable:
                    raise
                if attempt == attempts:
                    if isinstance(exc, DelegatorError):
                        raise
                    raise AgentLost(turn.role, attempts, problem) from exc
                if await self._recovery.recover(turn, exc, problem, troubles):
                    continue
                await asyncio.sleep(pause_s)
                pause_s *= 2
        raise AgentLost(turn.role, attempts, "no attempt was made")

    # ── one attempt ───────────────────────────────────────────────────────────────────────────────────────────────

    async def _attempt(self, turn: TurnAtHand, attempt: int) -> MessageRecord:
        settings, clock, session = self._parts.settings, self._parts.clock, turn.session
        model = session.model_of(turn.role, self._parts.catalogue)
        host = self._parts.host_of(session, turn.role)
        deadline_s = max(30.0, clock.real_s(settings.turn_deadline_s))
        turn.running.role, turn.running.waiting_for = turn.role, model.name
        try:
            grant = await self._get_slot(turn, host, model, deadline_s)
            turn.running.waiting_for = None
            started = turn_event(
                turn, EventKind.TURN_STARTED, clock.now(), model=model.name, turn=turn.index, attempt=attempt,
                endpoint=host.endpoint_id, waited_s=round(grant.waited_s, 3), load_s=round(grant.load_s, 3),
            )  # fmt: skip
            await self._parts.store.append_events([started])
            self._warm_next(turn)
            spoken = await self._speak(turn, host, deadline_s)
        finally:
            await asyncio.shield(asyncio.create_task(self._release_turn(turn, host)))
        return await self._write_down(turn, spoken, model.name, grant, attempt)

    async def _get_slot(self, turn: TurnAtHand, host: HostHandle, model: Model, deadline_s: float) -> Grant:
        """Make room in the session's limit, then get the slot; once more where the model needs more than was known."""
        session = turn.session
        limit = await self._claim(turn, host, model, deadline_s)
        try:
            return await self._acquire(turn, host, self._wish(turn, host, model, limit), deadline_s)
        except MemoryExceeded as exc:
            if limit >= session.record.limits_max_memory_bytes:
                raise
            self._limit.needs(host.endpoint_id, model, round(exc.needed_gb * GB))
        self._limit.give_back(session, turn.turn_id)
        limit = await self._claim(turn, host, model, deadline_s)
        return await self._acquire(turn, host, self._wish(turn, host, model, limit), deadline_s)

    async def _claim(self, turn: TurnAtHand, host: HostHandle, model: Model, deadline_s: float) -> int:
        """Return what the turn's host may hold, less what the next speaker's model shall have on another endpoint.

        Each host keeps to its own part of the session's limit: neither knows what the other is about to load.
        """
        session = turn.session
        left = await self._limit.claim(session, turn.turn_id, host.endpoint_id, model, deadline_s=deadline_s)
        turn.running.set_aside = self._set_aside(turn, host, model, left)
        return left - turn.running.set_aside

    def _set_aside(self, turn: TurnAtHand, host: HostHandle, model: Model, left: int) -> int:
        """Return the bytes for the next speaker's model on another endpoint, where both fit what is left; else 0."""
        if turn.index + 1 >= len(turn.record.turns):
            return 0
        session, role = turn.session, turn.record.turns[turn.index + 1].role
        following, elsewhere = session.model_of(role, self._parts.catalogue), self._parts.host_of(session, role)
        recorder = self._parts.recorder
        if elsewhere is host or (elsewhere.endpoint_id, following.name) in recorder.holdings(session.session_id):
            return 0
        size = recorder.size_on(elsewhere.endpoint_id, following)
        return size if size + recorder.size_on(host.endpoint_id, model) <= left else 0

    def _wish(self, turn: TurnAtHand, host: HostHandle, model: Model, limit_bytes: int) -> TurnWish:
        """Say what the turn needs, and what its task will need on that host after it."""
        session, later = turn.session, []
        for ahead, planned in enumerate(turn.record.turns[turn.index + 1 :], start=1):
            if self._parts.host_of(session, planned.role) is host:
                later.append(LaterTurn(session.model_of(planned.role, self._parts.catalogue), ahead))
        return TurnWish(
            turn.turn_id,
            session.session_id,
            model,
            limit_bytes,
            task_id=turn.record.task_id,
            later=tuple(later),
            continues=turn.index + 1 < len(turn.record.turns),
            outlook=self._parts.outlook_of(session, host.endpoint_id),
        )

    async def _acquire(self, turn: TurnAtHand, host: HostHandle, wish: TurnWish, deadline_s: float) -> Grant:
        try:
            grant = await host.acquire(wish, deadline_s)
        except DelegatorError as exc:
            raise await self._moves.understood(host, exc) from exc
        self._limit.granted(turn.session, host.endpoint_id, grant)
        return grant

    async def _release_turn(self, turn: TurnAtHand, host: HostHandle) -> None:
        self._limit.give_back(turn.session, turn.turn_id)
        try:
            await host.release_turn(turn.turn_id)
        except DelegatorError as exc:  # what was said counts all the same; the next sweep frees the slot
            log.warning("the slot of %s is left to the reconciler: %s", turn.turn_id, exc)

    def _warm_next(self, turn: TurnAtHand) -> None:
        """While this role speaks, bring in the next one's model where there is memory to spare.

        Where both speak on one endpoint its host does that by itself, in time for the end of this turn.
        """
        if turn.index + 1 >= len(turn.record.turns):
            return
        session, role = turn.session, turn.record.turns[turn.index + 1].role
        model, host = session.model_of(role, self._parts.catalogue), self._parts.host_of(session, role)
        if host is self._parts.host_of(session, turn.role):
            return
        held = self._parts.recorder.holdings(session.session_id)
        there = sum(size for (endpoint_id, _), size in held.items() if endpoint_id == host.endpoint_id)
        spare = min(self._limit.spare(session, host.endpoint_id), there + turn.running.set_aside)
        doubted = self._parts.hosts.doubts.why(host.endpoint_id) is not None and len(self._parts.hosts) > 1
        if doubted or model.memory_bytes > spare:
            return
        turn_id = f"warm:{turn.record.task_id}:{turn.index + 1}"
        wish = TurnWish(turn_id, session.session_id, model, spare, spare_only=True)
        warming = asyncio.create_task(host.warm(wish, self._parts.settings.actor_start_deadline_s))
        warming.add_done_callback(_ignore_outcome)

    async def _speak(self, turn: TurnAtHand, host: HostHandle, deadline_s: float) -> Spoken:
        turn.session.ensure_open()
        agent = await self._parts.pool.lease(  # it may not have answered after a restart
            turn.role, turn.session.session_id, node_id=host.node_id
        )
        request = self._spell_out(turn, host)
        try:
            with agent.work.at(turn.turn_id, turn.session.session_id):
                speaking = agent.handle.speak.remote(request)
                spoken: Spoken = await ask(speaking, deadline_s=deadline_s, what=f"a turn of {turn.role}")
        except DeadlineExceeded as exc:
            raise self._silence(host, request.model, exc) from exc
        return spoken

    def _silence(self, host: HostHandle, model: str, exc: DeadlineExceeded) -> DelegatorError:
        """Return what it means that a resident model says nothing: where there are others, a host to be avoided."""
        if len(self._parts.hosts) == 1:
            return ReplyBroken(host.url, model, exc.message)
        return HostSuspect(host.url, exc.message)

    def _spell_out(self, turn: TurnAtHand, host: HostHandle) -> Turn:
        session, record = turn.session, turn.record
        planned = record.turns[turn.index]
        model = session.model_of(planned.role, self._parts.catalogue)
        is_message = record.kind == "message"
        return Turn(
            turn_id=turn.turn_id,
            session_id=session.session_id,
            purpose=planned.purpose,
            task=session.record.task_description if is_message else record.text,
            context=session.record.context,
            endpoint_url=host.url,
            model=model.name,
            num_ctx=model.num_ctx,
            team=tuple((role, self._parts.catalogue.role(role).title) for role in session.team),
            said=tuple(turn.said),
            message_from=record.from_role if is_message else None,
            message=record.text if is_message else None,
            background=turn.background,
            endpoint_id=host.endpoint_id,
        )

    async def _write_down(
        self, turn: TurnAtHand, spoken: Spoken, model: str, grant: Grant, attempt: int
    ) -> MessageRecord:
        planned = turn.record.turns[turn.index]
        message = MessageRecord(
            task_id=turn.record.task_id,
            session_id=turn.session.session_id,
            turn=turn.index,
            from_role=planned.role,
            purpose=planned.purpose,
            text=spoken.text,
            model=model,
            prompt_tokens=spoken.prompt_tokens,
            reply_tokens=spoken.reply_tokens,
            seconds=spoken.seconds,
            load_seconds=grant.load_s,
            attempts=attempt,
            created_at=self._parts.clock.now(),
        )
        event = turn_event(
            turn, EventKind.TURN_COMPLETED, message.created_at, model=model, turn=turn.index,
            prompt_tokens=spoken.prompt_tokens, reply_tokens=spoken.reply_tokens, seconds=round(spoken.seconds, 3),
            waited_s=round(grant.waited_s, 3),
        )  # fmt: skip
        written = await self._parts.store.add_turn(message, [event])
        if (agent := self._parts.pool.get(planned.role)) is not None:
            agent.work.done(message.session_id, message.reply_tokens, message.seconds)
        return written


def _ignore_outcome(task: asyncio.Task[object]) -> None:
    """Look at a result that nobody waits for, so that a failed warm-up is not reported as a forgotten error."""
    if not task.cancelled():
        task.exception()
