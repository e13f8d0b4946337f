"""The `SessionManager`'s side of a `ModelHost`: typed calls with deadlines, which outlast a restart of the host.

Every method of a host may be called again: turns are known by their ids, the rest states a goal, not a step.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from actors.calls import ACTOR_LOST, ask
from actors.control_messages import ControlView, PinWish
from actors.disk_messages import DiskView, PullView, Removed
from actors.host_messages import Aside, Choice, Chosen, Claims, Grant, HostSpec, HostView, Released, Sweep, TurnWish
from delegator.errors import Unavailable
from delegator.roles.catalogue import Model, Role

log = logging.getLogger(__name__)

RESTART_TRIES = 20
RESTART_PAUSE_S = 0.5
"""Ray restarts an actor within a second or two; ten seconds of tries are plenty."""


class HostHandle:
    """Speaks to the `ModelHost` of one endpoint."""

    def __init__(self, spec: HostSpec, handle: Any, *, node_id: str | None, answer_s: float) -> None:
        """Wrap an actor handle.

        Args:
            spec: of the endpoint.
            handle: of the actor.
            node_id: the Ray node the endpoint is on; None: none of the cluster.
            answer_s: real seconds for calls that wait for nothing but the host itself.
        """
        self.endpoint_id = spec.endpoint_id
        self.url = spec.url
        self.capacity_bytes = spec.capacity_bytes
        self.node_id = node_id
        self._handle = handle
        self._answer_s = answer_s

    async def acquire(self, wish: TurnWish, deadline_s: float) -> Grant:
        """See `ModelHost.acquire`."""
        grant: Grant = await self._call("acquire", wish, deadline_s, patience_s=deadline_s)
        return grant

    async def warm(self, wish: TurnWish, deadline_s: float) -> Grant:
        """See `ModelHost.warm`."""
        grant: Grant = await self._call("warm", wish, deadline_s, patience_s=deadline_s)
        return grant

    async def aside(self, aside: Aside) -> str:
        """See `Asides.answer`."""
        answer: str = await self._call("aside", aside, patience_s=aside.deadline_s)
        return answer

    async def release_turn(self, turn_id: str) -> None:
        """See `ModelHost.release_turn`."""
        await self._call("release_turn", turn_id)

    async def release_models(self, session_id: str, models: Sequence[str] | None = None) -> Released:
        """See `ModelHost.release_models`."""
        released: Released = await self._call("release_models", session_id, models, patience_s=60.0)
        return released

    async def choose(self, roles: Sequence[Role]) -> dict[str, Chosen]:
        """Return by role what it can speak with here; see `ModelHost.choose`."""
        chosen = await self._call("choose", [Choice(role.model, role.fallbacks) for role in roles])
        return dict(zip((role.name for role in roles), chosen, strict=True))

    async def on_disk(self, names: Sequence[str]) -> DiskView:
        """See `Disk.view`."""
        view: DiskView = await self._call("on_disk", list(names))
        return view

    async def pull(self, model: str, wait_s: float) -> PullView:
        """See `Disk.pull`."""
        pull: PullView = await self._call("pull", model, wait_s, patience_s=wait_s)
        return pull

    async def look_at_pull(self, model: str, wait_s: float) -> PullView:
        """See `Downloads.wait`."""
        pull: PullView = await self._call("look_at_pull", model, wait_s, patience_s=wait_s)
        return pull

    async def cancel_pull(self, model: str) -> PullView:
        """See `Downloads.cancel`."""
        pull: PullView = await self._call("cancel_pull", model)
        return pull

    async def remove(self, model: str) -> Removed:
        """See `Disk.remove`."""
        removed: Removed = await self._call("remove", model)
        return removed

    async def load_model(self, model: Model, wait_s: float) -> ControlView:
        """See `ByHand.load`."""
        view: ControlView = await self._call("load_model", model, wait_s, patience_s=wait_s)
        return view

    async def unload_model(self, model: Model, wait_s: float) -> ControlView:
        """See `ByHand.unload`."""
        view: ControlView = await self._call("unload_model", model, wait_s, patience_s=wait_s)
        return view

    async def pin_model(self, wish: PinWish, wait_s: float) -> ControlView:
        """See `Pinned.pin`."""
        view: ControlView = await self._call("pin_model", wish, wait_s, patience_s=wait_s)
        return view

    async def unpin_model(self, model: Model, wait_s: float) -> ControlView:
        """See `Pinned.unpin`."""
        view: ControlView = await self._call("unpin_model", model, wait_s, patience_s=wait_s)
        return view

    async def reconcile(self, claims: Callable[[], Claims]) -> Sweep:
        """See `ModelHost.reconcile`. `claims` are made anew for each try: the host takes them for what is true now."""
        call = self._handle.reconcile.remote
        sweep: Sweep = await self._insist("reconcile", lambda: call(claims()), patience_s=60.0)
        return sweep

    async def view(self) -> HostView:
        """See `ModelHost.view`."""
        view: HostView = await self._call("view")
        return view

    async def ping(self) -> None:
        """Return when the host answers."""
        await self._call("ping")

    async def _call(self, method: str, *args: object, patience_s: float = 0.0) -> Any:
        call: Callable[..., Any] = getattr(self._handle, method).remote
        return await self._insist(method, lambda: call(*args), patience_s=patience_s)

    async def _insist(self, method: str, send: Callable[[], Any], *, patience_s: float) -> Any:
        """Send a call, again while the host's process restarts."""
        deadline_s = patience_s + self._answer_s
        for _ in range(RESTART_TRIES):
            try:
                return await ask(send(), deadline_s=deadline_s, what=f"{method} on {self.endpoint_id}")
            except ACTOR_LOST as exc:
                log.warning("model host %s was lost during %s: %s", self.endpoint_id, method, type(exc).__name__)
                await asyncio.sleep(RESTART_PAUSE_S)
        raise Unavailable(f"the model host of {self.endpoint_id} does not come back")
