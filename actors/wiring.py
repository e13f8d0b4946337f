"""Wires the real parts of a `SessionManager`, in one place."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actors.active_analysis import ActiveAnalysis
from actors.agent_pool import AgentPool
from actors.cluster import NAMESPACE, model_host_name
from actors.doubts import Doubts
from actors.footprint import SIMULATED_BYTES, agents_bytes, left_for_models
from actors.host_handle import HostHandle
from actors.host_messages import RETURNS, HostSpec
from actors.hosts import Hosts
from actors.model_host_actor import ModelHostActor
from actors.nodes import Node, living_nodes, node_of
from actors.parts import Parts
from actors.placing import Placing
from actors.recorder import Recorder
from delegator.clock import Clock
from delegator.endpoints import Endpoint, endpoints_of, shared_memory
from delegator.roles.catalogue import Catalogue, load_catalogue
from delegator.settings import GB, Settings
from delegator.store.records import LearnedRecord, ModelFactsRecord
from delegator.store.store import Store

log = logging.getLogger(__name__)


async def wire(settings: Settings) -> Parts:
    """Open the store, find or create the model host, and return the parts.

    Raises:
        StoreUnavailable, CatalogueInvalid, DeadlineExceeded: a part cannot be had.
    """
    catalogue = load_catalogue(settings.catalogue)
    doubts = Doubts()
    store = Store(settings.database_url or "", pool_size=8)
    await store.open()
    facts = await store.model_facts()
    hosts = _hosts(settings, catalogue, doubts, facts, await store.all_learned())
    recorder = Recorder(store, doubts)
    analysis = ActiveAnalysis(catalogue, settings)
    await analysis.take(await store.active_analysis_version())
    return Parts(
        settings=settings,
        catalogue=catalogue,
        analyzer=analysis,
        clock=Clock(settings.simulator_scale if settings.models == "simulated" else 1.0),
        store=store,
        recorder=recorder,
        pool=AgentPool(catalogue, settings),
        hosts=hosts,
        placing=Placing(hosts, catalogue, recorder),
        capacity_bytes=hosts.capacity_bytes,
    )


def _is_of(learned: LearnedRecord, endpoint_id: str) -> bool:
    return learned.endpoint == endpoint_id and learned.name == RETURNS and isinstance(learned.value, dict)


def model_capacity_bytes(settings: Settings, catalogue: Catalogue) -> int:
    """Return what models may take on this machine: the memory given, less what the agents' own processes hold."""
    return left_for_models(SIMULATED_BYTES if settings.memory is None else settings.memory, catalogue)


def _hosts(
    settings: Settings,
    catalogue: Catalogue,
    doubts: Doubts,
    facts: Sequence[ModelFactsRecord],
    learned: Sequence[LearnedRecord],
) -> Hosts:
    """Find or create the model host of every endpoint, each on its endpoint's node."""
    nodes = living_nodes()
    here_id = ray.get_runtime_context().get_node_id()
    here = next(node for node in nodes if node.node_id == here_id)
    endpoints = endpoints_of(settings)
    at = {endpoint.endpoint_id: node_of(endpoint, nodes, here) for endpoint in endpoints}
    agents = agents_bytes(catalogue)
    capacities = capacities_of(endpoints, at, here, model_capacity_bytes(settings, catalogue), agents_bytes=agents)
    guarded = nodes_that_reserve(at, capacities, agents_bytes=agents)
    handles = []
    for endpoint in endpoints:
        node = at[endpoint.endpoint_id]
        spec = HostSpec(
            endpoint.endpoint_id,
            endpoint.url,
            capacities[endpoint.endpoint_id],
            reserve_in_ray=node is not None and node.node_id in guarded,
            node_address=node.address if node is not None and len(nodes) > 1 else None,
            facts=tuple(known for known in facts if known.endpoint == endpoint.endpoint_id),
            learned=next((one.value for one in learned if _is_of(one, endpoint.endpoint_id)), {}),
        )
        handle = _find_or_create_host(spec, settings, (node or here).node_id)
        node_id = node.node_id if node is not None else None
        handles.append(HostHandle(spec, handle, node_id=node_id, answer_s=settings.actor_start_deadline_s))
    return Hosts(handles, doubts)


def capacities_of(
    endpoints: Sequence[Endpoint], at: Mapping[str, Node | None], here: Node, machine_bytes: int, *, agents_bytes: int
) -> dict[str, int]:
    """Return what each endpoint has for models, by id.

    Those on this machine share `machine_bytes`; those on another node of the cluster what Ray offers there, less what
    agents may take there. One on no node has what it was given, and otherwise is taken to be like this machine.

    Args:
        endpoints: all of them.
        at: the node of each, by id; None: none of the cluster.
        here: the node of this machine.
        machine_bytes: for models on this machine, agents left out.
        agents_bytes: what the agents of all roles take.
    """
    found: dict[str, int] = {}
    for node in dict.fromkeys(at.values()):
        there = [endpoint for endpoint in endpoints if at[endpoint.endpoint_id] == node]
        if node is None:
            found |= {e.endpoint_id: e.memory_bytes or machine_bytes for e in there}
        else:
            offered = max(1, node.memory_bytes - agents_bytes) if node.memory_bytes else machine_bytes
            found |= shared_memory(there, machine_bytes if node == here else offered)
    return found


def nodes_that_reserve(at: Mapping[str, Node | None], capacities: Mapping[str, int], *, agents_bytes: int) -> set[str]:
    """Return the ids of the nodes on which Ray offers as much memory as agents and their endpoints' models may take."""
    enough = set()
    for node in {node for node in at.values() if node is not None}:
        wanted = sum(capacities[endpoint_id] for endpoint_id, where in at.items() if where == node)
        if node.memory_bytes >= wanted + agents_bytes:
            enough.add(node.node_id)
            continue
        offered = node.memory_bytes / GB
        log.warning("Ray offers %.1f GB and models may take %.1f GB: only the ledger guards", offered, wanted / GB)
    return enough


def _find_or_create_host(spec: HostSpec, settings: Settings, node_id: str) -> Any:
    return (
        ray.remote(ModelHostActor)
        .options(
            name=model_host_name(spec.endpoint_id),
            namespace=NAMESPACE,
            lifetime="detached",
            get_if_exists=True,
            num_cpus=0,
            max_restarts=-1,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=True),
        )
        .remote(spec, settings)
    )
