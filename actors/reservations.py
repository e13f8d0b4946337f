"""Shows Ray what the models take: one placement group per resident model.

Reserves memory and GPU share exactly while a model is resident, so that the Ray dashboard shows real reservations.
Groups are detached and named by endpoint and model: a restarted `ModelHost` finds them again.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import ray
from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.placement_group import PlacementGroup, get_placement_group

from delegator.errors import DeadlineExceeded

PREFIX = "model"
PLACEMENT_DEADLINE_S = 10.0
"""Real seconds; a group that is placed at all is placed within milliseconds."""


class Reservations(Protocol):
    """What a `ModelHost` needs from whoever keeps account of the cluster's resources."""

    async def reserve(self, model: str, size_bytes: int, gpu: float) -> None:
        """Reserve for one model.

        Raises:
            DeadlineExceeded: the cluster has no room for it.
        """

    async def free(self, model: str) -> None:
        """Give back what `reserve` took; nothing to give back is fine."""

    async def existing(self) -> set[str]:
        """Return the models reserved for now."""


class LedgerOnly:
    """Reserves nothing: for a joined Ray that offers less memory than the models have. The ledger alone guards."""

    def __init__(self) -> None:
        """Start with nothing reserved."""
        self._models: set[str] = set()

    async def reserve(self, model: str, size_bytes: int, gpu: float) -> None:
        """Remember the model."""
        self._models.add(model)

    async def free(self, model: str) -> None:
        """Forget the model."""
        self._models.discard(model)

    async def existing(self) -> set[str]:
        """Return what is remembered; nothing after a restart."""
        return set(self._models)


class PlacementGroups:
    """Reserves by placement groups named `model:<endpoint>:<model>`."""

    def __init__(self, endpoint_id: str, node_address: str | None = None) -> None:
        """Serve one endpoint; its groups are told from others' by `endpoint_id`, and stay on the node of that address.

        Without `node_address` Ray puts them wherever there is room.
        """
        self._endpoint_id = endpoint_id
        self._node_address = node_address
        self._one_at_a_time = asyncio.Lock()
        """A group that is just being removed must not be found by whoever reserves for the same model."""

    def _name(self, model: str) -> str:
        return f"{PREFIX}:{self._endpoint_id}:{model}"

    async def reserve(self, model: str, size_bytes: int, gpu: float) -> None:
        """Make the model's group, or find it, and wait until it is placed."""
        async with self._one_at_a_time:
            group = await asyncio.to_thread(self._make, model, size_bytes, gpu)
        if not await asyncio.to_thread(group.wait, PLACEMENT_DEADLINE_S):
            await asyncio.to_thread(remove_placement_group, group)
            raise DeadlineExceeded(f"placing the reservation of {model} in Ray", PLACEMENT_DEADLINE_S)

    def _make(self, model: str, size_bytes: int, gpu: float) -> PlacementGroup:
        found = _find(self._name(model))
        if found is not None:
            return found
        bundle: dict[str, float] = {"memory": size_bytes}
        if gpu and ray.cluster_resources().get("GPU", 0) >= gpu:
            bundle["GPU"] = gpu
        if self._node_address is not None:
            bundle[f"node:{self._node_address}"] = 0.001  # Ray's own resource, of which every node has 1
        made: PlacementGroup = placement_group(
            [bundle], strategy="STRICT_PACK", name=self._name(model), lifetime="detached"
        )
        return made

    async def free(self, model: str) -> None:
        """Remove the model's group."""
        async with self._one_at_a_time:
            await asyncio.to_thread(self._remove, model)

    def _remove(self, model: str) -> None:
        found = _find(self._name(model))
        if found is not None:
            remove_placement_group(found)

    async def existing(self) -> set[str]:
        """Ask Ray which groups of this endpoint stand."""
        names = await asyncio.to_thread(_standing_names)
        mine = f"{PREFIX}:{self._endpoint_id}:"
        return {name.removeprefix(mine) for name in names if name.startswith(mine)}


def _find(name: str) -> PlacementGroup | None:
    try:
        found: PlacementGroup = get_placement_group(name)
    except ValueError:
        return None
    return found


def _standing_names() -> list[str]:
    return [group["name"] for group in placement_group_table().values() if group["state"] != "REMOVED"]
