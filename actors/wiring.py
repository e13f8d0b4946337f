"""Wires the real parts of a `SessionManager`, in one place."""

from __future__ import annotations

import logging
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.agent_pool import AGENT_MEMORY_BYTES, AgentPool
from actors.cluster import NAMESPACE, model_host_name
from actors.host_handle import HostHandle
from actors.host_messages import HostSpec
from actors.model_host_actor import ModelHostActor
from actors.parts import Parts
from actors.recorder import Recorder
from delegator.analysis import Analyzer
from delegator.clock import Clock
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.settings import GB, Settings
from delegator.store.store import Store

log = logging.getLogger(__name__)

ENDPOINT_ID = "ollama"
"""Name of the one endpoint; several endpoints will each have their own."""

DEFAULT_MEMORY_BYTES = 64 * GB
"""Capacity for models where nothing says otherwise and they are simulated."""


async def wire(settings: Settings) -> Parts:
    """Open the store, find or create the model host, and return the parts.

    Raises:
        StoreUnavailable, CatalogueInvalid, DeadlineExceeded: a part cannot be had.
    """
    catalogue = load_catalogue(settings.catalogue)
    store = Store(settings.database_url or "", pool_size=8)
    await store.open()
    capacity = model_capacity_bytes(settings, catalogue)
    handle = _find_or_create_host(settings, capacity)
    return Parts(
        settings=settings,
        catalogue=catalogue,
        analyzer=Analyzer(catalogue, settings.complexity_limits),
        clock=Clock(settings.simulator_scale if settings.models == "simulated" else 1.0),
        store=store,
        recorder=Recorder(store),
        pool=AgentPool(catalogue, settings, settings.ollama_url),
        host=HostHandle(ENDPOINT_ID, handle, answer_s=settings.actor_start_deadline_s),
        capacity_bytes=capacity,
    )


def model_capacity_bytes(settings: Settings, catalogue: Catalogue) -> int:
    """Return what models may take: the memory given, less what the agents' own processes hold."""
    given = DEFAULT_MEMORY_BYTES if settings.memory is None else settings.memory
    return max(1, given - AGENT_MEMORY_BYTES * len(catalogue.roles))


def _find_or_create_host(settings: Settings, capacity: int) -> Any:
    offered = ray.cluster_resources().get("memory", 0.0)
    spec = HostSpec(ENDPOINT_ID, settings.ollama_url, capacity, reserve_in_ray=offered >= capacity)
    if not spec.reserve_in_ray:
        log.warning(
            "Ray offers %.1f GB of memory and models may take %.1f GB: only the ledger guards",
            offered / GB,
            capacity / GB,
        )
    return (
        ray.remote(ModelHostActor)
        .options(
            name=model_host_name(ENDPOINT_ID),
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True),
        )
        .remote(spec, settings)
    )
