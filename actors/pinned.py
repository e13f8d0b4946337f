"""Models that are pinned on one endpoint: they stay whoever needs room, and are brought back where they vanish.

Part of a `ModelHost`; the loading is `by_hand.py`'s, and every other part leaves alone what the ledger calls pinned.
Which models are pinned the `SessionManager` knows from the store, and tells with every comparison: a host that has lost
its memory has its pins again with the first one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from actors.by_hand import ByHand
from actors.control_messages import ControlView, PinWish
from actors.endpoint_memory import EndpointMemory
from actors.shelf import Shelf
from delegator.errors import DelegatorError, NoCapacity
from delegator.residency.ledger import Ledger, Phase
from delegator.residency.pinning import shut_out
from delegator.roles.catalogue import Model
from delegator.settings import GB

log = logging.getLogger(__name__)

TRY_AGAIN_S = 300.0
"""Real seconds after which a pinned model that could not be loaded is tried again."""

WAIT_S = 3600.0
"""Real seconds for which the return of a pinned model is watched at most; its load has a deadline of its own."""


class Pinned:
    """See the module's head."""

    def __init__(self, memory: EndpointMemory, shelf: Shelf, by_hand: ByHand, pump: Callable[[], None]) -> None:
        """Pin nothing until `keep` or `pin`. `pump` asks what happens next."""
        self._memory = memory
        self._ledger: Ledger = memory.ledger
        self._shelf = shelf
        self._by_hand = by_hand
        self._pump = pump
        self._models: dict[str, Model] = {}
        """By the ledger's names."""
        self._not_before: dict[str, float] = {}
        """{model: monotonic moment before which a return that failed is not tried again}."""
        self._returns: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop what is under way."""
        for returning in self._returns:
            returning.cancel()
        await asyncio.gather(*self._returns, return_exceptions=True)

    async def pin(self, wish: PinWish, wait_s: float) -> ControlView:
        """Keep a model in memory until it is unpinned, bringing it in first; answer as `ByHand.load` does.

        Raises:
            NoCapacity: beside all that is pinned a model of an open session would find no room.
            DelegatorError: what `ByHand.load` raises; it is pinned no more than it was before then.
        """
        name = await self._by_hand.loadable(wish.model)
        was_pinned = name in self._models
        if not was_pinned:
            self._refuse_if_too_much(name, wish)
        self._models[name] = wish.model
        self._not_before.pop(name, None)
        self._ledger.pin_only(self._models)
        try:
            await self._by_hand.bring_in(name, wish.model, wait_s)
        except BaseException:
            if not was_pinned:
                self._forget(name)
            raise
        usual = self._sizes(model for model in wish.usual if self._shelf.has(model.name))
        return self._by_hand.view(name, wish.model, shut_out=self._shut_out(usual))

    def _refuse_if_too_much(self, name: str, wish: PinWish) -> None:
        pinned = self._sizes([*self._models.values(), wish.model])
        total_gb, capacity_gb = sum(pinned.values()) / GB, self._ledger.capacity_bytes / GB
        if len(pinned) > 1 and total_gb > capacity_gb:
            raise NoCapacity(
                f"{', '.join(sorted(pinned))} would take {total_gb:.1f} GB together, and "
                f"{capacity_gb:.1f} GB are there; unpin one of them first"
            )
        if in_use := self._shut_out(self._sizes(wish.in_use), pinned):
            raise NoCapacity(
                f"with {name} pinned {total_gb:.1f} of {capacity_gb:.1f} GB would be pinned, and {in_use[0]}, which an "
                "open session uses, would find no room; unpin another model, or end that session first"
            )

    def _sizes(self, models: Iterable[Model]) -> dict[str, int]:
        known = {self._memory.known_as(model.name): model for model in models}
        return {name: self._by_hand.size_of(name, model) for name, model in known.items()}

    def _shut_out(self, others: dict[str, int], pinned: dict[str, int] | None = None) -> tuple[str, ...]:
        return shut_out(
            self._sizes(self._models.values()) if pinned is None else pinned,
            others,
            capacity_bytes=self._ledger.capacity_bytes,
            max_models=self._ledger.max_models,
        )

    async def unpin(self, model: Model, wait_s: float) -> ControlView:
        """Give a model back to the usual rules; where it goes at once, wait for that for `wait_s` real seconds."""
        name = self._memory.known_as(model.name)
        self._forget(name)
        self._pump()
        entry = self._ledger.get(name)
        if entry is not None and entry.phase is Phase.UNLOADING:
            await self._by_hand.take_out(name, wait_s)
        return self._by_hand.view(name, model)

    def _forget(self, name: str) -> None:
        self._models.pop(name, None)
        self._not_before.pop(name, None)
        self._ledger.pin_only(self._models)

    def keep(self, models: Iterable[Model]) -> None:
        """Let exactly these be pinned: what the store says."""
        self._models = {self._memory.known_as(model.name): model for model in models}
        self._ledger.pin_only(self._models)

    def bring_back(self) -> None:
        """Have the pinned models loaded that are not in memory, without waiting for that."""
        for name, model in self._models.items():
            entry = self._ledger.get(name)
            is_due = time.monotonic() >= self._not_before.get(name, 0.0)
            if (entry is None or entry.foreign) and is_due and not self._by_hand.is_loading(name):
                returning = asyncio.create_task(self._bring_back(name, model))
                self._returns.add(returning)
                returning.add_done_callback(self._returns.discard)

    async def _bring_back(self, name: str, model: Model) -> None:
        try:
            await self._by_hand.loadable(model)
            await self._by_hand.bring_in(name, model, WAIT_S)
        except NoCapacity as exc:
            log.info("pinned %s waits for room: %s", name, exc.message)
        except DelegatorError as exc:
            self._not_before[name] = time.monotonic() + TRY_AGAIN_S
            log.warning("pinned %s could not be brought back: %s", name, exc.message)
