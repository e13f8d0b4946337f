"""Compares what a `ModelHost` believes with `/api/ps`, its reservations and what the `SessionManager` claims; heals it.

Part of the host, which does one comparison at a time for each call of `reconcile`. In the first one after a start a
host takes over what the sessions hold; later its own knowledge is newer than the claims.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from actors.asides import Asides
from actors.by_hand import BY_HAND
from actors.endpoint_memory import EndpointMemory
from actors.holders import Holders
from actors.host_messages import Claims, Sweep
from actors.pinned import Pinned
from delegator.residency.demand import Outlook
from delegator.residency.dispatcher import Dispatcher
from delegator.residency.ledger import Entry


@dataclass(frozen=True, slots=True)
class Ways:
    """What a comparison has its host do.

    Attributes:
        unload_if_idle: unloads a model; returns whether it has gone.
        pump: asks what happens next.
        now: model seconds since the host began.
        known: an outlook with the ledger's names.
    """

    unload_if_idle: Callable[[Entry], Awaitable[bool]]
    pump: Callable[[], None]
    now: Callable[[], float]
    known: Callable[[Outlook], Outlook]


class HostComparison:
    """See the module's head."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        memory: EndpointMemory,
        holders: Holders,
        pinned: Pinned,
        asides: Asides,
        ways: Ways,
    ) -> None:
        """Compare nothing yet."""
        self._dispatcher = dispatcher
        self._ledger = dispatcher.ledger
        self._memory = memory
        self._holders = holders
        self._pinned = pinned
        self._asides = asides
        self._ways = ways
        self._learned_told = dispatcher.demand.returns.version
        self._managers_life = ""
        self._knows_holders = False

    async def compare(self, claims: Claims) -> Sweep:
        """Compare and heal.

        A model that vanished is struck out, and brought back if it is pinned, one that came by itself is entered as
        foreign, one of ours that nobody claims is unloaded, a reservation without a model is removed.
        """
        self._apply(claims)  # before any await: what begins from now on is newer than the claims
        lost = await self._memory.compare(claims.loaded_by_us)
        self._pinned.bring_back()
        if not self._knows_holders:
            self._restore_holders(claims)
            lost += self._strike_out_absent(claims, known=lost)
            self._knows_holders = True
        unloaded: list[str] = []
        stale: list[str] = []
        if claims.remove_orphans:
            for entry in self._ledger.unowned():
                self._holders.pass_on(entry, self._ways.now())
            unloaded = [e.model for e in self._ledger.unowned() if await self._unload_unowned(e)]
            stale = await self._memory.free_stale_reservations()
        self._ways.pump()
        contradicted = self._memory.take_contradictions()
        return Sweep(tuple(unloaded), tuple(stale), tuple(lost), self._news_learned(), contradicted)

    async def _unload_unowned(self, entry: Entry) -> bool:
        return entry in self._ledger.unowned() and await self._ways.unload_if_idle(entry)

    def _news_learned(self) -> dict[str, Any] | None:
        """Return what has been learned about people's returns, where that was not told yet."""
        returns = self._dispatcher.demand.returns
        if returns.version == self._learned_told:
            return None
        self._learned_told = returns.version
        return returns.to_json()

    def _apply(self, claims: Claims) -> None:
        if claims.life != self._managers_life:
            self._managers_life = claims.life
            self._dispatcher.reopen_sessions()
        self._pinned.keep(claims.pins)
        if not self._knows_holders:  # only after a start: later the claims are older than what this host knows
            self._restore_holders(claims)
        now = self._ways.now()
        self._dispatcher.demand.keep_only(frozenset(claims.held), now)
        for outlook in claims.outlooks:
            if outlook.session_id not in self._dispatcher.demand:
                self._dispatcher.open_session(self._ways.known(outlook), now)
        self._dispatcher.lingers = claims.remove_orphans
        for turn_id in [t for t in self._dispatcher.running() if t not in claims.turns]:
            self._dispatcher.finish(turn_id, now)
        self._holders.keep_only(claims.held.keys(), {*self._asides.holders, BY_HAND})

    def _restore_holders(self, claims: Claims) -> None:
        for session_id, models in claims.held.items():
            for model in models:
                entry = self._ledger.get(self._memory.known_as(model))
                if entry is not None and not entry.foreign:
                    self._holders.hold(entry, session_id)

    def _strike_out_absent(self, claims: Claims, known: Collection[str]) -> list[str]:
        """Tell of models that left while no host was there to see it, beside those `known`; return them."""
        known_as = self._memory.known_as
        absent = sorted(m for m in claims.loaded_by_us if known_as(m) not in self._ledger and m not in known)
        for model in absent:
            self._memory.tell_lost(model, [s for s, models in claims.held.items() if model in models])
        return absent
