"""Which Ray node an endpoint is on, so that its `ModelHost`, its agents and its reservations are put there.

Owns matching addresses and names; asks Ray once, when the system is wired.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray

from delegator.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Node:
    """One living node of the cluster.

    Attributes:
        node_id: Ray's own id, in hex.
        address: its IP address, by which a reservation is bound to it.
        names: everything it may be called.
        memory_bytes: what Ray offers of its memory.
    """

    node_id: str
    address: str
    names: frozenset[str]
    memory_bytes: int


def living_nodes() -> list[Node]:
    """Return the nodes of the connected Ray."""
    return [_node(facts) for facts in ray.nodes() if facts["Alive"]]


def _node(facts: Mapping[str, Any]) -> Node:
    address, node_id = str(facts["NodeManagerAddress"]), str(facts["NodeID"])
    names = {node_id, address, str(facts.get("NodeManagerHostname") or address), str(facts.get("NodeName") or address)}
    memory = int(facts.get("Resources", {}).get("memory", 0))
    return Node(node_id, address, frozenset(names), memory)


def node_of(endpoint: Endpoint, nodes: Sequence[Node], here: Node) -> Node | None:
    """Return the node an endpoint is on: as it was said, else as its address tells; None: none of the cluster."""
    wanted = endpoint.node
    if wanted is not None:
        return next((node for node in nodes if wanted in node.names), None)
    if endpoint.local:
        return here
    called = {endpoint.host, *_addresses(endpoint.host)}
    return next((node for node in nodes if called & node.names), None)


def _addresses(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except OSError:
        return set()
