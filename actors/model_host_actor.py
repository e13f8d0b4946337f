"""Makes a `ModelHost` a Ray actor: wires it to its Ollama, to placement groups and to the `SessionManager`."""

from __future__ import annotations

from collections.abc import Sequence

import ray

from actors.calls import ask
from actors.cluster import NAMESPACE, SESSION_MANAGER
from actors.host_messages import HostSpec
from actors.model_host import ModelHost
from actors.reservations import LedgerOnly, PlacementGroups
from delegator.ollama.client import OllamaClient
from delegator.settings import Settings
from delegator.store.records import NewEvent

REPORT_DEADLINE_S = 30.0


class ModelHostActor(ModelHost):
    """The `ModelHost` of one endpoint, as an actor."""

    async def __init__(self, spec: HostSpec, settings: Settings) -> None:  # type: ignore[misc]
        """Wire the parts and start. Ray awaits this before it lets any call in."""
        bound = PlacementGroups(spec.endpoint_id, spec.node_address)
        reservations = bound if spec.reserve_in_ray else LedgerOnly()
        super().__init__(spec, settings, OllamaClient(spec.url), reservations, report_to_manager)
        await self.start()

    def __repr__(self) -> str:
        """Name the endpoint: Ray shows this beside log lines and in its dashboard."""
        return f"ModelHost({self._spec.endpoint_id})"


async def report_to_manager(events: Sequence[NewEvent]) -> None:
    """Hand events to the `SessionManager`; raises while that is away."""
    manager = ray.get_actor(SESSION_MANAGER, namespace=NAMESPACE)
    await ask(manager.record.remote(list(events)), deadline_s=REPORT_DEADLINE_S, what="recording what a host did")
